package core

import (
	"fmt"
	"slices"
	"time"

	"launcher/preforker/ident"
)

// slot is a permanent number that owns a socket.
type slot struct {
	number  int
	state   SlotState
	open    bool   // its socket is there
	binding int    // how often the socket was lost while it was open
	unbound string // why the socket could not be bound when that was last tried
	deaths  int    // early ones, in a row
	waits   int    // so far: the last one has the timer
	newest  int    // serial of the worker that was spawned last
	failed  int    // generation of the worker that has died early last
	crashes crashes
	workers []*worker
	retryAt time.Duration // no spawn before
}

// serving is the newest worker that is not leaving, or nil.
func (s *slot) serving() *worker {
	for i := len(s.workers) - 1; i >= 0; i-- {
		if !s.workers[i].leaving() {
			return s.workers[i]
		}
	}
	return nil
}

func (c *Core) moveSlot(s *slot, to SlotState) {
	if err := transition(slotTransitions, &s.state, to); err != nil {
		c.contradict(fmt.Errorf("slot %d: %w", s.number, err))
	}
}

// removeWorker removes a worker from its slot, and decides when the next one comes: at once,
// or after early deaths in a row later and later, but within maxWait.
func (c *Core) removeWorker(s *slot, gone *worker, early bool, maxWait time.Duration) {
	if gone.state != ExitedWorker {
		c.moveWorker(gone, ExitedWorker)
	}
	s.remove(gone)
	if c.isRemoved(s) {
		c.forgetRemoved(s)
		if c.phase == PhaseStopping {
			c.finishWhenDone()
		} else {
			c.fill()
		}
		return
	}
	if c.phase == PhaseStopping {
		c.markVacant(s)
		c.abandonSlot(s)
		c.finishWhenDone()
		return
	}
	if early {
		c.giveUpUnsoundRefork(gone)
		s.failed = gone.key.Generation
		c.retrySlotLater(s, maxWait)
	} else {
		c.markVacant(s)
	}
	c.fill()
}

func (s *slot) remove(gone *worker) {
	s.workers = slices.DeleteFunc(s.workers, func(w *worker) bool { return w == gone })
}

// retrySlotLater has a slot wait for its next worker, after failures in a row later and later, but within maxWait.
func (c *Core) retrySlotLater(s *slot, maxWait time.Duration) {
	s.deaths++
	if s.crashes.failed && !s.hasNoSocket() {
		c.waitFailed(s)
		return
	}
	if c.unserved() && !c.triesWithin(s, unservedBackoff.max) {
		maxWait = min(maxWait, unservedBackoff.max)
	}
	if wait := min(slotBackoff.delay(s.deaths, c.random()), maxWait); wait > 0 {
		c.wait(s, wait)
	} else {
		c.markVacant(s)
	}
}

// triesWithin says whether another slot's worker is on its way, or will be within some time. Where nobody serves,
// one slot has to be tried soon, as what has kept workers from coming up may be gone.
func (c *Core) triesWithin(but *slot, wait time.Duration) bool {
	return slices.ContainsFunc(c.slots, func(s *slot) bool {
		return s != but && (s.serving() != nil || (s.state == WaitingSlot || s.state == FailedSlot) && !c.onDemand(s) && s.retryAt <= c.now+wait)
	})
}

// markVacant marks a slot that nobody serves as one that wants a worker, or as one that wants none until a connection waits there.
// One that still drains accepts nothing any more.
func (c *Core) markVacant(s *slot) {
	if s.serving() != nil || s.state != OccupiedSlot {
		return
	}
	c.moveSlot(s, VacantSlot)
	if c.onDemand(s) && c.phase <= PhaseRunning {
		c.park(s)
	}
}

// wait keeps a slot from being tried again for a while. Where nobody else serves
// it and the wait is long, its socket goes, and the web server turns to
// the slot's neighbours.
func (c *Core) wait(s *slot, wait time.Duration) {
	s.retryAt = c.now + wait
	s.waits++
	c.do(SetTimer{Timer{TimerSlot, ident.Key{Slot: s.number, Serial: s.waits}}, wait})
	if s.serving() != nil || s.state == VacantSlot || s.state == ParkedSlot {
		return
	}
	failed := s.crashes.failed && !s.hasNoSocket()
	switch {
	case failed && s.state != FailedSlot:
		c.moveSlot(s, FailedSlot)
	case s.state == OccupiedSlot: // else one that was leaving has died in the wait of another
		c.moveSlot(s, WaitingSlot)
	}
	if !failed {
		c.do(SlotWaits{Slot: s.number, Deaths: s.deaths, Wait: wait, Unbound: s.unbound != ""})
	}
	if wait > closeAfter {
		c.closeSlot(s)
	}
}

// hasNoSocket says whether a slot waits because its socket could not be bound.
func (s *slot) hasNoSocket() bool { return !s.open && s.unbound != "" }

func (c *Core) closeSlot(s *slot) {
	if s.open {
		s.open = false
		c.socketIsAnother(s)
		c.do(CloseSlot{s.number})
	}
}

func (c *Core) openSlot(s *slot) {
	if !s.open {
		s.open = true
		c.do(OpenSlot{s.number})
	}
}

func (c *Core) slotRetry(key ident.Key) {
	s := c.slotAt(key.Slot)
	if c.phase == PhaseStopping || c.phase == PhaseDone || s == nil || s.waits != key.Serial {
		return
	}
	c.endWait(s)
	c.fill()
}

// endWait has a slot that waits want a worker, or wait for a connection.
func (c *Core) endWait(s *slot) {
	if s.state == WaitingSlot || s.state == FailedSlot {
		c.moveSlot(s, VacantSlot)
		if c.onDemand(s) {
			c.park(s)
		}
	}
}
