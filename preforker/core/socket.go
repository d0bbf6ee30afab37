package core

import (
	"slices"
)

// A socket whose file is gone, or another one, cannot be reached any more, and cannot be given its
// name again: the slot gets a new one. Its workers have the old one, in whose queue requests may
// wait; they serve what is there and leave, and the slot is filled as one that nobody serves.

// socketsLost has sockets bound anew whose files are gone.
func (c *Core) socketsLost(e SocketsLost) {
	if c.phase == PhaseStopping || c.phase == PhaseDone {
		return // nobody is to find them
	}
	var lost []*slot
	for _, number := range e.Slots {
		if s := c.slotAt(number); s != nil && s.open {
			lost = append(lost, s)
		}
	}
	if len(lost) == 0 {
		return
	}
	for _, s := range lost {
		s.binding++
		c.socketIsAnother(s)
		c.do(RebindSlot{s.number})
		if s.state == ParkedSlot {
			c.do(AwaitConnection{s.number})
		}
	}
	c.do(SocketsRebound{Slots: numbersOf(lost)})
	for _, s := range lost {
		for _, w := range slices.Clone(s.workers) {
			c.leaveLostSocket(s, w)
		}
	}
	c.fill()
}

// leaveLostSocket has a worker leave that serves a socket which is not its slot's any more. One that is not
// ready yet is heard of again when it is.
func (c *Core) leaveLostSocket(s *slot, w *worker) {
	if w.binding != s.binding && w.state == ReadyWorker {
		c.drain(w, ReasonUnbound, true)
		c.markVacant(s)
	}
}

func numbersOf(slots []*slot) (numbers []int) {
	for _, s := range slots {
		numbers = append(numbers, s.number)
	}
	return numbers
}

// slotNotBound has a slot wait whose socket could not be bound. It is tried again as after early
// deaths, less and less often; the log has each reason once.
func (c *Core) slotNotBound(e SlotNotBound) {
	s := c.slotAt(e.Slot)
	if s == nil {
		return
	}
	c.do(SocketUnbound{Slot: e.Slot, Error: e.Error, Known: e.Told || e.Error == s.unbound})
	s.unbound = e.Error
	s.open = false
	c.socketIsAnother(s)
	w := s.unstarted()
	_, lends := c.lender()
	switch {
	case w != nil && w.given:
		c.drain(w, ReasonUnbound, false) // the spare did not get the socket
		if c.phase != PhaseStopping {
			c.retrySlotLater(s, slotBackoff.max)
			c.fill()
		}
		return
	case w != nil:
	case s.state == ParkedSlot && c.phase <= PhaseRunning:
		c.parkedUnbound(s)
		return
	case s.state == VacantSlot && lends: // it was to be lent, and waits as where a worker was to have it
		c.moveSlot(s, OccupiedSlot)
		c.retrySlotLater(s, slotBackoff.max)
		c.fill()
		return
	default:
		return
	}
	c.do(ForgetWorker{w.key, false})
	if c.phase == PhaseStopping {
		c.removeWorker(s, w, false, 0)
		return
	}
	c.moveWorker(w, ExitedWorker)
	s.remove(w)
	c.retrySlotLater(s, slotBackoff.max)
	c.fill()
}

// unstarted is the worker that was spawned with a socket that could not be bound: there is no such process, but for a spare. What has
// failed besides may have told it to leave already.
func (s *slot) unstarted() *worker {
	if len(s.workers) == 0 {
		return nil
	}
	w := s.workers[len(s.workers)-1]
	if w.given && w.binding == s.binding && w.state == BootingWorker {
		return w
	}
	if w.binding == s.binding && w.pid == 0 && w.state != BootingWorker && w.state != ReadyWorker {
		return w
	}
	return nil
}

// socketBound notes that a worker is ready on a socket that could not be bound before.
func (c *Core) socketBound(s *slot) {
	if s.unbound == "" {
		return
	}
	s.unbound, s.deaths = "", 0
	c.do(SocketBound{Slot: s.number})
}
