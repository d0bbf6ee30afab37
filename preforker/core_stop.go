package preforker

import (
	"log/slog"
	"slices"
)

// stopAsked: everybody drains, or is killed. Asking twice changes nothing.
func (c *core) stopAsked(e stopAsked) {
	if c.phase != phaseStopping && c.phase != phaseDone {
		c.log(slog.LevelInfo, "stopping", slog.String(keySignal, e.by), slog.Duration(keyTimeout, c.policy.drainTimeout))
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
	c.phase = phaseStopping
	c.verdict = err
	c.do(hideSlots{})
	c.do(setTimer{timer{kind: timerStop}, c.policy.drainTimeout})
	for _, s := range c.slots {
		for _, w := range s.workers {
			if !w.leaving() {
				c.drain(w, ReasonStopping, true)
			}
		}
	}
	for _, p := range slices.Clone(c.preloaders) {
		c.retire(p, ReasonStopping)
	}
	c.finishWhenDone()
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
