package dashboard

import (
	"time"

	"launcher/preforker/control"
)

const (
	// span is how far the history goes back.
	span = time.Hour
	// samplePeriod is the time between two samples.
	samplePeriod = 10 * time.Second
	maxSamples   = int(span / samplePeriod)
	// recent is what "now" means of rates and durations.
	recent = time.Minute
)

// sample is how things were at a moment. Rates and durations are of the time since the sample before.
type sample struct {
	at            time.Time
	memory, bound uint64 // bytes; bound 0: none was known
	rate, errors  float32
	median, tail  float32 // seconds that half, and 95 of 100, of the requests took at most; 0: there was none
	busy, workers int32
	queue         int32
}

// counters are what a status counts up, to take the difference to a later one.
type counters struct {
	at             time.Time
	served, errors uint64
	durations      []uint64
}

func countersOf(s control.Status) counters {
	return counters{at: s.Time, served: s.Requests.Served, errors: s.Requests.Errors, durations: s.Requests.Duration.Counts}
}

// flow is how requests went between two moments.
type flow struct {
	known        bool
	rate, errors float64 // a second
	count        uint64
	median, tail float64 // seconds
}

// since returns what has happened since an earlier moment. A launcher that follows in the same place counts anew.
func (c counters) since(before counters, bounds []float64) flow {
	seconds := c.at.Sub(before.at).Seconds()
	if before.at.IsZero() || seconds <= 0 || c.served < before.served || c.errors < before.errors {
		return flow{}
	}
	f := flow{known: true, rate: float64(c.served-before.served) / seconds, errors: float64(c.errors-before.errors) / seconds}
	counts := make([]uint64, len(c.durations))
	for i, n := range c.durations {
		if i < len(before.durations) {
			n -= min(n, before.durations[i])
		}
		counts[i], f.count = n, f.count+n
	}
	f.median, f.tail = quantile(counts, bounds, 0.5), quantile(counts, bounds, 0.95)
	return f
}

// quantile estimates what a share of the counted took at most, as if those between two bounds were spread evenly. What is above
// all bounds counts as the last of them.
func quantile(counts []uint64, bounds []float64, share float64) float64 {
	var all uint64
	for _, n := range counts {
		all += n
	}
	if all == 0 || len(bounds) == 0 {
		return 0
	}
	wanted, below := share*float64(all), 0.0
	for i, n := range counts {
		if i >= len(bounds) {
			break
		}
		if n > 0 && below+float64(n) >= wanted {
			low := 0.0
			if i > 0 {
				low = bounds[i-1]
			}
			return low + (bounds[i]-low)*(wanted-below)/float64(n)
		}
		below += float64(n)
	}
	return bounds[len(bounds)-1]
}

// history is the last hour: samples, and what has happened.
type history struct {
	samples []sample // a ring
	next    int      // where the next one goes, once it is full
	minute  []counters
	marks   marks
}

// add takes a status for a sample.
func (h *history) add(s control.Status) {
	now := countersOf(s)
	var before counters
	if len(h.minute) > 0 {
		before = h.minute[len(h.minute)-1]
	}
	if !now.at.After(before.at) {
		return // the clock was set back, or nothing has come since
	}
	f := now.since(before, s.Requests.Duration.Bounds)
	one := sample{at: s.Time, memory: s.Memory.PSS, rate: float32(f.rate), errors: float32(f.errors), median: float32(f.median), tail: float32(f.tail),
		busy: int32(s.Workers.Busy), workers: int32(len(s.Slots)), queue: int32(s.Queue.Now)}
	if s.Memory.Bound != nil {
		one.bound = s.Memory.Bound.Total
	}
	if len(h.samples) < maxSamples {
		h.samples = append(h.samples, one)
	} else {
		h.samples[h.next] = one
		h.next = (h.next + 1) % maxSamples
	}
	h.minute = append(h.minute, now)
	for len(h.minute) > 1 && now.at.Sub(h.minute[1].at) >= recent {
		h.minute = h.minute[1:]
	}
	h.marks.note(s)
}

// inOrder returns the samples of the last hour, the oldest first.
func (h *history) inOrder(now time.Time) []sample {
	ordered := append(append(make([]sample, 0, len(h.samples)), h.samples[h.next:]...), h.samples[:h.next]...)
	for len(ordered) > 0 && now.Sub(ordered[0].at) > span {
		ordered = ordered[1:]
	}
	return ordered
}

// recently is how requests went in the last minute.
func (h *history) recently(s control.Status) flow {
	if len(h.minute) == 0 {
		return flow{}
	}
	return countersOf(s).since(h.minute[0], s.Requests.Duration.Bounds)
}
