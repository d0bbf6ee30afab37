package sim

import (
	"slices"

	"launcher/preforker/core"
	"launcher/preforker/ident"
)

func (c *checker) didToPreloader(a core.Action) {
	switch a := a.(type) {
	case core.StartPreloader:
		c.onlyWhileItRuns(a)
		for _, p := range c.preloaders {
			if p.origin.Refork == 0 && !p.loaded && !p.told {
				c.fail("two loads at once")
			}
		}
		p := &checkedPreloader{origin: ident.Origin{Generation: a.Generation}, early: a.Prepare == core.PrepareBeside}
		c.checkPreparing(a)
		p.low = a.Low
		if serves := slices.ContainsFunc(c.slots, func(s checkedSlot) bool { return s.accepting() != nil }); serves != a.Low {
			c.fail("generation %d loads with a low priority: %v, and it is %v that others serve", a.Generation, a.Low, serves)
		}
		c.preloaders = append(c.preloaders, p)
		c.due = append(c.due, core.Timer{Kind: core.TimerPreloaderBoot, Key: p.origin.Key()})
	case core.PreparePreloader:
		c.prepares(a.Origin)
	case core.RestorePriority:
		p := c.preloader(a.Origin)
		if p == nil || !p.low {
			c.fail("the priority of %v is to be restored, which is as it was", a.Origin)
			return
		}
		p.low = false
	case core.RetirePreloader:
		c.retires(a.Origin)
		if p := c.preloader(a.Origin); p != nil && p.early {
			c.fail("%v is told to leave, and hears nothing while it prepares", a.Origin)
		}
	case core.SignalPreloader:
		p := c.preloader(a.Origin)
		if p == nil {
			c.fail("signal for the preloader %v, which is not there", a.Origin)
			return
		}
		if a.Signal == ident.SIGTERM {
			c.retires(a.Origin)
		}
		p.told = p.told || !p.loaded && a.Signal != ident.SIGCONT
	case core.MeasurePreloader:
		if c.preloader(a.Origin) == nil {
			c.fail("preloader %v is measured, which is gone", a.Origin)
		}
	case core.ReforkWorker:
		c.reforks(a)
	}
}

// retires: a generation is only left when every slot serves the next one, which has shown that it can.
func (c *checker) retires(origin ident.Origin) {
	p := c.preloader(origin)
	switch {
	case p == nil:
		c.fail("the preloader %v is to leave, which is not there", origin)
		return
	case p.told && p.loaded:
		c.fail("the preloader %v is to leave twice", origin)
	}
	p.told = true
	c.due = append(c.due, core.Timer{Kind: core.TimerPreloaderKill, Key: origin.Key()})
	if c.stopping || origin.Refork > 0 && c.failedOf(origin) {
		return
	}
	_, newest := c.sources()
	if newest != nil && newest.seeded(origin) && newest.proven {
		newest.lendUntil = c.now + fillTime
		return // all slots that have none of its workers are filled from this one
	}
	if _, asked := c.event.(core.RestartAsked); asked && origin.Refork == 0 && !c.preloader(origin).loaded {
		return // the next load takes its place
	}
	for i := range c.slots {
		w := c.slots[i].accepting()
		if c.slots[i].parked {
			continue
		}
		if w != nil && newest != nil && newest.seeded(w.key.Origin()) && (newest.proven || newest.maybe) {
			continue
		}
		if w == nil && newest != nil && origin.Generation < newest.origin.Generation && c.isLent(i, newest.origin.Generation) {
			continue
		}
		if w == nil || !origin.Before(w.key.Origin()) {
			c.fail("the preloader %v is to leave before slot %d has a newer worker", origin, i)
			return
		}
		if proven, _ := c.sources(); w.key.Generation > origin.Generation && proven != nil && proven.origin.Generation == w.key.Generation {
			continue
		}
		if source := c.preloader(w.key.Origin()); source == nil || !source.proven && !source.maybe {
			c.fail("the preloader %v is to leave before its successor has shown that it serves", origin)
		}
	}
}

// failedOf says whether the event is a failure of a preloader's worker.
func (c *checker) failedOf(origin ident.Origin) bool {
	switch e := c.event.(type) {
	case core.WorkerAnsweredFirst:
		return e.Key.Origin() == origin && (e.Status == 0 || e.Status >= 500)
	case core.WorkerExited:
		return e.Key.Origin() == origin
	case core.WorkerSpawnFailed:
		return e.Key.Origin() == origin
	}
	return false
}

// checkReforkAlone: beside no preloader but one of a release that is held back.
func (c *checker) checkReforkAlone(a core.ReforkWorker) {
	for _, p := range c.preloaders {
		if p.origin != a.Key.Origin() && (!p.loaded || p.told || !c.heldBack(p)) {
			c.fail("%v is to refork beside %v", a.Key, p.origin)
		}
	}
	if c.preloader(a.Key.Origin()) == nil {
		c.fail("%v is to refork, whose preloader is gone", a.Key)
	}
}

func (c *checker) reforks(a core.ReforkWorker) {
	c.onlyWhileItRuns(a)
	if a.Origin.Refork != c.reforked[a.Origin.Generation]+1 {
		c.fail("%v follows refork %d", a.Origin, c.reforked[a.Origin.Generation])
	}
	c.reforked[a.Origin.Generation] = a.Origin.Refork
	reforkAt := c.reforkAt[a.Origin.Generation] // what was found in other code is nothing to it
	w := c.worker(a.Key)
	switch {
	case w == nil || !w.accepting():
		c.fail("%v is to refork, which does not serve", a.Key)
		return
	case c.seedsOf(a.Key.Origin()):
		c.checkReforkOfSeed(a)
	default:
		c.checkReforkAlone(a)
	}
	_, asked := c.event.(core.ReforkNowAsked)
	switch {
	case c.now < reforkAt && !asked:
		c.fail("%v is to refork %v before the wait is over", a.Key, reforkAt-c.now)
	case w.unfit:
		c.fail("%v is to refork, which is unfit", a.Key)
	case w.served < c.policy.Refork.After[0] && !(asked && w.served > 0):
		c.fail("%v is to refork after %d requests", a.Key, w.served)
	}
	p := &checkedPreloader{origin: a.Origin, source: a.Key}
	if c.seedsOf(a.Key.Origin()) {
		p.seededBy = a.Key.Origin()
	}
	for i := range c.slots {
		s := &c.slots[i]
		source := c.preloader(a.Key.Origin())
		if other := s.accepting(); p.seededBy == (ident.Origin{}) && other != nil && !source.seeded(other.key.Origin()) && (other.key.Origin() != a.Key.Origin() || s.comingUp() != nil) {
			c.fail("%v is to refork while slot %d changes", a.Key, i)
		}
	}
	at := len(c.preloaders)
	for at > 0 && p.origin.Before(c.preloaders[at-1].origin) { // while a newer release is held back
		at--
	}
	c.preloaders = slices.Insert(c.preloaders, at, p)
	c.due = append(c.due, core.Timer{Kind: core.TimerPreloaderBoot, Key: a.Origin.Key()})
}
