package core

import (
	"cmp"
	"math"
	"slices"

	"launcher/preforker/ident"
)

// fill gives every slot what it lacks: a worker where there is none, then, one slot
// at a time, a worker of the newest generation beside an older one, and last of all another one where they
// die again and again: where few are started at once, all others would wait for ever. It is called
// after everything that could have made any of it possible.
func (c *Core) fill() {
	source := c.newestSource()
	if source == nil { // the first one loads, all are on their way out, or a load waits
		c.fillFromSpare()
		if c.phase == PhaseRunning {
			c.lendSockets()
		}
		c.bringReloadForward()
		return
	}
	c.takeOver()
	c.fillVacant(source, slotBackoff.free)
	c.findCostlySeeds(source)
	c.replaceSeedsOfAll(source)
	c.roll(source)
	c.fillVacant(source, math.MaxInt)
	c.lendSockets()
	c.finishTakeover(source)
	c.finishRoll(source)
	c.renew()
	c.beginRefork(source)
	c.endHopelessSeeding()
	c.parkIdle()
	c.keepSpare()
	c.finishScale()
}

// fillVacant fills slots that want a worker, after so many early deaths in a row at most. They take turns.
func (c *Core) fillVacant(source *preloader, maxDeaths int) {
	var vacant []*slot
	for _, s := range c.slots {
		if s.state == VacantSlot && s.deaths <= maxDeaths {
			vacant = append(vacant, s)
		}
	}
	slices.SortStableFunc(vacant, func(a, b *slot) int { return cmp.Compare(a.newest, b.newest) })
	for _, s := range vacant {
		if !c.mayBegin() {
			return
		}
		c.openSlot(s)
		from := c.sourceOf(s, source)
		if !c.waitsForSeed(from) && !c.waitsForEarly(from) && !c.waitsForRelease(s, from) {
			c.spawn(s, from)
		}
	}
}

// sourceOf is what an empty slot is filled from: the newest proven preloader. Where workers of that
// generation have died in the slot again and again, it is the newest of all, which may be what mends it, also where that
// is held back.
func (c *Core) sourceOf(s *slot, newest *preloader) *preloader {
	if p := c.seeding(); p != nil && newest.origin.Refork > 0 {
		if c.waitsForSeed(newest) {
			return p // a seed less, perhaps
		}
		return newest
	}
	proven := c.provenSource()
	if latest := c.newest(c.able); s.deaths > slotBackoff.free && s.failed == proven.origin.Generation && latest.origin.Generation > s.failed {
		return latest
	}
	return proven
}

// mayBegin says whether one more worker may be started now.
func (c *Core) mayBegin() bool {
	if c.direct() { // each is a load, which takes a whole CPU, until it is ready
		return c.count(SpawningWorker)+c.count(BootingWorker) < c.policy.LoadsAtOnce
	}
	return c.count(SpawningWorker) < spawnsAtOnce
}

func (c *Core) count(state WorkerState) (n int) {
	for _, s := range c.slots {
		for _, w := range s.workers {
			if w.state == state {
				n++
			}
		}
	}
	return n
}

// roll starts a successor for the first slot that serves an older generation, or a fork of an
// older preloader, one slot at a time, those whose worker should be replaced anyway first. It goes back to older
// code where a release is held back alone, and waits where a still newer generation is loading, but for that.
func (c *Core) roll(source *preloader) {
	if source.preparing || c.onHold(source.origin.Generation) {
		return
	}
	if c.replaces() && c.startingSuccessors() > 0 {
		return // a renewal is under way
	}
	if source.origin.Refork > 0 && c.leavers() > 0 {
		return // it is to save memory, and they have theirs until they are gone
	}
	next := c.nextToRoll(source)
	if l := c.loading(); l != nil && l.origin.Generation > source.origin.Generation && (next == nil || !c.givesBack(next.serving(), source)) {
		return
	}
	if s := c.slotToTry(next, source); s != nil {
		c.openSlot(s)
		c.spawn(s, source)
		return
	}
	if next == nil || !c.mayBegin() || next.serving().early && c.leavers() > 0 {
		return
	}
	w := next.serving()
	failed := w.key.Generation == source.origin.Generation && !w.early // what it comes from was given up
	if failed || c.givesBack(w, source) || !c.waitsForSeed(source) {
		if w.renewal == "" {
			w.chosen = c.now
		}
		c.spawn(next, source)
	}
}

// nextToRoll is the slot that gets a worker of the source now, or nil.
func (c *Core) nextToRoll(source *preloader) (next *slot) {
	for _, s := range c.slots {
		w := s.serving()
		switch {
		case w == nil:
		case s.triesOut(source):
			return nil
		case !c.canRoll(s, source) || unhurried(w, source) && !c.overdue(w) && c.paced(w):
		case next == nil || c.rollsBefore(w, next.serving(), source):
			next = s
		}
	}
	return next
}

