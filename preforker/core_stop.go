package preforker

import (
	"log/slog"
	"slices"
)

// stopAsked: everybody drains, or is killed. Asking twice changes nothing.
func (c *core) stopAsked(e stopAsked) {
	if c.phase != phaseStopping && c.phase != phaseDone {
		c.logStopping(e.by)
		c.stop(nil)
	}
	if e.now && c.phase == phaseStopping {
		c.log(slog.LevelWarn, "killing what is left", slog.String(keySignal, e.by))
		c.killAll()
	}
}

// stop hides the sockets and has every worker empty its queue and leave. With an
// error it is the reason why the launcher ends.
func (c *core) stop(err error) {
	c.beginStop(err)
	c.letLeave()
	c.retireAll()
	c.finishWhenDone()
}

// beginStop begins the time that everybody has together.
func (c *core) beginStop(err error) {
	c.phase = phaseStopping
	c.verdict = err
	c.do(setTimer{timer{kind: timerStop}, c.policy.drainTimeout})
}

func (c *core) letLeave() {
	c.do(hideSlots{})
	for _, s := range c.slots {
		for _, w := range s.workers {
			if !w.leaving() {
				c.drain(w, ReasonStopping, true)
			}
		}
	}
}

func (c *core) retireAll() {
	for _, p := range slices.Clone(c.preloaders) {
		c.retire(p, ReasonStopping)
	}
}

// frontStops: the launcher's own front finishes its requests before the workers leave, which it
// needs for that. A slot without a ready worker gets none any more, so its socket goes at once.
func (c *core) frontStops(e frontStops) {
	if c.phase == phaseStopping || c.phase == phaseDone {
		return
	}
	c.logStopping(e.by)
	c.beginStop(nil)
	c.held = true
	for _, s := range c.slots {
		for _, w := range s.workers {
			if w.state == WorkerSpawning || w.state == WorkerBooting {
				c.drain(w, ReasonStopping, true)
			}
		}
		c.abandonSlot(s)
	}
	c.retireAll()
	c.finishWhenDone()
}

// frontStopped: nobody sends the workers anything new.
func (c *core) frontStopped() {
	if c.held && c.phase == phaseStopping {
		c.held = false
		c.letLeave()
		c.finishWhenDone()
	}
}

// abandonSlot closes the socket of a slot that nobody serves, while others still serve.
func (c *core) abandonSlot(s *slot) {
	if c.held && s.serving() == nil {
		c.closeSlot(s)
	}
}

// stopTimeout ends the time that everybody had.
func (c *core) stopTimeout() {
	if c.held && c.phase == phaseStopping {
		c.log(slog.LevelWarn, "killing what is left", slog.Duration(keyTimeout, c.policy.drainTimeout))
	}
	c.killAll()
}

func (c *core) logStopping(by string) {
	c.log(slog.LevelInfo, "stopping", slog.String(keySignal, by), slog.Duration(keyTimeout, c.policy.drainTimeout))
}

func (c *core) killAll() {
	if c.phase != phaseStopping {
		return
	}
	for _, s := range c.slots {
		for _, w := range s.workers {
			if w.state == WorkerKilling {
				c.do(w.killing()) // its pid may have come later than the first kill
				continue
			}
			c.log(slog.LevelWarn, "worker is killed", w.attrs(slog.String(keyReason, string(ReasonStopping)))...)
			c.kill(w, ReasonStopping)
		}
	}
	for _, p := range c.preloaders {
		c.preloaderKill(p.origin)
	}
}

func (c *core) finishWhenDone() {
	if c.phase != phaseStopping || len(c.preloaders) > 0 {
		return
	}
	for _, s := range c.slots {
		if len(s.workers) > 0 {
			return
		}
	}
	c.phase = phaseDone
	c.do(finish{c.verdict})
}
