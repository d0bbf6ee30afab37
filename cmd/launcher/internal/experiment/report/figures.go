package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"launcher/cmd/launcher/internal/experiment"
)

// isPeer says whether a method is a server that this program is compared with.
// One that the report does not know is none, and is shown all the same.
func isPeer(method experiment.Method) bool {
	return slices.Contains(experiment.Methods(), method) && !method.Own()
}

// figures finds runs in Results.
type figures struct {
	results *experiment.Results
	// methods have a whole run at least, in the order in which they were asked for.
	methods []experiment.Method
	// n is the number of processes of the tables of one number: the largest that all
	// methods have, or, where they share none, the largest of any. 0 without a run.
	n      int
	shared bool
}

func newFigures(results *experiment.Results) *figures {
	f := &figures{results: results}
	candidates := slices.Clone(results.Methods)
	for i := range results.Runs {
		candidates = append(candidates, results.Runs[i].Method)
	}
	for _, method := range candidates {
		if !slices.Contains(f.methods, method) && len(f.runs(method)) > 0 {
			f.methods = append(f.methods, method)
		}
	}
	numbers := f.numbers()
	for _, n := range slices.Backward(numbers) {
		if len(f.runsOf(n)) == len(f.methods) {
			f.n, f.shared = n, true
			return f
		}
	}
	if len(numbers) > 0 {
		f.n = numbers[len(numbers)-1]
	}
	return f
}

// whole says whether a run can be compared with others.
func whole(run *experiment.Run) bool { return run.Error == "" && run.Peak.PSS > 0 }

// runs returns the whole ones of a method, by number of processes.
func (f *figures) runs(method experiment.Method) []*experiment.Run {
	var found []*experiment.Run
	for _, n := range f.numbers() {
		if run := f.run(method, n); run != nil {
			found = append(found, run)
		}
	}
	return found
}

// run returns the whole one of a method with n processes, the middle of several rounds, or nil.
func (f *figures) run(method experiment.Method, n int) *experiment.Run {
	if rounds := f.rounds(method, n); len(rounds) > 0 {
		return merged(rounds)
	}
	return nil
}

// runsOf returns the whole ones with n processes, one a method.
func (f *figures) runsOf(n int) []*experiment.Run {
	var found []*experiment.Run
	for _, method := range f.methods {
		if run := f.run(method, n); run != nil {
			found = append(found, run)
		}
	}
	return found
}

// failed returns the runs with n processes that are not whole, of methods that have no whole
// one.
func (f *figures) failed(n int) []*experiment.Run {
	var found []*experiment.Run
	for i := range f.results.Runs {
		run := &f.results.Runs[i]
		if run.Processes == n && !whole(run) && f.run(run.Method, n) == nil {
			found = append(found, run)
		}
	}
	return found
}

// numbers returns the numbers of processes that were measured, each once, rising.
func (f *figures) numbers() []int {
	var found []int
	for i := range f.results.Runs {
		if run := &f.results.Runs[i]; whole(run) {
			found = append(found, run.Processes)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// directPeak returns what direct spawning used with n processes, in MB, or 0.
func (f *figures) directPeak(n int) float64 {
	if run := f.run(experiment.Direct, n); run != nil {
		return toMB(run.Peak.PSS)
	}
	return 0
}

// directLast returns what direct spawning used after the load.
func (f *figures) directLast(n int) float64 {
	if run := f.run(experiment.Direct, n); run != nil {
		return toMB(run.Last.PSS)
	}
	return 0
}

// bestPeer returns the fastest of the peers without an error. One with errors may be
// fast because of them.
func (f *figures) bestPeer(n int) *experiment.Run {
	var best *experiment.Run
	for _, run := range f.runsOf(n) {
		if isPeer(run.Method) && run.Traffic.Errors == 0 && run.Traffic.Throughput > 0 &&
			(best == nil || run.Traffic.Throughput > best.Traffic.Throughput) {
			best = run
		}
	}
	return best
}

// fit returns the line through what value returns, over the number of processes.
func (f *figures) fit(method experiment.Method, value func(*experiment.Run) float64) (line, bool) {
	var x, y []float64
	for _, run := range f.runs(method) {
		x = append(x, float64(run.Processes))
		y = append(y, value(run))
	}
	return fit(x, y)
}

// Signs beside the name of a method: of one with errors, and of a run that is not whole.
const (
	errorSign  = "†"
	failedSign = "‡"
)

func label(run *experiment.Run) string {
	if run.Traffic.Errors > 0 {
		return clean(run.Method) + " " + errorSign
	}
	return clean(run.Method)
}

// name returns a method's, with the sign if any of its runs has it, cut to a number of letters where
// letters is not 0.
func (f *figures) name(method experiment.Method, letters int) string {
	name := clean(method)
	if letters > 0 {
		name = shorten(name, letters)
	}
	for _, run := range f.runs(method) {
		if run.Traffic.Errors > 0 {
			return name + " " + errorSign
		}
	}
	return name
}

// failuresShown is how many kinds of failure are told of one run.
const failuresShown = 5

// errorNotes returns what explains the sign, of runs that have it.
func errorNotes(runs []*experiment.Run) []string {
	var notes []string
	for _, run := range runs {
		traffic := &run.Traffic
		if traffic.Errors == 0 {
			continue
		}
		var kinds []string
		for i, failure := range traffic.Failures {
			if i == failuresShown {
				kinds = append(kinds, count(len(traffic.Failures)-i, "other kind", "other kinds"))
				break
			}
			kinds = append(kinds, fmt.Sprintf("%s (%d ×)", clean(failure.Text), failure.Count))
		}
		note := fmt.Sprintf("%s %s, %s: %d of %s not answered as they should be, so its figures are not those of the same work",
			errorSign, clean(run.Method), count(run.Processes, "process", "processes"), traffic.Errors,
			count(traffic.Requests+traffic.Errors, "request", "requests"))
		if len(kinds) > 0 {
			note += ": " + strings.Join(kinds, "; ")
		}
		notes = append(notes, note+".")
	}
	return notes
}

// largestNumber returns the right end of the axis of processes.
func (f *figures) largestNumber() int {
	numbers := append(f.numbers(), f.results.Processes...)
	if len(numbers) == 0 {
		return articleProcesses
	}
	return max(1, slices.Max(numbers))
}

func isNumber(value float64) bool { return !math.IsNaN(value) && !math.IsInf(value, 0) }
