//go:build linux

package run

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"launcher/cmd/launcher/internal/experiment"
	"launcher/cmd/launcher/internal/experiment/load"
)

// traffic returns a load's result as the results have it.
func traffic(r load.Result) experiment.Traffic {
	t := experiment.Traffic{Requests: r.OK, Errors: r.Errors, Seconds: r.Elapsed.Seconds(), Bytes: r.Bytes,
		Throughput: r.Throughput(), MedianMs: ms(r.Quantile(0.5)), P99Ms: ms(r.Quantile(0.99))}
	for _, w := range r.Windows {
		t.Windows = append(t.Windows, experiment.Window{Seconds: float64(w.Start), Requests: w.OK, Errors: w.Errors, MedianMs: ms(w.Median), P99Ms: ms(w.P99)})
	}
	for _, f := range r.Failures {
		t.Failures = append(t.Failures, experiment.Failure{Text: f.Text, Count: f.Count})
	}
	t.Served = servedBy(r.Served)
	return t
}

// servedBy returns how many responses each process made, the busiest first.
func servedBy(counts map[int]int) []experiment.Served {
	var out []experiment.Served
	for _, pid := range slices.Sorted(maps.Keys(counts)) {
		out = append(out, experiment.Served{Pid: pid, Requests: counts[pid]})
	}
	slices.SortStableFunc(out, func(a, b experiment.Served) int { return cmp.Compare(b.Requests, a.Requests) })
	return out
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
