package core

import (
	"slices"
)

// stopAsked has everybody drain, or kills them. Asking twice changes nothing.
func (c *Core) stopAsked(e StopAsked) {
	switch {
	case c.phase < PhaseStopping:
		c.logStopping(e.By)
		c.stop(nil)
	case c.dismissSuccessor(e.By):
	case !e.Now:
		c.noteStop(e.By)
	}
	if e.Now && c.phase == PhaseStopping {
		c.do(KillingAll{By: e.By, Workers: len(c.all())})
		c.killAll()
	}
}

// stop hides the sockets and has every worker empty its queue and leave. Where the sockets are kept for the next launcher, so are
// their queues. A failure is the reason why the launcher ends.
func (c *Core) stop(failure *LoadFailure) {
	c.beginStop(failure)
	c.letLeave()
	c.retireAll()
	c.finishWhenDone()
}

// beginStop begins the time that everybody has together.
func (c *Core) beginStop(failure *LoadFailure) {
	c.phase = PhaseStopping
	c.failure = failure
	c.succeeded = c.succeeded && failure == nil
	c.endRestart(RestartStopped)
	c.do(SetTimer{Timer{Kind: TimerStop}, c.policy.DrainTimeout})
}

func (c *Core) letLeave() {
	c.do(HideSockets{})
	for _, w := range c.all() {
		if !w.leaving() {
			c.drain(w, ReasonStopping, !c.keepsSockets())
		}
	}
}

func (c *Core) retireAll() {
	for _, p := range slices.Clone(c.preloaders) {
		c.retire(p, ReasonStopping)
	}
}

// frontStopAsked begins a stop in which the launcher's own front finishes its requests first: it needs
// the workers for that. A slot without a ready worker gets none any more, so its socket goes at once.
func (c *Core) frontStopAsked(e FrontStopAsked) {
	if c.phase >= PhaseStopping {
		if !c.dismissSuccessor(e.By) {
			c.noteStop(e.By)
		}
		return
	}
	c.logStopping(e.By)
	c.beginStop(nil)
	c.held = true
	for _, s := range c.slots {
		for _, w := range s.workers {
			if w.state == SpawningWorker || w.state == BootingWorker {
				c.drain(w, ReasonStopping, !c.keepsSockets())
			}
		}
		c.abandonSlot(s)
	}
	if w := c.spare.worker; w != nil && !w.leaving() {
		c.drain(w, ReasonStopping, !c.keepsSockets())
	}
	c.retireAll()
	c.finishWhenDone()
}

// frontStopped has the workers leave, to whom nobody sends anything new.
func (c *Core) frontStopped() {
	if c.held && c.phase == PhaseStopping {
		c.held = false
		c.letLeave()
		c.finishWhenDone()
	}
}

// abandonSlot closes the socket of a slot that nobody serves, while others still serve.
func (c *Core) abandonSlot(s *slot) {
	if c.held && s.serving() == nil && !c.keepsSockets() {
		c.closeSlot(s)
	}
}

// stopTimeout ends the time that everybody had.
func (c *Core) stopTimeout() {
	if c.held && c.phase == PhaseStopping {
		c.do(KillingAll{Timeout: c.policy.DrainTimeout, Workers: len(c.all())})
	}
	c.killAll()
}

func (c *Core) logStopping(by string) {
	c.do(StopBegan{By: by, Timeout: c.policy.DrainTimeout, Workers: len(c.all())})
}

// noteStop tells who asks for a stop that is under way how far it is.
func (c *Core) noteStop(by string) {
	if c.phase == PhaseStopping {
		c.do(StopNoted{By: by, Workers: len(c.all())})
	}
}

func (c *Core) killAll() {
	if c.phase != PhaseStopping {
		return
	}
	for _, w := range c.all() {
		if w.state == KillingWorker {
			c.do(w.killing()) // its pid may have come later than the first kill
			continue
		}
		c.do(WorkerKilled{Worker: w.name(), Reason: ReasonStopping})
		c.kill(w, ReasonStopping)
	}
	for _, p := range c.preloaders {
		c.preloaderKill(p.origin)
	}
}

func (c *Core) finishWhenDone() {
	if c.phase != PhaseStopping || len(c.preloaders)+len(c.all()) > 0 {
		return
	}
	c.phase = PhaseDone
	c.do(Finish{c.failure})
}
