package report

import (
	"cmp"
	"slices"

	"launcher/cmd/launcher/internal/experiment"
)

// rounds returns the whole runs of a method with n processes.
func (f *figures) rounds(method experiment.Method, n int) []*experiment.Run {
	var found []*experiment.Run
	for i := range f.results.Runs {
		if run := &f.results.Runs[i]; run.Method == method && run.Processes == n && whole(run) {
			found = append(found, run)
		}
	}
	return found
}

// merged returns one run for several: of each figure the median, of errors the sum, and of what goes
// through time that of the run whose throughput is in the middle.
func merged(rounds []*experiment.Run) *experiment.Run {
	if len(rounds) == 1 {
		return rounds[0]
	}
	sorted := slices.SortedFunc(slices.Values(rounds), func(a, b *experiment.Run) int {
		return cmp.Compare(a.Traffic.Throughput, b.Traffic.Throughput)
	})
	run := *sorted[(len(sorted)-1)/2]
	for _, figure := range []func(*experiment.Run) *float64{
		func(r *experiment.Run) *float64 { return &r.LaunchSeconds },
		func(r *experiment.Run) *float64 { return &r.Traffic.Throughput },
		func(r *experiment.Run) *float64 { return &r.Traffic.MedianMs },
		func(r *experiment.Run) *float64 { return &r.Traffic.P99Ms },
	} {
		*figure(&run) = experiment.Median(values(rounds, func(r *experiment.Run) float64 { return *figure(r) }))
	}
	for _, sample := range []func(*experiment.Run) *experiment.Sample{
		func(r *experiment.Run) *experiment.Sample { return &r.Launched },
		func(r *experiment.Run) *experiment.Sample { return &r.Peak },
		func(r *experiment.Run) *experiment.Sample { return &r.Last },
	} {
		for _, size := range []func(*experiment.Sample) *uint64{
			func(s *experiment.Sample) *uint64 { return &s.PSS },
			func(s *experiment.Sample) *uint64 { return &s.Private },
			func(s *experiment.Sample) *uint64 { return &s.RSS },
			func(s *experiment.Sample) *uint64 { return &s.Swap },
		} {
			*size(sample(&run)) = uint64(experiment.Median(values(rounds, func(r *experiment.Run) float64 { return float64(*size(sample(r))) })))
		}
	}
	run.Traffic.Requests, run.Traffic.Errors, run.Traffic.Failures = 0, 0, nil
	for _, round := range rounds {
		run.Traffic.Requests += round.Traffic.Requests
		run.Traffic.Errors += round.Traffic.Errors
		run.Traffic.Failures = append(run.Traffic.Failures, round.Traffic.Failures...)
	}
	return &run
}

func values(rounds []*experiment.Run, value func(*experiment.Run) float64) []float64 {
	found := make([]float64, len(rounds))
	for i, round := range rounds {
		found[i] = value(round)
	}
	return found
}

// spread returns a figure, or of several rounds the median and from which to which it was. What a round lacks is
// NaN.
func (f *figures) spread(run *experiment.Run, value func(*experiment.Run) float64, show func(float64) string) string {
	found := slices.DeleteFunc(values(f.rounds(run.Method, run.Processes), value), func(v float64) bool { return !isNumber(v) })
	if len(found) == 0 {
		return none
	}
	text := show(experiment.Median(found))
	if len(found) > 1 {
		text += " (" + show(slices.Min(found)) + " to " + show(slices.Max(found)) + ")"
	}
	return text
}

// roundsText tells of the rounds, "" where there was one.
func (f *figures) roundsText() string {
	if f.results.Load.Rounds < 2 {
		return ""
	}
	return "Medians of " + count(f.results.Load.Rounds, "round", "rounds") + " with the smallest and the largest, the methods in turn."
}
