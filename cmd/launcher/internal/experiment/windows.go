package experiment

import (
	"slices"

	"gonum.org/v1/gonum/stat"
)

// WindowSeconds is the length of a Window.
const WindowSeconds = 2

// The begin of the windows among which the worst is looked for: a server has to answer
// nothing before, being just started.
const (
	lowestFrom = 3 // seconds
	worstFrom  = 2
)

// Throughput returns the right responses a second.
func (w Window) Throughput() float64 { return float64(w.Requests) / WindowSeconds }

// steady returns the windows of the load's second half: what is measured in the first one is how
// it came to be so.
func (t *Traffic) steady() []Window {
	half := t.Seconds / 2
	first := slices.IndexFunc(t.Windows, func(w Window) bool { return w.Seconds >= half })
	if first < 0 {
		return nil
	}
	return t.Windows[first:]
}

// Steady returns the throughput and the p99 in ms of two seconds in the second half of the load, the
// median of each; 0 where the load was too short.
func (t *Traffic) Steady() (throughput, p99 float64) {
	windows := t.steady()
	return median(windows, Window.Throughput), median(windows, func(w Window) float64 { return w.P99Ms })
}

func median(windows []Window, value func(Window) float64) float64 {
	if len(windows) == 0 {
		return 0
	}
	var values []float64
	for _, w := range windows {
		values = append(values, value(w))
	}
	return Median(values)
}

// Median returns the middle one of values, or the mean of the two in the middle; 0 of none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return stat.Mean(sorted[(len(sorted)-1)/2:len(sorted)/2+1], nil)
}

// Lowest returns the lowest throughput of two seconds after the third second, and whether there
// is one.
func (t *Traffic) Lowest() (throughput float64, found bool) {
	for _, w := range t.Windows {
		if w.Seconds >= lowestFrom && (!found || w.Throughput() < throughput) {
			throughput, found = w.Throughput(), true
		}
	}
	return throughput, found
}

// WorstP99 returns the greatest p99 of two seconds after the second second, in ms, and whether there is
// one.
func (t *Traffic) WorstP99() (p99 float64, found bool) {
	for _, w := range t.Windows {
		if w.Seconds >= worstFrom {
			p99, found = max(p99, w.P99Ms), true
		}
	}
	return p99, found
}
