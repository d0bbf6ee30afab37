package sim

import (
	"time"
)

// How a refork that has shown that it serves takes the slots, stated once more.
const (
	paceTimes = 8
	idleWait  = time.Second
)

// paceAfter notes how long the replacement took of a worker by one of a refork.
func (c *checker) paceAfter(w *checkedWorker) {
	if w.successor != nil && !w.early {
		c.paceUntil = c.now + paceTimes*min(c.now-w.successor.spawned, leaverTime)
	}
}

// checkPace: a refork takes the slots without hurry, and waits a little for a worker that is idle.
func (c *checker) checkPace(w, old *checkedWorker) {
	p := c.preloader(w.key.Origin())
	if old.early || c.renews() || p == nil || !p.proven || w.key.Generation != old.key.Generation || !old.key.Origin().Before(w.key.Origin()) {
		return
	}
	if wait := c.paceUntil - c.now; wait > 0 {
		c.fail("%v is replaced by a fork of a warm worker %v before its turn", old.key, wait)
	} else if old.busy && wait > -idleWait {
		c.fail("%v is replaced by a fork of a warm worker, and others may become idle", old.key)
	}
}
