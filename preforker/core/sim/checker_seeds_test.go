package sim

import (
	"fmt"
	"slices"
	"time"

	"launcher/preforker/core"
	"launcher/preforker/ident"
)

// seeding is what the generation has loaded that slots roll to, where most of them wait for what is reforked from its first
// workers, or nil.
func (c *checker) seeding() *checkedPreloader {
	_, newest := c.sources()
	if newest == nil {
		return nil
	}
	p := c.preloader(ident.Origin{Generation: newest.origin.Generation})
	if p == nil || !p.seeding || p.told {
		return nil
	}
	return p
}

// seedsOf says whether the workers of a preloader are seeds now.
func (c *checker) seedsOf(origin ident.Origin) bool {
	p := c.seeding()
	return p != nil && p.origin == origin
}

// warmUp says whether a preloader was forked from a worker of the generation that grows now.
func (c *checker) warmUp(p *checkedPreloader) bool {
	growing := c.seeding()
	return growing != nil && p.origin.Refork > 0 && p.origin.Generation == growing.origin.Generation
}

// seeded says whether workers of another preloader stay beside the forks of this one.
func (p *checkedPreloader) seeded(by ident.Origin) bool {
	return p != nil && p.seededBy == by && by != ident.Origin{}
}

// forksOf counts the slots that a preloader's workers serve, or are about to.
func (c *checker) forksOf(origin ident.Origin) (n int) {
	for i := range c.slots {
		if slices.ContainsFunc(c.slots[i].workers, func(w *checkedWorker) bool {
			return w.key.Origin() == origin && (w.accepting() || w.comingUp()) && (!w.early || c.preparing(origin))
		}) {
			n++
		}
	}
	return n
}

// serves says whether a worker of a preloader serves.
func (c *checker) serves(origin ident.Origin) bool {
	return slices.ContainsFunc(c.slots, func(s checkedSlot) bool {
		w := s.accepting()
		return w != nil && w.key.Origin() == origin
	})
}

// leaversOf counts the workers of a preloader whose end is waited for.
func (c *checker) leaversOf(origin ident.Origin) (n int) {
	for i := range c.slots {
		for _, w := range c.slots[i].workers {
			if w.key.Origin() == origin && w.holds {
				n++
			}
		}
	}
	return n
}

// seeds: a generation grows from seeds from its load on. A time for that is set then, and whenever all seeds are busy.
func (c *checker) seeds(origin ident.Origin, after time.Duration) {
	p := c.preloader(origin)
	if p == nil || !p.loaded || p.told || origin.Refork > 0 {
		c.fail("%v is to have seeds, which cannot fork", origin)
		return
	}
	if c.policy.Seeds < 1 || p.seedings == 0 && c.policy.Seeds >= c.filled() || len(c.policy.Refork.After) == 0 {
		c.fail("%v is to have seeds, with %d slots and %+v", origin, len(c.slots), c.policy)
	}
	p.until = c.now + after
	switch p.seedings++; {
	case p.seedings == 1:
		_, loads := c.event.(core.PreloaderLoaded)
		if _, prepared := c.event.(core.PreloaderPrepared); !loads && !prepared || p.early {
			c.fail("%v is to have seeds after %T", origin, c.event)
		}
		p.seeding = true
	case !p.seeding:
		c.fail("the seeds of %v get a time, and it does not grow", origin)
	case !p.pressed && c.readySeeds(origin) > 0 && !c.awaitsAnswer(origin.Generation) && !slices.ContainsFunc(c.preloaders, func(p *checkedPreloader) bool { return !p.loaded }):
		c.fail("the seeds of %v get a time, and are not all busy", origin)
	}
}

// isLent says whether a worker of a generation has a slot's socket besides its own.
func (c *checker) isLent(slot, generation int) bool {
	for i := range c.slots {
		if w := c.slots[i].accepting(); w != nil && w.key.Generation == generation {
			if since, has := w.borrowed[slot]; has && since == c.slots[slot].socket {
				return true
			}
		}
	}
	return false
}

func (c *checker) endsSeeding(a core.SeedingEnded) {
	p := c.preloader(ident.Origin{Generation: a.Generation})
	if p == nil || !p.seeding {
		c.fail("the seeding of generation %d ends, which has none", a.Generation)
		return
	}
	switch {
	case a.Reason == core.ReasonManySlots:
		c.fail("%v does not grow any more, since there are %d slots", p.origin, len(c.slots))
	case a.Reason == core.ReasonSeedTime && (!p.pressed || c.now < p.pressedAt+c.policy.SeedTime):
		c.fail("the time of the seeds of %v is over, which were not busy for so long", p.origin)
	}
	c.seedingOver(a.Generation)
	for _, other := range c.preloaders { // what comes too late takes all slots
		if other.origin.Generation == a.Generation && !other.proven {
			other.seededBy = ident.Origin{}
		}
	}
}

