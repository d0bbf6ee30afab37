package sim

import (
	"launcher/preforker/core"
	"launcher/preforker/ident"
)

// did takes an action: whether it was allowed, and what is so from now on.
func (c *checker) did(a core.Action) {
	if c.restarts(a) || c.verb(a) {
		return
	}
	switch a := a.(type) {
	case core.Contradiction:
		c.fail("the core contradicts itself: %s", a.Error)
	case core.LoadFailed:
		c.failed = max(c.failed, a.Failure.Generation)
	case core.LoadBegan:
		c.loadBegan(a)
	case core.SetBudget:
		c.bound, c.leastBound = a.Bytes, min(c.leastBound, a.Bytes)
	case core.SetTimer:
		c.setsTimer(a)
	case core.AnnounceServed:
		c.announcesServed(a)
	case core.Announce:
		c.announces(a)
		c.seedingOver(a.Generation)
	case core.GenerationLoaded:
		c.newestLoaded, c.loadedAt = a.Origin.Generation, c.now
		c.forgetsCrashes()
		c.triesOtherCode()
	case core.WorkerDied:
		c.dies(a)
	case core.SlotFailed:
		c.didFail(a)
	case core.SlotRecovered:
		c.recovers(a)
	case core.GenerationFailed:
		c.didFailLoads(a)
	case core.ReleaseHeld:
		c.holdsBack(a)
	case core.ReleaseLifted:
		c.lifts(a)
	case core.SeedingEnded:
		c.endsSeeding(a)
	case core.ReforkCompleted:
		c.seedingOver(a.Origin.Generation)
		if p := c.preloader(a.Origin); p != nil {
			p.completed = true
		}
	case core.WorkerServes:
		c.checkSeedsStay(a)
	case core.MemoryBoundChanged:
		c.spare.bound = a.Bound
	case core.HideSockets:
		c.hides()
	case core.Finish:
		c.finishes()
	case core.OpenSlot, core.RebindSlot, core.CloseSlot, core.RemoveSlot, core.SetSlots, core.AwaitConnection:
		c.didToSocket(a)
	case core.SlotParked:
		c.parks(a)
	case core.ScaleCompleted:
		c.completesScale(a)
	case core.StartPreloader, core.PreparePreloader, core.RestorePriority, core.RetirePreloader, core.SignalPreloader, core.MeasurePreloader, core.ReforkWorker:
		c.didToPreloader(a)
	default:
		c.didToWorker(a)
	}
}

func (c *checker) didToSocket(a core.Action) {
	switch a := a.(type) {
	case core.OpenSlot:
		c.onlyWhileItRuns(a)
		c.slots[a.Slot].socket++
		if c.slots[a.Slot].open {
			c.fail("slot %d is opened twice", a.Slot)
		}
		c.slots[a.Slot].open = true
	case core.RebindSlot:
		c.onlyWhileItRuns(a)
		if !c.slots[a.Slot].open {
			c.fail("slot %d is bound again, which is closed", a.Slot)
		}
		c.slots[a.Slot].binding++
		c.slots[a.Slot].socket++
	case core.CloseSlot:
		if !c.slots[a.Slot].open {
			c.fail("slot %d is closed twice", a.Slot)
		}
		if w := c.slots[a.Slot].accepting(); w != nil {
			c.fail("slot %d is closed, which %v serves", a.Slot, w.key)
		}
		c.slots[a.Slot].open = false
	case core.RemoveSlot:
		c.removes(a)
	case core.SetSlots:
		c.resizes(a)
	case core.AwaitConnection:
		c.awaits(a)
	}
}

func (c *checker) didToWorker(a core.Action) {
	switch a := a.(type) {
	case core.SpawnWorker:
		c.spawns(a)
	case core.SpawnSpare:
		c.spawnsSpare(a.Key)
	case core.AssignSpare:
		c.assigns(a)
	case core.DrainWorker:
		c.drains(a)
	case core.ServeBacklog:
		c.servesBacklog(a.Key)
	case core.KillWorker:
		c.kills(a)
	case core.ForgetWorker:
		c.forgets(a.Key)
	case core.AskWorker:
		w := c.worker(a.Key)
		if w == nil || !w.comingUp() || !c.direct() {
			c.fail("%+v is asked where it is", a.Key)
			return
		}
		w.told, w.toldAt, w.holds = true, c.now, true
		c.due = append(c.due, core.Timer{Kind: core.TimerWorkerDrain, Key: a.Key})
	case core.LocateWorker:
		c.locates(a.Key)
	case core.ContinueWorker:
		if c.worker(a.Key) == nil {
			c.fail("%v is continued, which is not there", a.Key)
		}
	case core.LendSockets:
		c.lends(a)
	case core.ReturnSockets:
		c.returns(a)
	case core.WatchWorker:
		if w := c.worker(a.Key); w == nil || !w.accepting() && w != c.spare.worker {
			c.fail("%v is watched, which does not serve", a.Key)
		}
	}
}

