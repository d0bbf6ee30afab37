package core

import (
	"slices"
	"time"
)

// Another launcher may follow in this process, which has the sockets: who connects while the workers leave waits for that one. Where
// somebody asks for a stop before the last of them has gone, none follows, and the stop is one like any other.

// SuccessorComes says before a stop that another launcher follows in this process, which has the sockets.
type SuccessorComes struct{}

// SuccessorDismissed says that no other launcher follows after the stop that is under way, because somebody asks for a stop.
type SuccessorDismissed struct {
	fact
	By      string
	Timeout time.Duration // for all, since the stop began
	Workers int           // that are left
}

func (c *Core) successorComes() {
	if c.phase < PhaseStopping {
		c.succeeded = true
	}
}

// keepsSockets says whether what waits in the sockets is for a launcher that comes later.
func (c *Core) keepsSockets() bool { return c.policy.KeepsSockets || c.succeeded }

// dismissSuccessor has no other launcher follow: nobody new connects, and who is left serves what waits. False: none was to follow.
func (c *Core) dismissSuccessor(by string) bool {
	if c.phase != PhaseStopping || !c.succeeded {
		return false
	}
	c.succeeded = false
	c.do(SuccessorDismissed{By: by, Timeout: c.policy.DrainTimeout, Workers: len(c.all())})
	if !c.keepsSockets() {
		c.serveWaiting()
	}
	return true
}

// serveWaiting has the workers that leave serve what waits, and refuses what waits where there is none. Those that serve on for the
// front hear of it later, with all others.
func (c *Core) serveWaiting() {
	if !c.held {
		c.do(HideSockets{})
	}
	for _, w := range c.all() {
		if w.state == DrainingWorker && w.reason == ReasonStopping {
			c.do(ServeBacklog{w.key})
		}
	}
	for _, s := range c.slots {
		c.abandonSlot(s)
		if len(s.workers) == 0 && !c.emptiesLent(s) {
			c.closeSlot(s)
		}
	}
}

// emptiesLent says whether a worker of another slot serves what waits in a slot's socket before it leaves: it was lent that.
func (c *Core) emptiesLent(s *slot) bool {
	return slices.ContainsFunc(c.all(), func(w *worker) bool {
		return (w.state == ReadyWorker || w.state == DrainingWorker && w.reason == ReasonStopping) && slices.Contains(w.borrowed, s.number)
	})
}