func (c *checker) seedingOver(generation int) {
	if p := c.preloader(ident.Origin{Generation: generation}); p != nil {
		p.seeding = false
	}
}

// replacesSeeds: what was forked from a seed takes their slots where they have all of them, as it could not show otherwise what it can do.
func (c *checker) replacesSeeds() {
	_, newest := c.sources()
	if newest == nil || newest.proven || newest.seededBy == (ident.Origin{}) || c.seeding() != nil {
		return
	}
	for i := range c.slots {
		w := c.slots[i].accepting()
		if w == nil {
			w = c.slots[i].comingUp()
		}
		if !c.slots[i].parked && (w == nil || w.key.Origin() != newest.seededBy) {
			return
		}
	}
	newest.seededBy = ident.Origin{}
}

// unseeded says why a slot should have a worker though its generation may grow from seeds, or "".
func (c *checker) unseeded(newest *checkedPreloader) string {
	p := c.seeding()
	switch {
	case newest.early:
		if c.forksOf(newest.origin)+c.leaversOf(newest.origin) < c.policy.Early {
			return fmt.Sprintf("there are fewer than %d early workers", c.policy.Early)
		}
		return ""
	case p == nil:
		return "nothing grows"
	case newest != p && newest.proven:
		return fmt.Sprintf("%v has shown that it serves", newest.origin)
	case c.earlyWorkers() > 0 || c.earlyLeavers(p.origin) && (c.readySeeds(p.origin) > 0 || c.dying(p.origin)):
		return "" // which are replaced first
	case c.forksOf(p.origin) == 0 && !c.seedsWait():
		return "there is no seed"
	case c.forksOf(p.origin)+c.leaversOf(p.origin) < c.policy.Seeds:
		return fmt.Sprintf("there are fewer than %d seeds", c.policy.Seeds)
	case newest != p && c.forksOf(newest.origin)+c.leaversOf(newest.origin) == 0:
		return fmt.Sprintf("%v is to show what it can do", newest.origin)
	}
	return ""
}

// waitsForRelease says whether a slot is left to a release whose first worker comes up, and served until then by who was lent it.
func (c *checker) waitsForRelease(slot int) bool {
	if p := c.seeding(); p == nil || p.proven {
		return false
	}
	for i := range c.slots {
		for _, w := range c.slots[i].workers {
			if since, has := w.borrowed[slot]; has && since == c.slots[slot].socket && (w.accepting() || w.killed) {
				return true
			}
		}
	}
	return false
}

// loads says whether the application is on its way.
func (c *checker) loads() bool {
	return slices.ContainsFunc(c.preloaders, func(p *checkedPreloader) bool { return p.origin.Refork == 0 && !p.loaded && !p.told })
}

// seedsWait says whether a slot waits for its next worker.
func (c *checker) seedsWait() bool {
	for i := range c.slots {
		if s := &c.slots[i]; s.wait > 0 || s.held() {
			return true
		}
	}
	return false
}

// checkSeedSpawn: while a generation grows, no slot that serves it gets a second worker, unless that one is to be renewed or
// comes from a preloader that was given up; and one slot shows what a preloader can do that was forked from a seed.
func (c *checker) checkSeedSpawn(s *checkedSlot, key ident.Key) {
	p := c.seeding()
	if p != nil && s.accepting() == nil && key.Generation < p.origin.Generation && c.waitsForRelease(key.Slot) {
		c.fail("%v is served by who was lent its socket, and generation %d takes it", key, p.origin.Generation)
	}
	if p == nil || key.Generation != p.origin.Generation {
		return
	}
	old := s.accepting()
	if old != nil && old.key.Generation == key.Generation && !c.renews() && !old.early {
		if from := c.preloader(old.key.Origin()); from != nil && !from.told {
			c.fail("slot %d serves generation %d, and gets another worker of it while it grows", key.Slot, key.Generation)
		}
	}
	source := c.preloader(key.Origin())
	switch {
	case source == nil || old != nil && old.key.Generation == key.Generation: // which is to be renewed
	case old != nil && c.trials[old.key.Generation].holds() && key.Generation < old.key.Generation: // which gives its slot back
	case source == p && c.forksOf(p.origin) >= c.policy.Seeds:
		c.fail("%v is one seed more than %d", key, c.policy.Seeds)
	case source != p && !source.proven && !source.maybe && c.forksOf(source.origin) > 0:
		c.fail("%v has not shown that it serves, and fills a second slot", source.origin)
	}
}

