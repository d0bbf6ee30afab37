package sim

import "launcher/preforker/core"

func (c *checker) spawns(a core.SpawnWorker) {
	c.onlyWhileItRuns(core.SpawnWorker{})
	key := a.Key
	w := &checkedWorker{key: key, early: c.preparing(key.Origin()), probe: a.Probe}
	c.checkProbe(a)
	c.numbers(w)
	if p := c.preloader(key.Origin()); p != nil && p.low {
		c.fail("%v would inherit the low priority of %v", key, p.origin)
	}
	limit := spawnsAtOnce
	if c.direct() {
		limit = c.policy.LoadsAtOnce
	}
	if c.onTheirWay() >= limit {
		c.fail("more than %d workers are on their way", limit)
	}
	c.takesSlot(w)
}

// checkProbe: who takes the place of older code is probed, and who has to show what a refork is good for that was asked for.
func (c *checker) checkProbe(a core.SpawnWorker) {
	origin := a.Key.Origin()
	p, asked, older := c.preloader(origin), c.verbs.refork == origin, c.servedByOlder(a.Key.Generation)
	switch {
	case a.Probe == core.ProbeRefork && (!asked || p == nil || p.proven):
		c.fail("%v is probed for a refork, which it need not be", a.Key)
	case a.Probe != core.ProbeRefork && asked && p != nil && !p.proven && !p.maybe:
		c.fail("%v is not probed for the refork that was asked for", a.Key)
	case a.Probe != core.ProbeRefork && (a.Probe == core.ProbeRelease) != older:
		c.fail("%v is probed: %q; workers with older code serve: %v", a.Key, a.Probe, older)
	}
}

// servedByOlder says whether a worker with older code serves.
func (c *checker) servedByOlder(generation int) bool {
	for i := range c.slots {
		if w := c.slots[i].accepting(); w != nil && w.key.Generation < generation {
			return true
		}
	}
	return false
}

// hasWorkerOf says whether a worker of a generation serves.
func (c *checker) hasWorkerOf(generation int) bool {
	for i := range c.slots {
		if w := c.slots[i].accepting(); w != nil && w.key.Generation == generation {
			return true
		}
	}
	return false
}

// numbers: each worker has the next number.
func (c *checker) numbers(w *checkedWorker) {
	if w.key.Serial != len(c.workers) {
		c.fail("serial %d follows %d", w.key.Serial, len(c.workers)-1)
	}
	c.workers = append(c.workers, w)
}

// takesSlot takes a worker that is to serve a slot, whether it is forked for that or was a spare.
func (c *checker) takesSlot(w *checkedWorker) {
	key := w.key
	s := &c.slots[key.Slot]
	w.binding, w.spawned = s.binding, c.now
	switch {
	case !s.open:
		c.fail("a worker for slot %d, which is closed", key.Slot)
	case s.comingUp() != nil:
		c.fail("two workers come up in slot %d", key.Slot)
	}
	c.checkSource(s, w)
	c.checkSeedSpawn(s, key)
	c.checkEarlySpawn(s, key)
	if old := s.accepting(); old != nil {
		w.follows = true
		c.checkReplacement(s, w, old)
	} else if s.backoff && !s.anyTime && c.now < s.wait {
		c.fail("a worker for slot %d, %v before its wait is over", key.Slot, s.wait-c.now)
	}
	c.due = append(c.due, core.Timer{Kind: core.TimerWorkerBoot, Key: key})
	s.workers = append(s.workers, w)
	s.wait, s.backoff = 0, false
}

// checkSource: a bad release does not take the slots whose worker happens to die.
func (c *checker) checkSource(s *checkedSlot, w *checkedWorker) {
	if c.direct() {
		return
	}
	key := w.key
	proven, newest := c.sources()
	switch p := c.preloader(key.Origin()); {
	case newest == nil && w.given && c.spareIsNewest(w): // nobody can fork
	case p == nil || !p.loaded || p.told:
		c.fail("%v is asked of a preloader that cannot fork", key)
	case p == proven || p.maybe:
	case c.trials[key.Generation].holds() && (s.accepting() == nil && c.diedIn(s, proven) || s.accepting() != nil && s.accepting().key.Generation == key.Generation):
	case p == newest && c.warmUp(p) && s.accepting() == nil:
	case p == newest && p.seeding && s.accepting() == nil && len(c.olderThan(key.Generation)) == 1: // it would end the older release
	case c.seedsOf(p.origin) && newest.seeded(p.origin) && !newest.proven: // a seed in the place of one that is gone
	case s.accepting() == nil && (p != newest || !c.diedIn(s, proven)):
		c.fail("the empty slot %d gets a worker of %v, but %v is proven", key.Slot, p.origin, proven.origin)
	case p != newest:
		c.fail("%v is spawned by a preloader that is neither the newest nor proven", key)
	}
}

// diedIn says whether workers have died in a slot of the generation that is proven, or may be taken for that.
func (c *checker) diedIn(s *checkedSlot, proven *checkedPreloader) bool {
	for _, p := range c.preloaders {
		if (p == proven || p.maybe && p.loaded && !p.told) && s.died[p.origin.Generation] {
			return true
		}
	}
	return false
}

// checkReplacement: a worker that serves gets a successor.
func (c *checker) checkReplacement(s *checkedSlot, w, old *checkedWorker) {
	if w.key.Generation < old.key.Generation && !c.givesBack(old, w) {
		c.fail("%v is to be replaced by older code: %v", old.key, w.key)
	}
	for _, leaver := range s.workers {
		if leaver.told && c.now-leaver.toldAt < c.policy.DrainTimeout {
			c.fail("%v still leaves slot %d, and gets a third worker: %v", leaver.key, w.key.Slot, w.key)
		}
	}
	c.checkHeld(w, old)
	c.checkPace(w, old)
	c.checkProof(w, old)
	c.checkReplacementsAtOnce(w, old)
}

// checkProof: one slot has a worker of a new preloader until that one has shown that it serves.
func (c *checker) checkProof(w, old *checkedWorker) {
	p := c.preloader(w.key.Origin())
	if p == nil || p.proven || p.maybe || w.key.Origin() == old.key.Origin() {
		return
	}
	for i := range c.slots {
		for _, other := range c.slots[i].workers {
			if other.key.Origin() == p.origin && (other.accepting() || other.comingUp() && other.follows) {
				c.fail("%v has not shown that it serves, and a second slot is to have it", p.origin)
			}
		}
	}
}

// checkReplacementsAtOnce is the bound of memory: one replacement at a time, unless the workers have more than they may.
func (c *checker) checkReplacementsAtOnce(w, old *checkedWorker) {
	origin, oldOrigin := w.key.Origin(), old.key.Origin()
	replacing, leaving, sum := 0, 0, uint64(0)
	for _, other := range c.inSlots() {
		sum += other.private
	}
	for i := range c.slots {
		s := &c.slots[i]
		if up := s.comingUp(); up != nil && s.accepting() != nil && (c.renews() || up.key.Origin() == origin) {
			replacing++
		}
		for _, other := range s.workers {
			if other.renewed && !other.killed && c.now-other.toldAt < leaverTime {
				leaving++
			}
		}
	}
	allowed, bound := 1, c.leastBound
	if c.renews() && bound > 0 && sum > bound*uint64(len(c.slots)) && origin.Generation == oldOrigin.Generation {
		allowed = max(1, c.policy.LoadsAtOnce)
	}
	if origin == oldOrigin || origin.Refork > 0 {
		replacing += leaving
	}
	if replacing >= allowed {
		c.fail("%d replacements at once, %d are allowed", replacing+1, allowed)
	}
}
