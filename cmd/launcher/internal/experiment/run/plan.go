package run

import (
	"slices"
	"time"

	"launcher/cmd/launcher/internal/experiment"
)

// step is one run that is to be made.
type step struct {
	method    experiment.Method
	processes int
}

// plan is the order of the runs and what is known of their cost. Small numbers of
// processes come first, all methods of one number in a row: what is stopped early
// has compared methods, and each number tells whether the next will fit. Rounds are made
// one after the other and not a method's in a row: what the machine does meanwhile meets all of them.
type plan struct {
	ahead []step
	spent map[step]time.Duration
	peaks map[experiment.Method][]point
}

// point is the greatest memory of one run, in bytes of PSS.
type point struct {
	processes int
	peak      uint64
}

func newPlan(methods []experiment.Method, processes []int, rounds int) *plan {
	sorted := slices.Compact(slices.Sorted(slices.Values(processes)))
	p := &plan{spent: map[step]time.Duration{}, peaks: map[experiment.Method][]point{}}
	for _, n := range sorted {
		for range max(1, rounds) {
			for _, method := range methods {
				p.ahead = append(p.ahead, step{method, n})
			}
		}
	}
	return p
}

// take removes the next step and returns it, and false when there is none.
func (p *plan) take() (step, bool) {
	if len(p.ahead) == 0 {
		return step{}, false
	}
	next := p.ahead[0]
	p.ahead = p.ahead[1:]
	return next, true
}

// drop removes the steps of a method, and returns how many there were.
func (p *plan) drop(method experiment.Method) int {
	before := len(p.ahead)
	p.ahead = slices.DeleteFunc(slices.Clone(p.ahead), func(s step) bool { return s.method == method })
	return before - len(p.ahead)
}

// done notes the time that a step took and, where it went well, its peak of memory.
func (p *plan) done(s step, took time.Duration, peak uint64) {
	p.spent[s] = took
	known := p.peaks[s.method]
	if last := len(known) - 1; last >= 0 && known[last].processes == s.processes { // of another round
		known[last].peak = max(known[last].peak, peak)
	} else if peak > 0 {
		p.peaks[s.method] = append(p.peaks[s.method], point{s.processes, peak})
	}
}

// expected returns the memory that a step will need at its peak, in bytes, by the
// line through the method's last two runs; 0 where there are not two. One alone would
// say nothing of how much of it is shared.
func (p *plan) expected(s step) uint64 {
	known := p.peaks[s.method]
	if len(known) < 2 {
		return 0
	}
	a, b := known[len(known)-2], known[len(known)-1]
	slope := (float64(b.peak) - float64(a.peak)) / float64(b.processes-a.processes)
	return uint64(max(0, float64(b.peak)+slope*float64(s.processes-b.processes)))
}

// left returns how long the steps ahead will take: as long as the same method's last run, or
// where it had none as long as the mean of all.
func (p *plan) left() time.Duration {
	var sum, total time.Duration
	latest := map[experiment.Method]step{}
	for s, took := range p.spent {
		sum += took
		if s.processes >= latest[s.method].processes {
			latest[s.method] = s
		}
	}
	if len(p.spent) == 0 {
		return 0
	}
	mean := sum / time.Duration(len(p.spent))
	for _, s := range p.ahead {
		if known, ok := latest[s.method]; ok {
			total += p.spent[known]
		} else {
			total += mean
		}
	}
	return total
}