func (c *checker) onlyWhileItRuns(a core.Action) {
	if c.stopping {
		c.fail("%T while it stops", a)
	}
}

func (c *checker) loadBegan(a core.LoadBegan) {
	if a.Generation != c.generation+1 {
		c.fail("generation %d follows %d", a.Generation, c.generation)
	}
	if c.now < c.reloadAt {
		c.fail("a load %v before its wait is over", c.reloadAt-c.now)
	}
	c.generation = a.Generation
	if c.loadsAtOnce() {
		if c.reloaded > 0 && c.now-c.reloaded < soundAfter {
			c.fail("a second load %v after the one before, without a wait", c.now-c.reloaded)
		}
		c.reloaded = c.now
	}
	c.restartNoted = false
	if c.asked.open {
		c.asked.loads, c.asked.deaths = a.Generation, 0
	}
}

// loadsAtOnce says whether this load takes the place of one that is gone, at once. That is allowed for the first.
func (c *checker) loadsAtOnce() bool {
	switch c.event.(type) {
	case core.PreloaderExited, core.WorkerExited, core.WorkerSpawnFailed:
		return !c.restartNoted
	}
	return false
}

func (c *checker) setsTimer(a core.SetTimer) {
	if a.After < 0 {
		c.fail("a timer in the past: %+v", a)
	}
	c.timers[a.Timer]++
	switch a.Timer.Kind {
	case core.TimerSlot:
		s := &c.slots[a.Timer.Key.Slot]
		s.wait, s.timer, s.anyTime = c.now+a.After, a.Timer, false
		s.backoff = s.backoff || !s.vacant && s.accepting() == nil && s.comingUp() == nil
	case core.TimerReload:
		c.reloadAt = c.now + a.After
	case core.TimerRefork:
		c.reforkAt[c.eventGeneration()] = c.now + a.After
	case core.TimerSpare:
		c.spare.wait, c.spare.timer = c.now+a.After, a.Timer
	case core.TimerSeed:
		c.seeds(a.Timer.Key.Origin(), a.After)
	}
}

func (c *checker) announcesServed(a core.AnnounceServed) {
	c.asked.served = a.Generation
	if a.Seeds != (c.policy.Seeds > 0 && c.policy.Seeds < c.filled() && len(c.policy.Refork.After) > 0 && !c.direct()) {
		c.fail("the slots are served, with seeds: %v", a.Seeds)
	}
	for i := range c.slots {
		switch w := c.slots[i].accepting(); {
		case c.slots[i].parked:
		case w != nil && w.key.Generation == a.Generation:
		case w != nil || !c.isLent(i, a.Generation):
			c.fail("generation %d is said to serve all slots, and does not serve slot %d", a.Generation, i)
		}
	}
}

func (c *checker) announces(a core.Announce) {
	for i := range c.slots {
		if w := c.slots[i].accepting(); !c.slots[i].parked && (w == nil || w.key.Generation != a.Generation) {
			c.fail("generation %d is announced, which does not serve slot %d", a.Generation, i)
		}
	}
}

// forgets: only one whose pid was never told may be given up.
func (c *checker) forgets(key ident.Key) {
	switch w := c.workers[key.Serial]; {
	case w.unstarted:
		w.unstarted = false
	case w.ended:
		c.fail("%v is forgotten, which has ended", key)
	case w.pid:
		c.fail("%v is forgotten, whose pid is known", key)
	default:
		c.forgetsSpare(w)
		c.end(w)
	}
}

