package core

import (
	"slices"

	"launcher/preforker/ident"
)

// An operator may have the worker of a slot end: in order, as in a deploy, or at once. Where one leaves the slot already it is that
// one, since it may be what does not come to its end. The slot has a fork at once, as where a worker passes a limit.

// KillAsked asks for the end of a slot's worker.
type KillAsked struct {
	By     string
	Slot   int
	Pid    int      // of the worker that is meant; 0: whichever it is
	Now    bool     // without waiting for its request
	InHand []InHand // of the workers of the slot
}

// InHand is a request that a worker has.
type InHand struct {
	Key     ident.Key
	Request string
}

func (KillAsked) isEvent() {}

func requestOf(w *worker, inHand []InHand) string {
	for _, r := range inHand {
		if r.Key.Same(w.key) {
			return r.Request
		}
	}
	return ""
}

func (c *Core) killAsked(e KillAsked) {
	s, why := c.slotForVerb(e.Slot)
	var w *worker
	if why == "" {
		if w = s.toEnd(); e.Pid != 0 {
			w = s.withPid(e.Pid)
		}
		switch {
		case w == nil && e.Pid != 0:
			why = WorkerIsGone
		case w == nil:
			why = c.whyNoWorker(s)
		}
	}
	refused := KillRefused{By: e.By, Slot: e.Slot, Why: why, Slots: len(c.slots)}
	if why == "" {
		refused.Worker, refused.Why = w.name(), c.whyNotEnded(w, e.Now)
	}
	if refused.Why != "" {
		c.do(refused)
		return
	}
	request := requestOf(w, e.InHand)
	if w.leaving() && (!e.Now || w.state == KillingWorker) {
		c.do(KillNoted{By: e.By, Worker: w.name(), Request: request, Reason: w.reason, Killed: w.state == KillingWorker})
	} else {
		c.do(KillBegan{By: e.By, Worker: w.name(), Request: request, Now: e.Now})
		c.endAsAsked(s, w, e.Now)
	}
	c.do(c.nextOf(s))
}

func (c *Core) endAsAsked(s *slot, w *worker, now bool) {
	if p := c.pendingRefork(w); p != nil {
		p.reason = ReasonKilled
	}
	if now {
		c.kill(w, ReasonKilled)
	} else {
		c.drain(w, ReasonKilled, false)
	}
	if !c.isRemoved(s) {
		c.markVacant(s)
	}
	c.fill()
}

// slotForVerb is a slot that an operator names, or why there is none.
func (c *Core) slotForVerb(number int) (*slot, NoWorker) {
	if c.phase >= PhaseStopping {
		return nil, EverybodyLeaves
	}
	if s := c.slotAt(number); s != nil {
		return s, ""
	}
	for _, s := range c.removed {
		if s.number == number {
			return s, ""
		}
	}
	return nil, NoSuchSlot
}

// toEnd is the worker of a slot that is to end: one that leaves, else the one that serves, else the one that comes up; or nil.
func (s *slot) toEnd() *worker {
	for _, fits := range []func(*worker) bool{(*worker).leaving, func(w *worker) bool { return w.state == ReadyWorker }} {
		if i := slices.IndexFunc(s.workers, fits); i >= 0 {
			return s.workers[i]
		}
	}
	return s.serving()
}

// withPid is the worker of a slot that has a pid, or nil.
func (s *slot) withPid(pid int) *worker {
	if i := slices.IndexFunc(s.workers, func(w *worker) bool { return w.pid == pid }); i >= 0 {
		return s.workers[i]
	}
	return nil
}

// whyNoWorker says why a slot has no worker.
func (c *Core) whyNoWorker(s *slot) NoWorker {
	switch {
	case s.state == ParkedSlot:
		return SlotIsParked
	case c.isLent(s):
		return SlotIsLent
	case s.state == FailedSlot:
		return SlotIsFailed
	case s.state == WaitingSlot:
		return SlotIsWaiting
	default:
		return SlotIsVacant
	}
}

// whyNotEnded says why a worker that has nothing in hand is not ended, or "". One without a pid could not be followed to its end.
func (c *Core) whyNotEnded(w *worker, now bool) NoWorker {
	switch {
	case w.state == ReadyWorker || w.leaving():
		return ""
	case c.loadingGeneration(w) != nil:
		return ApplicationLoads
	case w.pid == 0:
		return WorkerIsForked
	case !now:
		return WorkerComesUp
	}
	return ""
}

// nextOf says what a slot has next.
func (c *Core) nextOf(s *slot) KillFollowed {
	next := func(what NextWorker) KillFollowed { return KillFollowed{Slot: s.number, Next: what} }
	if c.isRemoved(s) {
		return next(NextNone)
	}
	for _, w := range s.workers {
		if w.state == ReadyWorker {
			return KillFollowed{Slot: s.number, Next: NextServes, Worker: w.name()}
		}
	}
	switch w := s.serving(); {
	case w != nil:
		return KillFollowed{Slot: s.number, Next: NextComes, Worker: w.name()}
	case s.state == ParkedSlot:
		return next(NextParked)
	case c.isLent(s):
		return next(NextLent)
	default:
		return next(NextLater)
	}
}