// rollsBefore says whether a worker is to be replaced before another one: whose release is held back, then who should be replaced
// anyway, then who has older code, then who has no request in hand where there is no hurry.
func (c *Core) rollsBefore(w, other *worker, source *preloader) bool {
	switch {
	case c.onHold(w.key.Generation) != c.onHold(other.key.Generation):
		return c.onHold(w.key.Generation)
	case c.overdue(w) != c.overdue(other):
		return c.overdue(w)
	case unhurried(w, source) != unhurried(other, source):
		return unhurried(other, source)
	}
	return unhurried(w, source) && !w.busy && other.busy
}

// canRoll says whether the worker that serves a slot can be replaced by one of the newest preloader now.
func (c *Core) canRoll(s *slot, source *preloader) bool {
	w := s.serving()
	return w != nil && w.state == ReadyWorker && c.outdated(w, source) && s.retryAt <= c.now && !c.crowded(s)
}

// rollWaits says whether a roll to newer code would begin if no renewal was under way.
func (c *Core) rollWaits() bool {
	source, waits := c.newestSource(), false
	if source == nil || c.loading() != nil || c.onHold(source.origin.Generation) {
		return false
	}
	for _, s := range c.slots {
		if s.triesOut(source) {
			return false
		}
		waits = waits || c.canRoll(s, source) && s.serving().key.Generation < source.origin.Generation
	}
	return waits
}

// triesOut says whether a worker of a preloader is on its way in a slot, or has yet to show what it can do.
// In a slot where workers die again and again one is always on its way: nobody waits for that.
func (s *slot) triesOut(source *preloader) bool {
	lost := s.deaths > slotBackoff.free && !slices.ContainsFunc(s.workers, func(w *worker) bool { return w.state == ReadyWorker })
	return slices.ContainsFunc(s.workers, func(w *worker) bool {
		return !w.leaving() && w.key.Origin() == source.origin && (w.state != ReadyWorker && !lost || !source.proven)
	})
}

// crowded says whether a worker still leaves a slot that another one serves: a third would cost as much
// again. One that takes longer than the drain timeout for its last request holds up nobody.
func (c *Core) crowded(s *slot) bool {
	return slices.ContainsFunc(s.workers, func(w *worker) bool { return w.leaving() && c.now-w.since < c.policy.DrainTimeout })
}

// finishRoll announces a generation that every slot has reached, and retires the
// preloaders before it.
func (c *Core) finishRoll(source *preloader) {
	for _, s := range c.slots {
		w := s.serving()
		if s.state == ParkedSlot {
			continue
		}
		if w == nil || w.state != ReadyWorker || w.early || w.key.Origin() != source.origin && !c.isSeed(w, source) {
			return
		}
	}
	if !source.proven || c.earlyLeave() {
		return
	}
	if c.announced != source.origin {
		c.rollCompleted(source)
	}
	for _, p := range slices.Clone(c.preloaders) {
		if p.origin.Before(source.origin) {
			c.retire(p, ReasonRolled)
		}
	}
}

// rollCompleted notes that every slot serves with a fork of this preloader.
func (c *Core) rollCompleted(source *preloader) {
	was := c.announced
	c.announced = source.origin
	c.lift(c.trialOf(source.origin.Generation), false)
	if source.origin.Refork > 0 {
		c.reforkCompleted(source)
	}
	if p := c.seeding(); p != nil && p.origin.Generation == source.origin.Generation {
		p.seeding = false
		if p == source { // there are fewer slots, which its seeds fill
			c.replaceSeeds(p)
		}
	}
	c.lendSockets()
	if was.Generation != source.origin.Generation {
		c.announceServed(source.origin.Generation)
		c.do(Announce{source.origin.Generation})
	}
	if c.renews() {
		c.do(MeasurePreloader{source.origin})
	}
}

// announceServed tells once that a generation serves all slots.
func (c *Core) announceServed(generation int) {
	if c.served < generation {
		c.served = generation
		c.do(AnnounceServed{generation, c.seeds()})
		c.endRestartOf(generation, RestartServed)
	}
}

func (c *Core) spawn(s *slot, source *preloader) {
	probe := c.probeOf(source)
	if probe == ProbeNone && c.giveSpare(s, source.origin) {
		return
	}
	c.serial++
	s.newest = c.serial
	w := &worker{key: ident.Key{Slot: s.number, Generation: source.origin.Generation,
		Refork: source.origin.Refork, Serial: c.serial}, binding: s.binding, since: c.now, loaded: !c.direct(), early: source.preparing, probe: probe}
	s.workers = append(s.workers, w)
	if s.state != OccupiedSlot {
		c.moveSlot(s, OccupiedSlot)
	}
	c.do(SpawnWorker{w.key, probe})
	c.do(SetTimer{Timer{TimerWorkerBoot, w.key}, c.policy.BootTimeout})
}