func (c *checker) drains(a core.DrainWorker) {
	w := c.worker(a.Key)
	switch {
	case w == nil:
		c.fail("%v is to drain, which is not there", a.Key)
		return
	case w.told:
		c.fail("%v is to drain, which leaves already", a.Key)
	}
	c.due = append(c.due, core.Timer{Kind: core.TimerWorkerDrain, Key: a.Key})
	if w == c.spare.worker {
		c.drainsSpare(w)
		return
	}
	serves, s := w.accepting(), c.slotOf(w)
	w.told, w.toldAt, w.empties, w.stops = true, c.now, a.Backlog, c.stopping
	switch {
	case a.HandOver && c.stopping:
		c.fail("%v hands what it keeps to nobody", a.Key)
	case !a.HandOver && serves && !c.stopping:
		c.fail("%v closes the connections that it keeps, and its slot is served on", a.Key)
	}
	ready, isReady := c.event.(core.WorkerReady)
	if up := c.worker(ready.Key); up != nil {
		ready.Key = up.key // it may have been a spare when it was named
	}
	switch {
	case c.stopping:
		switch {
		case !a.Backlog && serves && !c.keepsSockets():
			c.fail("%v is to leave its queue while the launcher stops", a.Key)
		case a.Backlog && serves && c.keepsSockets():
			c.fail("%v is to empty a queue that never ends, since nobody stops connecting", a.Key)
		}
	case w.home != nil:
		c.leavesRemoved(w, serves, a.Backlog)
	case w.idle:
		w.patient = true
	case w.binding != s.binding && a.Backlog:
		w.patient = true // its socket was lost
		s.wantsWorker()
	case w.given && c.unbound(a.Key.Slot):
		w.patient = true // it did not get its socket
	case c.hasPassed(w), c.endedByVerb(w):
		w.patient = false
	case c.leavesSlot(w):
	case !serves:
		w.holds = true
		if !c.direct() {
			c.fail("%v is to drain before it serves", a.Key)
		}
	case c.takesOver(w):
		s.wantsWorker()
	case !isReady || ready.Key.Slot != a.Key.Slot || ready.Key == a.Key || s.accepting() == nil:
		c.fail("%v is to drain, and no successor is ready", a.Key)
	case ready.Key.Generation == a.Key.Generation:
		c.drained = w
		if w.early && c.preparing(w.key.Origin()) {
			c.fail("%v makes room before anything is prepared", a.Key)
		}
		w.patient, w.renewed = true, true
		if ready.Key.Origin() != a.Key.Origin() {
			w.successor = c.worker(ready.Key)
			c.paceAfter(w)
		}
	default:
		c.checkHeld(c.worker(ready.Key), w)
	}
}

func (c *checker) kills(a core.KillWorker) {
	w := c.worker(a.Key)
	if w == nil {
		c.fail("%v is to be killed, which is not there", a.Key)
		return
	}
	if c.unkilled == w {
		c.unkilled = nil
	}
	if !w.killed { // else it may have been before its pid was known
		c.checkKill(w)
	}
	if !w.told {
		w.toldAt, w.holds = c.now, !c.endedByVerb(w)
	}
	w.told, w.killed = true, true
}

// checkKill: nobody is killed without a cause.
func (c *checker) checkKill(w *checkedWorker) {
	switch e := c.event.(type) {
	case core.TimerFired:
		c.checkKillByTimer(w, e.Timer.Kind)
	case core.WorkerStuck:
		if !e.Key.Same(w.key) {
			c.fail("%v is killed for another", w.key)
		}
	case core.WorkerLocated:
		c.checkKillOfLocated(w, e.Key)
	case core.KillAsked:
		if !e.Now || !c.endedByVerb(w) {
			c.fail("%v is killed for %+v", w.key, e)
		}
	case core.StopAsked:
		if !e.Now {
			c.fail("%v is killed though the launcher was asked to stop in order", w.key)
		}
	default:
		c.fail("%v is killed after %T", w.key, c.event)
	}
}

func (c *checker) checkKillByTimer(w *checkedWorker, kind core.TimerKind) {
	switch kind {
	case core.TimerWorkerDrain:
		if w.patient && !w.said && !c.stopping {
			c.fail("%v is killed, which may take its time", w.key)
		}
		if !w.said && c.now-w.toldAt < min(c.policy.DrainTimeout, killGrace) {
			c.fail("%v is killed before its time", w.key)
		}
	case core.TimerWorkerBoot:
		if w.ready {
			c.fail("%v is killed, which is ready", w.key)
		}
	case core.TimerLimit:
		c.checkKillByLimit(w)
	case core.TimerWorkerChannel, core.TimerStop:
	default:
		c.fail("%v is killed by the timer %q", w.key, kind)
	}
}
