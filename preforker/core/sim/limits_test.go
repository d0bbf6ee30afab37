package sim

import (
	"time"

	"launcher/preforker/core"
)

func drawLimits(ch *choices) (limits core.Limits) {
	if ch.below(4) == 1 {
		limits.Memory = []uint64{200 * megabyte, 30 * megabyte, 64 << 30}[ch.below(3)]
	}
	if ch.below(6) == 1 {
		limits.MaxAge = []time.Duration{5 * time.Minute, time.Minute, time.Hour}[ch.below(3)]
	}
	return limits
}

// overdue tells that a worker's request takes too long, or long, which it may have ended meanwhile.
func (p *worker) overdue() {
	if !p.up || !p.followed || p.forgotten {
		return
	}
	w := p.w
	if p.served == 0 && w.below(2) == 1 || w.below(4) == 1 {
		p.endless = true
	}
	w.post(w.latency(), core.RequestOverdue{Key: p.key, Request: "GET /", After: time.Minute, Slow: w.below(3) == 1})
}

// allOverdue is a database that does not respond.
func (w *world) allOverdue() {
	for _, p := range w.processes {
		if p.alive && p.up && !p.leaving {
			p.endless = true
			p.overdue()
		}
	}
}

// locate is what a worker does that is asked where it is.
func (p *worker) locate() {
	if p.w.fault() {
		return // it hangs in C
	}
	p.do(0, func() {
		p.w.send(&p.channel, core.WorkerLocated{Key: p.said, Threads: []core.Thread{{Name: "serving", State: "run", Frames: []string{"a.rb:1"}}}})
	})
}

func (p *worker) recycles() {
	p.do(0, func() { p.w.send(&p.channel, core.WorkerRecycles{Key: p.said, Why: "it has grown"}) })
}
