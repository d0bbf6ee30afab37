package experiment

import "gonum.org/v1/gonum/stat"

// StretchSeconds is the length of a Stretch.
const StretchSeconds = 10

// Stretch is what a load was like for some seconds: means.
type Stretch struct {
	PSS        float64 // bytes
	Throughput float64 // requests a second
}

// StretchAfter returns the one that began when so many requests had been responded to, and whether it is there whole.
func (r *Run) StretchAfter(requests int) (Stretch, bool) {
	done := 0
	for i := 0; i < len(r.Traffic.Windows); i += WindowSeconds { // a window begins each second
		w := r.Traffic.Windows[i]
		if done += w.Requests + w.Errors; done >= requests {
			return r.stretch(w.Seconds + WindowSeconds)
		}
	}
	return Stretch{}, false
}

// LastStretch returns the one at the end of the load, and whether the load was that long.
func (r *Run) LastStretch() (Stretch, bool) { return r.stretch(r.Traffic.Seconds - StretchSeconds) }

// stretch returns the one that begins so many seconds after the load did.
func (r *Run) stretch(begin float64) (s Stretch, found bool) {
	var memory, throughput []float64
	end := begin + StretchSeconds
	for _, sample := range r.Samples {
		if at := sample.Seconds - r.Traffic.Began; sample.Phase == PhaseLoad && at >= begin && at <= end {
			memory = append(memory, float64(sample.PSS))
		}
	}
	for _, w := range r.Traffic.Windows {
		if w.Seconds >= begin && w.Seconds+WindowSeconds <= end {
			throughput = append(throughput, w.Throughput())
		}
	}
	if begin < 0 || end > r.Traffic.Seconds || len(memory) == 0 || len(throughput) == 0 {
		return Stretch{}, false
	}
	return Stretch{stat.Mean(memory, nil), stat.Mean(throughput, nil)}, true
}
