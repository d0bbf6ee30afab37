package sim

import (
	"time"

	"launcher/preforker/core"
	"launcher/preforker/ident"
)

// What a worker has that has passed a limit, stated once more.
const (
	limitGrace  = 5 * time.Second
	memoryGrace = 500 * time.Millisecond
)

// passesLimit notes that a worker has passed a limit: it is asked where it is if it has a request in hand, its slot has another one at once, and
// it does not outlive the time that it has for that. Nobody else is ended for it.
func (c *checker) passesLimit(w *checkedWorker, request string, grace time.Duration) {
	if w == nil || w == c.spare.worker || w.limit != 0 || c.stopping || w.killed || !w.ready && !w.told {
		return
	}
	w.limit, w.limitAt, w.limitRequest = grace, c.now, request
	c.passed = append(c.passed, w)
	if w.accepting() {
		c.slots[w.key.Slot].wantsWorker()
	}
	c.due = append(c.due, core.Timer{Kind: core.TimerLimit, Key: w.key})
}

// measuredBeyond takes what a measurement tells of the limit of memory.
func (c *checker) measuredBeyond(m core.Measurement) {
	if limit := c.policy.Limits.Memory; limit == 0 || m.Own <= limit {
		return
	}
	grace := limitGrace
	if m.Request != "" {
		grace = memoryGrace
	}
	c.passesLimit(c.worker(m.Key), m.Request, grace)
}

// hasPassed says whether a worker has passed a limit in this step.
func (c *checker) hasPassed(w *checkedWorker) bool {
	for _, other := range c.passed {
		if other == w {
			return true
		}
	}
	return false
}

// checkLimits: whoever has passed a limit in this step was told so, and whoever had its time is killed.
func (c *checker) checkLimits() {
	for _, w := range c.passed {
		switch {
		case !w.told:
			c.fail("%v has passed a limit, and is not told to leave", w.key)
		case w.limitRequest != "" && !w.located:
			c.fail("%v has passed a limit, and is not asked where it is", w.key)
		}
	}
	if fired, is := c.event.(core.TimerFired); is && fired.Timer.Kind == core.TimerLimit {
		if w := c.worker(fired.Timer.Key); w != nil && !w.killed {
			c.fail("%v has passed a limit, and is not killed", w.key)
		}
	}
}

// locates: only of a worker whose request takes long, or too much.
func (c *checker) locates(key ident.Key) {
	w := c.worker(key)
	slow, is := c.event.(core.RequestOverdue)
	asked, verb := c.event.(core.BacktraceAsked)
	switch {
	case w != nil && verb && w.key.Slot == asked.Slot:
		c.due = append(c.due, core.Timer{Kind: core.TimerBacktrace, Key: w.key})
	case w == nil:
		c.fail("%v is asked where it is, and is not there", key)
	case !c.hasPassed(w) && !(is && slow.Slow && slow.Key.Same(w.key)):
		c.fail("%v is asked where it is, and nothing takes long there", key)
	default:
		w.located = true
	}
}

// checkKillByLimit: not before its time, unless it has said where it is and grows.
func (c *checker) checkKillByLimit(w *checkedWorker) {
	if w.limit == 0 || c.now-w.limitAt < w.limit {
		c.fail("%v is killed for a limit, after %v of %v", w.key, c.now-w.limitAt, w.limit)
	}
}

func (c *checker) checkKillOfLocated(w *checkedWorker, key ident.Key) {
	if !key.Same(w.key) || w.limit != memoryGrace {
		c.fail("%v is killed because %v has said where it is", w.key, key)
	}
}
