package sim

import (
	"slices"

	"launcher/preforker/core"
	"launcher/preforker/ident"
)

// preparing says whether a preloader has yet to prepare what keeps memory shared, beside its first workers.
func (c *checker) preparing(origin ident.Origin) bool {
	p := c.preloader(origin)
	return p != nil && p.early
}

// lender is the preloader whose workers serve the sockets of slots that have none, and whether there is one.
func (c *checker) lender() (ident.Origin, bool) {
	_, newest := c.sources()
	growing := c.seeding()
	switch {
	case newest == nil:
		return c.lastLender()
	case newest.early:
		return newest.origin, true
	case growing != nil:
		return growing.origin, true
	case !newest.completed && c.now < newest.lendUntil:
		return newest.seededBy, true
	}
	return ident.Origin{}, false
}

// lastLender: while workers are to be had of none, those lend on who were lent sockets, of the newest origin. Where none were, it is
// whoever serves, of a release that is held back only where there is no other.
func (c *checker) lastLender() (origin ident.Origin, lends bool) {
	for _, such := range []func(*checkedWorker) bool{
		func(w *checkedWorker) bool { return w.borrowed != nil },
		func(w *checkedWorker) bool { return !c.trials[w.key.Generation].holds() },
		func(*checkedWorker) bool { return true },
	} {
		for i := range c.slots {
			if w := c.slots[i].accepting(); w != nil && such(w) && (!lends || origin.Before(w.key.Origin())) {
				origin, lends = w.key.Origin(), true
			}
		}
		if lends {
			break
		}
	}
	return origin, lends
}

// earlyWorkers counts the slots that wait for a worker which was forked before its preloader had prepared: one that serves
// makes room first, and one that comes up, or ends, is heard of.
func (c *checker) earlyWorkers() (n int) {
	for i := range c.slots {
		if slices.ContainsFunc(c.slots[i].workers, func(w *checkedWorker) bool {
			return w.early && (w.accepting() || w.comingUp() || w.holds)
		}) {
			n++
		}
	}
	return n
}

// earlyLeavers says whether a worker that was forked before its preloader had prepared has just made room, and a timer bounds the
// wait for its end.
func (c *checker) earlyLeavers(origin ident.Origin) bool {
	return c.timers[core.Timer{Kind: core.TimerPace}] > 0 && slices.ContainsFunc(c.slots, func(s checkedSlot) bool {
		return slices.ContainsFunc(s.workers, func(w *checkedWorker) bool {
			return w.early && w.told && w.key.Origin() == origin
		})
	})
}

// allVacant says whether no slot has a worker that serves, or is about to.
func (c *checker) allVacant() bool {
	return !slices.ContainsFunc(c.slots, func(s checkedSlot) bool { return s.accepting() != nil || s.comingUp() != nil })
}

// checkPreparing: nobody serves where the first workers do not wait, and a load follows that has died in its preparation goes without.
func (c *checker) checkPreparing(a core.StartPreloader) {
	switch {
	case c.unprepared != (a.Prepare == core.PrepareNot):
		c.fail("generation %d prepares %q, and one before has died in that: %v", a.Generation, a.Prepare, c.unprepared)
	case a.Prepare != core.PrepareBeside:
		return
	case c.policy.Early < 1:
		c.fail("generation %d is to have early workers, which are switched off", a.Generation)
	}
	for i := range c.slots {
		if w := c.slots[i].accepting(); w != nil {
			c.fail("generation %d is to have early workers, and %v serves", a.Generation, w.key)
		}
	}
}

// prepares: once, after the first workers were asked for.
func (c *checker) prepares(origin ident.Origin) {
	p := c.preloader(origin)
	switch {
	case p == nil || !p.loaded || p.told || !p.early:
		c.fail("%v is to prepare, which does not wait for that", origin)
		return
	case p.begun:
		c.fail("%v is to prepare twice", origin)
	case c.forksOf(origin) == 0 && !c.seedsWait() && c.allVacant():
		c.fail("%v is to prepare, and nobody serves meanwhile", origin)
	}
	p.begun = true
}

// checkEarlySpawn: few workers before anything is prepared, and none in the place of another.
func (c *checker) checkEarlySpawn(s *checkedSlot, key ident.Key) {
	if !c.preparing(key.Origin()) {
		return
	}
	_, newest := c.sources()
	if n := c.forksOf(key.Origin()); n >= c.policy.Early && newest.origin == key.Origin() {
		c.fail("%v is an early worker beside %d", key, n)
	}
	if old := s.accepting(); old != nil {
		c.fail("%v takes the place of %v, and nothing is prepared", key, old.key)
	}
}