// checkReforkOfSeed: one at a time, and not while the next release loads.
func (c *checker) checkReforkOfSeed(a core.ReforkWorker) {
	for _, p := range c.preloaders {
		if p.origin.Refork == 0 && !p.loaded && !p.told || p.seeded(a.Key.Origin()) {
			c.fail("%v is to refork beside %v", a.Key, p.origin)
		}
	}
}

// checkSeedsStay: a seed serves on where the others are filled from what was forked from it.
func (c *checker) checkSeedsStay(a core.WorkerServes) {
	if c.drained == nil || a.Renewal {
		return
	}
	p := c.preloader(a.Worker.Key.Origin())
	if c.policy.Refork.Worthwhile && !c.seedsOf(c.drained.key.Origin()) && c.drained.private > 0 && p != nil && p.source != c.drained.key {
		return // it may have far more memory
	}
	if p.seeded(c.drained.key.Origin()) && !c.drained.early {
		c.fail("the seed %v makes room for %v", c.drained.key, a.Worker.Key)
	}
}

// lends: only to a seed that serves, only what nobody serves, and each socket once.
func (c *checker) lends(a core.LendSockets) {
	c.onlyWhileItRuns(a)
	w := c.worker(a.Key)
	lender, lends := c.lender()
	switch {
	case w == nil || !w.accepting():
		c.fail("sockets are lent to %v, which does not serve", a.Key)
		return
	case !lends || lender != a.Key.Origin():
		c.fail("sockets are lent to %v, which is no seed", a.Key)
	case len(a.Slots) == 0:
		c.fail("no socket is lent to %v", a.Key)
	}
	for _, slot := range a.Slots {
		s := &c.slots[slot]
		since, has := w.borrowed[slot]
		switch {
		case !s.open:
			c.fail("the socket of slot %d is lent, which is closed", slot)
		case s.parked:
			c.fail("the socket of slot %d is lent, which is parked", slot)
		case s.accepting() != nil || s.comingUp() != nil:
			c.fail("the socket of slot %d is lent, which has a worker", slot)
		case has && since == s.socket:
			c.fail("the socket of slot %d is lent to %v twice", slot, a.Key)
		}
		if w.borrowed == nil {
			w.borrowed = map[int]int{}
		}
		w.borrowed[slot] = s.socket
	}
}

func (c *checker) returns(a core.ReturnSockets) {
	w := c.worker(a.Key)
	if w == nil || len(w.borrowed) == 0 {
		c.fail("%v is to return sockets, and has none", a.Key)
		return
	}
	w.borrowed = nil
	c.returned = append(c.returned, a.Key)
}

// checkBorrowers: after no step has a worker sockets of others that serves on once its generation has grown, and none
// returns them before.
func (c *checker) checkBorrowers() {
	lender, lends := c.lender()
	for _, key := range c.returned {
		switch {
		case !lends:
		case lender == key.Origin():
			c.fail("%v is to return sockets, and is a seed", key)
		case !c.serves(lender) && len(c.passed) == 0: // else the one that served may have passed a limit
			c.fail("%v is to return sockets, and no seed of %v serves", key, lender)
		}
	}
	c.returned = c.returned[:0]
	if _, newest := c.sources(); newest == nil || c.stopping || newest.lendUntil > 0 && c.now >= newest.lendUntil && c.timers[core.Timer{Kind: core.TimerPace}] > 0 {
		return // nobody else will serve them soon, or the time is over and its event is late
	}
	if lends && !c.serves(lender) {
		return // nor yet
	}
	for i := range c.slots {
		if w := c.slots[i].accepting(); w != nil && len(w.borrowed) > 0 && (!lends || lender != w.key.Origin()) {
			c.fail("%v still has the sockets of others", w.key)
		}
	}
}

// checkHope: no slot waits for a refork that cannot come any more.
func (c *checker) checkHope() {
	p := c.seeding()
	if p == nil || !p.pressed || c.reforkAt[p.origin.Generation] <= p.until {
		return
	}
	for _, other := range c.preloaders {
		if other.seeded(p.origin) && !(other.told && other.loaded) { // one that is killed is gone in a moment
			return
		}
	}
	c.fail("slots wait for a refork of %v until %v, and none comes before %v", p.origin, p.until, c.reforkAt[p.origin.Generation])
}

// checkLent: each seed that serves has the sockets of all slots that have no worker.
func (c *checker) checkLent() {
	lender, lends := c.lender()
	if !lends {
		return
	}
	for i := range c.slots {
		s := &c.slots[i]
		if !s.open || s.parked || s.accepting() != nil || s.comingUp() != nil || s.held() {
			continue
		}
		for j := range c.slots {
			w := c.slots[j].accepting()
			if w == nil || w.key.Origin() != lender {
				continue
			}
			if since, has := w.borrowed[i]; !has || since != s.socket {
				c.fail("nobody serves slot %d, and %v was not lent its socket", i, w.key)
			}
		}
	}
}
