package sim

import (
	"time"

	"launcher/preforker/core"
)

// parkPause is for how long after one idle worker has left the next one stays.
const parkPause = time.Second

// onDemand says whether a slot may be parked.
func (c *checker) onDemand(slot int) bool { return c.policy.Min > 0 && slot >= c.policy.Min }

// filled is how many slots have a worker at all times.
func (c *checker) filled() int {
	if c.policy.Min == 0 {
		return len(c.slots)
	}
	return min(c.policy.Min, len(c.slots))
}

// slotOf is the slot of a worker, which may be gone.
func (c *checker) slotOf(w *checkedWorker) *checkedSlot {
	if w.home != nil {
		return w.home
	}
	return &c.slots[w.key.Slot]
}

// inSlots are the workers of all slots, also of those that were removed.
func (c *checker) inSlots() (workers []*checkedWorker) {
	for i := range c.slots {
		workers = append(workers, c.slots[i].workers...)
	}
	for _, s := range c.removed {
		workers = append(workers, s.workers...)
	}
	return workers
}

// removes: the last slot goes, because fewer were asked for. Nobody can connect to it before its workers are told to leave.
func (c *checker) removes(a core.RemoveSlot) {
	c.onlyWhileItRuns(a)
	asked, is := c.event.(core.ScaleAsked)
	if !is || asked.Slots >= len(c.slots) || a.Slot != len(c.slots)-1 {
		c.fail("slot %d of %d is removed after %+v", a.Slot, len(c.slots), c.event)
		return
	}
	gone := c.slots[a.Slot]
	for _, w := range gone.workers {
		w.home = &gone
		if w.accepting() || w.comingUp() {
			c.unneeded = append(c.unneeded, w)
		}
	}
	c.removed = append(c.removed, &gone)
	c.slots = c.slots[:a.Slot:a.Slot]
	for _, w := range c.workers[1:] {
		if _, has := w.borrowed[a.Slot]; has {
			w.borrowed[a.Slot] = -1 // which is nobody's any more
		}
	}
}

// resizes: there are as many slots as were asked for, and those that are new have no socket yet.
func (c *checker) resizes(a core.SetSlots) {
	c.onlyWhileItRuns(a)
	if asked, is := c.event.(core.ScaleAsked); !is || asked.Slots != a.Slots || a.Slots < len(c.slots) {
		c.fail("there are to be %d slots, and are %d, after %+v", a.Slots, len(c.slots), c.event)
		return
	}
	for len(c.slots) < a.Slots {
		c.slots = append(c.slots, checkedSlot{})
	}
}

// leavesRemoved: who serves a slot that is removed serves what waits there, however long that takes; who does not yet need not come up.
func (c *checker) leavesRemoved(w *checkedWorker, serves, backlog bool) {
	if backlog != serves {
		c.fail("%v leaves a slot that is removed, and is to empty its queue: %v", w.key, backlog)
	}
	w.patient = serves
}

// awaits: a slot is parked which is there on demand, has a socket and no worker that takes connections.
func (c *checker) awaits(a core.AwaitConnection) {
	c.onlyWhileItRuns(a)
	s := &c.slots[a.Slot]
	switch {
	case !c.onDemand(a.Slot):
		c.fail("slot %d is parked, and is to have a worker", a.Slot)
	case !s.open:
		c.fail("slot %d is parked, and is closed", a.Slot)
	case s.wait > 0 && s.backoff && !s.anyTime:
		c.fail("slot %d is parked in a wait", a.Slot)
	}
	s.parked = true
}

// parks: a worker leaves that has had nothing to do for the time, one after the other.
func (c *checker) parks(a core.SlotParked) {
	w := c.worker(a.Worker.Key)
	_, newest := c.sources()
	switch {
	case w == nil || !w.accepting() || len(c.slotOf(w).workers) != 1 || w.said:
		c.fail("%v is to leave as idle, and does not serve", a.Worker.Key)
		return
	case !c.onDemand(w.key.Slot) || w.busy || len(w.borrowed) > 0:
		c.fail("%v is to leave as idle, and is needed", w.key)
	case c.now-max(w.since, w.used) < c.policy.IdleTimeout:
		c.fail("%v is to leave as idle after %v", w.key, c.now-max(w.since, w.used))
	case c.parkedAt > 0 && c.now-c.parkedAt < parkPause:
		c.fail("%v is to leave as idle %v after another one", w.key, c.now-c.parkedAt)
	case newest == nil && !c.direct():
		c.fail("%v is to leave as idle, and nobody could fork another one", w.key)
	}
	c.parkedAt, w.idle = c.now, true
}

// checkParked are the invariants of slots that are there on demand, and of those that are gone, after each step.
func (c *checker) checkParked() {
	for i := range c.slots {
		s := &c.slots[i]
		if w := s.accepting(); s.parked && w != nil {
			c.fail("slot %d is parked, and %v serves it", i, w.key)
		}
		if w := s.comingUp(); s.parked && w != nil {
			c.fail("slot %d is parked, and %v comes up", i, w.key)
		}
	}
	for _, w := range c.unneeded {
		if !w.told && !w.ended {
			c.fail("%v is not told that its slot is gone", w.key)
		}
	}
	c.unneeded = c.unneeded[:0]
}

// completesScale: all slots are served or parked, and nobody is left in those that are gone.
func (c *checker) completesScale(a core.ScaleCompleted) {
	if a.Slots != len(c.slots) || len(c.inSlots()) > 0 && c.livingRemoved() > 0 {
		c.fail("there are said to be %d slots, and are %d, with %d workers of others", a.Slots, len(c.slots), c.livingRemoved())
	}
	for i := range c.slots {
		if s := &c.slots[i]; !s.parked && s.accepting() == nil && !c.isLentAtAll(i) {
			c.fail("the number of slots is said to be changed, and slot %d is not served", i)
		}
	}
}

// isLentAtAll says whether a worker that serves has a slot's socket besides its own.
func (c *checker) isLentAtAll(slot int) bool {
	for i := range c.slots {
		if w := c.slots[i].accepting(); w != nil {
			if since, has := w.borrowed[slot]; has && since == c.slots[slot].socket {
				return true
			}
		}
	}
	return false
}

func (c *checker) livingRemoved() (n int) {
	for _, s := range c.removed {
		n += len(s.workers)
	}
	return n
}
