package load

import (
	"slices"
	"time"
)

// WindowLength is the time over which throughput and latency through time are told. Windows begin each
// second, so that none is missed that lies across the border of two.
const WindowLength = windowSeconds * time.Second

const windowSeconds = 2

// Window is what came in a stretch of the load.
type Window struct {
	Start  int // its first second, from 0
	OK     int
	Errors int
	Median time.Duration
	P99    time.Duration
}

// second is what one slot counts in one second.
type second struct {
	latencies []float64
	errors    int
}

// second returns the place of a moment of the load.
func (t *tally) second(since time.Duration) *second {
	number := int(since / time.Second)
	for len(t.seconds) <= number {
		t.seconds = append(t.seconds, second{})
	}
	return &t.seconds[number]
}

// count puts the latencies of all slots together: all of them, and those of each window that ended before
// the requests were spent.
func (r *Result) count(tallies []tally, spent time.Duration) {
	var seconds []second
	for i := range tallies {
		for number, part := range tallies[i].seconds {
			if number == len(seconds) {
				seconds = append(seconds, second{})
			}
			seconds[number].latencies = append(seconds[number].latencies, part.latencies...)
			seconds[number].errors += part.errors
			tallies[i].seconds[number].latencies = nil // it is kept once
		}
	}
	for number := range seconds {
		r.Latencies = append(r.Latencies, seconds[number].latencies...)
	}
	slices.Sort(r.Latencies)
	for start := 0; time.Duration(start+windowSeconds)*time.Second <= spent; start++ {
		r.Windows = append(r.Windows, windowOf(start, seconds))
	}
}

func windowOf(start int, seconds []second) Window {
	w := Window{Start: start}
	var latencies []float64
	for number := start; number < min(start+windowSeconds, len(seconds)); number++ {
		latencies = append(latencies, seconds[number].latencies...)
		w.Errors += seconds[number].errors
	}
	slices.Sort(latencies)
	w.OK, w.Median, w.P99 = len(latencies), quantile(0.5, latencies), quantile(0.99, latencies)
	return w
}
