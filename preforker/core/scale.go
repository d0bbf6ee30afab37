package core

import (
	"slices"
)

// The number of slots may change while they are served. A slot that is added is bound and filled like one that was there from the
// start. The last slots are those that go: nobody can connect to them any more, what waits there is served by their workers or
// handed to the neighbours, and these workers leave when they are done, however long their last request takes.

// Of the number of slots.
type (
	// ScaleBegan says that there are so many slots from now on.
	ScaleBegan struct {
		fact
		By       string
		From, To int
	}
	// ScaleIgnored says that the number of slots stays: it is the same, or everything stops.
	ScaleIgnored struct {
		fact
		By       string
		Slots    int
		Stopping bool
	}
	// ScaleCompleted says that all slots are served or parked, and that nobody is left of those that are gone.
	ScaleCompleted struct {
		fact
		Slots int
	}
)

// scaleAsked changes the number of slots.
func (c *Core) scaleAsked(e ScaleAsked) {
	from, stopping := len(c.slots), c.phase == PhaseStopping || c.phase == PhaseDone
	if stopping || e.Slots == from || e.Slots < 1 {
		c.do(ScaleIgnored{By: e.By, Slots: from, Stopping: stopping})
		return
	}
	c.scaling = true
	c.do(ScaleBegan{By: e.By, From: from, To: e.Slots})
	if e.Slots > from {
		c.do(SetSlots{e.Slots})
		for number := from; number < e.Slots; number++ {
			c.addSlot(number)
		}
	} else {
		leaving := slices.Clone(c.slots[e.Slots:])
		c.slots = slices.Delete(c.slots, e.Slots, from)
		for _, s := range slices.Backward(leaving) {
			c.removeSlot(s)
		}
		c.do(SetSlots{e.Slots})
	}
	c.adaptBudget()
	c.fill()
}

func (c *Core) addSlot(number int) {
	s := &slot{number: number, waits: c.waits[number]}
	c.slots = append(c.slots, s)
	if c.onDemand(s) {
		c.park(s)
	} else {
		c.openSlot(s)
	}
}

// removeSlot has the workers of a slot leave that is not among the slots any more.
func (c *Core) removeSlot(s *slot) {
	c.waits[s.number] = s.waits // its timer is not to be taken for one of a later slot with this number
	s.open = false
	c.socketIsAnother(s)
	c.do(RemoveSlot{s.number})
	c.removed = append(c.removed, s)
	for _, w := range slices.Clone(s.workers) {
		switch {
		case w.leaving():
		case w.state == ReadyWorker:
			c.drain(w, ReasonRemoved, true)
		case w.state == SpawningWorker && w.pid == 0 && !c.direct(): // it may never come up
			c.do(ForgetWorker{w.key, true})
			c.moveWorker(w, ExitedWorker)
			s.remove(w)
		default:
			c.drain(w, ReasonUnneeded, false)
		}
	}
	c.forgetRemoved(s)
}

// isRemoved says whether a slot is not among the slots any more.
func (c *Core) isRemoved(s *slot) bool { return slices.Contains(c.removed, s) }

// forgetRemoved forgets a slot that was removed when its last worker is gone.
func (c *Core) forgetRemoved(s *slot) {
	if len(s.workers) == 0 {
		c.removed = slices.DeleteFunc(c.removed, func(other *slot) bool { return other == s })
	}
}

// slotAt is the slot with a number, nil where there is none any more.
func (c *Core) slotAt(number int) *slot {
	if number < 0 || number >= len(c.slots) {
		return nil
	}
	return c.slots[number]
}

// adaptBudget has all workers together need no more memory than before they were more, and tells what that is now.
func (c *Core) adaptBudget() {
	b := &c.budget
	if c.policy.Renewal.Budget.Auto && b.preloader != 0 && b.bytes != 0 {
		b.bytes = clampBudget(b.bytes, c.maxBudget())
	}
	c.tellMemoryBound()
}

// finishScale tells once that the number of slots is what was asked for.
func (c *Core) finishScale() {
	if !c.scaling || len(c.removed) > 0 || c.phase != PhaseRunning {
		return
	}
	for _, s := range c.slots {
		w := s.serving()
		if s.state != ParkedSlot && (w == nil || w.state != ReadyWorker) && !(w == nil && c.isLent(s)) {
			return
		}
	}
	c.scaling = false
	c.do(ScaleCompleted{Slots: len(c.slots)})
}
