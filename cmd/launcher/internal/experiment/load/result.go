package load

import (
	"time"

	"gonum.org/v1/gonum/stat"
)

// Result is what a load found. A load that was stopped has what came until then:
// OK + Errors is less than what was planned.
type Result struct {
	OK      int           // right responses
	Errors  int           // all others; requests that were cut are neither
	Elapsed time.Duration // from the first request's time to the last response
	Bytes   int64         // of the bodies of OK
	// Latencies are those of OK in seconds, the shortest first. Without a rate they
	// count from the moment in which a connection is free for the request, with one from
	// the moment at which it was due. Connecting, where it is needed, is in them.
	Latencies []float64
	// Windows are those of WindowLength that began with each whole second, as long as there were requests
	// to be made.
	Windows []Window
	// Served is how many responses each process made, whatever the status: those
	// that name it in PidHeader.
	Served   map[int]int
	Failures []Failure // at most 20 kinds, then "other"

	Connects int // connections made: over HTTP as many as there are slots, or the server closes them
	Retried  int // requests sent again, because the server had closed the connection that was kept for them

	StderrLines int    // what FastCGI workers wrote to their error stream, in lines
	StderrFirst string // the first of them
}

// Throughput returns the right responses a second.
func (r *Result) Throughput() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.OK) / r.Elapsed.Seconds()
}

// Quantile returns the smallest latency that was measured within which at least the fraction p of
// the right responses came (stat.Empirical: nothing is interpolated). Without a response it is 0.
func (r *Result) Quantile(p float64) time.Duration {
	return quantile(p, r.Latencies)
}

// quantile is that of sorted latencies.
func quantile(p float64, latencies []float64) time.Duration {
	if len(latencies) == 0 {
		return 0
	}
	return time.Duration(stat.Quantile(p, stat.Empirical, latencies, nil) * float64(time.Second))
}
