package core

import (
	"slices"
	"time"
)

// The slots from a number on may be there on demand: such a slot is parked while nobody needs it. It keeps its socket and has no
// process. A connection that waits there has the slot filled, as one is that has lost its worker, and a worker that has had nothing
// to do for a time leaves again. So memory follows the load where whoever connects prefers slots with low numbers.

const (
	// parkPause is how long after one idle worker the next one leaves: those of a load that pauses for a moment are
	// not all to be forked anew.
	parkPause = time.Second
)

// Of slots that are there on demand.
type (
	// SlotWoken says that a connection waits at a parked slot, which is to have a worker.
	SlotWoken struct {
		fact
		Slot int
	}
	// SlotParked says that a worker leaves which has had nothing to do for a time, and that its slot has none from now on.
	SlotParked struct {
		fact
		Worker WorkerName
		Idle   time.Duration
		Served uint64 // requests, as last measured
	}
)

// onDemand says whether a slot has a worker only while there is need for one.
func (c *Core) onDemand(s *slot) bool { return c.policy.Min > 0 && s.number >= c.policy.Min }

// filled is how many slots are to have a worker at all times.
func (c *Core) filled() int {
	if c.policy.Min == 0 {
		return len(c.slots)
	}
	return min(c.policy.Min, len(c.slots))
}

// unparked counts the slots that have a worker, or are to have one.
func (c *Core) unparked() (n int) {
	for _, s := range c.slots {
		if s.state != ParkedSlot {
			n++
		}
	}
	return n
}

// park leaves a slot without a worker until a connection waits there.
func (c *Core) park(s *slot) {
	c.moveSlot(s, ParkedSlot)
	c.openSlot(s)
	c.do(AwaitConnection{s.number})
}

// parkAll begins to wait for connections at the slots that start without a worker.
func (c *Core) parkAll() {
	for _, s := range c.slots {
		if s.state == ParkedSlot {
			c.do(AwaitConnection{s.number})
		}
	}
}

// connectionWaits has a parked slot filled.
func (c *Core) connectionWaits(e ConnectionWaits) {
	s := c.slotAt(e.Slot)
	if s == nil || s.state != ParkedSlot || c.phase > PhaseRunning {
		return
	}
	c.moveSlot(s, VacantSlot)
	c.do(SlotWoken{Slot: s.number})
	c.fill()
}

// parkedUnbound has a parked slot wait whose socket could not be bound.
func (c *Core) parkedUnbound(s *slot) {
	c.moveSlot(s, WaitingSlot)
	s.deaths++
	c.wait(s, max(slotBackoff.delay(s.deaths, c.random()), slotBackoff.min))
}

// parkIdle has one worker leave that has had nothing to do for a time, the one of the last slot, and sees to it that the next one
// has its turn.
func (c *Core) parkIdle() {
	source := c.newestSource()
	if c.policy.Min == 0 || c.phase != PhaseRunning || source == nil || source.preparing || c.seeding() != nil {
		return // it could not be forked again, or its slot is to be filled by another one
	}
	for _, s := range slices.Backward(c.slots) {
		if w := s.serving(); c.mayPark(s) && c.now >= c.parksAt(w) {
			c.parkedAt = c.now
			c.do(SlotParked{Worker: w.name(), Idle: c.now - w.idleSince(), Served: w.served})
			c.drain(w, ReasonIdle, false)
			c.markVacant(s)
			break
		}
	}
	var next time.Duration
	for _, s := range c.slots {
		if c.mayPark(s) {
			if at := c.parksAt(s.serving()); next == 0 || at < next {
				next = at
			}
		}
	}
	if next > 0 && (c.idleAt == 0 || next < c.idleAt) {
		c.idleAt = next
		c.do(SetTimer{Timer{Kind: TimerIdle}, max(0, next-c.now)})
	}
}

// mayPark says whether the worker of a slot may leave it when it has been idle for long enough. One that serves other slots as
// well, is being forked from, or is the first of its preloader, is needed.
func (c *Core) mayPark(s *slot) bool {
	w := s.serving()
	if !c.onDemand(s) || w == nil {
		return false
	}
	p := c.preloader(w.key.Origin())
	return (p == nil || p.proven) && w.state == ReadyWorker && !w.busy && !w.said && !w.early && !w.lent && len(s.workers) == 1 &&
		c.pendingRefork(w) == nil
}

// parksAt is when a worker leaves if nothing comes until then.
func (c *Core) parksAt(w *worker) time.Duration {
	at := w.idleSince() + c.policy.IdleTimeout
	if c.parkedAt > 0 {
		at = max(at, c.parkedAt+parkPause)
	}
	return at
}

// idleSince is when a worker was last seen to do something.
func (w *worker) idleSince() time.Duration { return max(w.since, w.used) }
