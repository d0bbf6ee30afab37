package sim

import (
	"slices"

	"launcher/preforker/core"
	"launcher/preforker/ident"
)

// takes notes what an event tells, and says whether it is about one that is gone: then nothing may follow from it.
func (c *checker) takes(e core.Event) (late bool) {
	if key, is := workerOf(e); is {
		w := c.worker(key)
		if w == nil {
			if _, exits := e.(core.WorkerExited); exits {
				c.impossible("worker %v has ended twice, or was never there", key)
			}
			return true
		}
		c.takesOfWorker(w, e)
		return false
	}
	if origin, is := preloaderOf(e); is {
		p := c.preloader(origin)
		if p == nil {
			if _, exits := e.(core.PreloaderExited); exits {
				c.impossible("preloader %v has ended twice, or was never there", origin)
			}
			return true
		}
		c.takesOfPreloader(p, e)
		return false
	}
	switch e := e.(type) {
	case core.WorkerAnsweredFirst:
		p := c.preloader(e.Key.Origin())
		if p == nil {
			return true
		}
		p.proven = p.proven || e.Status != 0 && e.Status < 500 || c.alone(p)
	case core.WorkersMeasured:
		for _, m := range e.Workers {
			c.measuredBeyond(m)
			if w := c.worker(m.Key); w != nil && w.accepting() {
				c.takesAnswers(w, m.Errors, m.Sound)
			}
			if w := c.worker(m.Key); w != nil && w.accepting() {
				if m.Served > w.served || m.Busy || w.busy {
					w.used = c.now
				}
				w.private, w.served, w.busy = m.Private, m.Served, m.Busy
				if m.Runnable > 0 {
					w.ran, w.ranAt = m.Runnable, c.now
				}
			}
		}
		c.presses()
	case core.SlotNotBound:
		if e.Slot >= len(c.slots) {
			break
		}
		c.slots[e.Slot].open, c.slots[e.Slot].parked = false, false
		c.slots[e.Slot].socket++
		c.slots[e.Slot].vacant = false // if it waits now, nobody is to serve it meanwhile
	case core.SocketsLost:
		for _, slot := range e.Slots {
			if slot < len(c.slots) {
				c.changed(&c.slots[slot])
			}
		}
	case core.ConnectionWaits:
		if e.Slot < len(c.slots) && !c.stopping {
			c.slots[e.Slot].parked = false
		}
	case core.TimerFired:
		return c.takesTimer(e.Timer)
	case core.KillAsked:
		c.takesVerb(e)
	default:
		c.takesWish(e)
	}
	return false
}

// workerOf is the worker that an event is about, where a worker that is gone makes it one about nobody.
func workerOf(e core.Event) (ident.Key, bool) {
	switch e := e.(type) {
	case core.WorkerSpawned:
		return e.Key, true
	case core.WorkerHello:
		return e.Key, true
	case core.WorkerLoaded:
		return e.Key, true
	case core.WorkerReady:
		return e.Key, true
	case core.WorkerLeaving:
		return e.Key, true
	case core.WorkerChannelClosed:
		return e.Key, true
	case core.WorkerStuck:
		return e.Key, true
	case core.WorkerStopped:
		return e.Key, true
	case core.WorkerExited:
		return e.Key, true
	case core.RequestOverdue:
		return e.Key, true
	case core.WorkerLocated:
		return e.Key, true
	case core.WorkerRecycles:
		return e.Key, true
	case core.WorkerSpawnFailed:
		return e.Key, true
	}
	return ident.Key{}, false
}

func preloaderOf(e core.Event) (ident.Origin, bool) {
	switch e := e.(type) {
	case core.PreloaderHello:
		return e.Origin, true
	case core.PreloaderLoaded:
		return e.Origin, true
	case core.PreloaderPrepared:
		return e.Origin, true
	case core.PreloaderChannelClosed:
		return e.Origin, true
	case core.PreloaderStopped:
		return e.Origin, true
	case core.PreloaderExited:
		return e.Origin, true
	case core.WorkerReforked:
		return e.Origin, true
	case core.WorkerNotReforked:
		return e.Origin, true
	}
	return ident.Origin{}, false
}

// eventGeneration is the generation that the event of this step is about, or 0.
func (c *checker) eventGeneration() int {
	if key, is := workerOf(c.event); is {
		return key.Generation
	}
	if origin, is := preloaderOf(c.event); is {
		return origin.Generation
	}
	switch e := c.event.(type) {
	case core.WorkerAnsweredFirst:
		return e.Key.Generation
	case core.TimerFired:
		return e.Timer.Key.Generation
	}
	return 0
}

func (c *checker) takesOfWorker(w *checkedWorker, e core.Event) {
	if w == c.spare.worker {
		c.takesOfSpare(w, e)
		return
	}
	s := c.slotOf(w)
	switch e := e.(type) {
	case core.WorkerSpawned, core.WorkerHello:
		c.hasPid(w)
	case core.WorkerLoaded:
		w.loaded = true
	case core.WorkerReady:
		c.hasPid(w)
		if w.told || w.ready {
			return
		}
		w.ready, w.since = true, c.now
		if w.probe == core.ProbeRelease && !c.trialOf(w).held {
			c.trialOf(w).probes = 0
		}
		switch p := c.preloader(w.key.Origin()); {
		case p == nil:
		case p.origin.Refork == 0:
			p.proven = true
		case w.probe == core.ProbeRefork && !p.proven && !p.maybe:
			c.due = append(c.due, core.Timer{Kind: core.TimerProof, Key: w.key})
		}
	case core.WorkerLeaving:
		w.said = true
		if w.accepting() && (e.Served > 0 || c.now-w.since >= soundAfter) {
			w.told, w.toldAt = true, c.now
			s.wantsWorker()
		}
		if w.given && w.comingUp() { // it was told to leave as it got its slot
			w.told, w.toldAt, w.holds = true, c.now, false
		}
		c.changed(s)
	case core.WorkerExited:
		c.takesAnswers(w, e.Errors, e.Sound)
		if w.key.Generation == c.asked.loads && e.Served == 0 && e.Request == "" {
			c.asked.deaths++
		}
		if w.accepting() || w.limit != 0 && e.Request != "" {
			c.trialOf(w).deaths++
		}
		if e.Failed != nil && e.Failed.Stage == core.StageProbe {
			switch w.probe {
			case core.ProbeNone:
				c.impossible("%v fails a probe that was not asked for", w.key)
			case core.ProbeRelease:
				c.trialOf(w).probes++
			}
		}
		if !w.killed {
			c.paceAfter(w)
		}
		c.end(w)
		if e.Served > 0 || e.Request != "" || w.limitRequest != "" {
			c.takesService(s, w)
		}
		c.loadFailures++ // with direct spawning it may end its generation
	case core.RequestOverdue:
		if !e.Slow {
			c.passesLimit(w, e.Request, limitGrace)
		}
	case core.WorkerRecycles:
		c.recycling = c.recycling || w.accepting() && !c.stopping
	case core.WorkerSpawnFailed:
		c.end(w)
		w.unstarted, c.unstarted = true, w
		c.loadFailures++
	}
}

// hasPid: one that was to be killed before its pid was known has to be killed now.
func (c *checker) hasPid(w *checkedWorker) {
	if w.killed && !w.pid && !c.direct() {
		c.unkilled = w
	}
	w.pid = true
}

// end notes the end of a worker, by whatever cause.
func (c *checker) end(w *checkedWorker) {
	w.ended = true
	if w == c.spare.worker {
		c.spareEnds()
		return
	}
	s := c.slotOf(w)
	s.workers = slices.DeleteFunc(s.workers, func(other *checkedWorker) bool { return other == w })
	if !w.told || w.killed {
		if s.died == nil {
			s.died = map[int]bool{}
		}
		s.died[w.key.Generation] = true
	}
	s.wantsWorker()
	if p := c.preloader(w.key.Origin()); p != nil && p.origin.Refork > 0 && c.alone(p) {
		p.maybe = true
	}
	c.changed(s)
}

// changed ends what was waited for: what happens in the slot decides anew.
func (c *checker) changed(s *checkedSlot) {
	if !s.backoff {
		s.wait = 0
	}
	for i := range c.slots {
		if c.slots[i].accepting() != nil {
			return
		}
	}
	c.reloadAt = 0 // nobody is served: the next load may be hastened
}

func (c *checker) takesOfPreloader(p *checkedPreloader, e core.Event) {
	switch e := e.(type) {
	case core.PreloaderLoaded:
		if !p.told {
			p.loaded, p.since, c.booted = true, c.now, true
		}
	case core.PreloaderPrepared:
		if !p.told {
			p.early, p.prepared = false, e.Seconds
		}
	case core.PreloaderExited:
		c.loadFailures++
		c.unprepared = c.unprepared || p.early && p.loaded && !p.told
		if p.loaded && !p.told && c.now-p.since > soundAfter {
			c.reloaded = 0 // it had nothing to do with the loads before
		}
		c.preloaders = slices.DeleteFunc(c.preloaders, func(other *checkedPreloader) bool { return other == p })
	case core.WorkerNotReforked:
		if w := c.worker(p.source); w != nil && !p.told && slices.ContainsFunc(e.Why.Findings, core.Finding.Declared) {
			w.unfit = true
		}
	}
}

func (c *checker) takesWish(e core.Event) {
	switch e := e.(type) {
	case core.StopAsked:
		c.held = c.held && !e.Now
		c.takesStop()
	case core.SuccessorComes:
		c.succeeded = c.succeeded || !c.stopping
	case core.FrontStopAsked:
		c.held, c.fronted = c.held || !c.stopping, c.fronted || !c.stopping
		c.takesStop()
	case core.FrontStopped:
		c.held, c.fronted = false, false
	case core.MemoryAvailable:
		c.available = e.Bytes
	case core.RestartAsked:
		c.reloadAt, c.unprepared = 0, false
		if !c.stopping {
			c.loadFailures, c.reloaded = 0, 0
			c.forgetsCrashes()
		}
	}
}

// takesTimer says whether nobody is there any more who could wait for a timer.
func (c *checker) takesTimer(t core.Timer) bool {
	if c.timers[t]--; c.timers[t] < 0 {
		c.impossible("a timer fires that was not set: %+v", t)
	}
	switch t.Kind {
	case core.TimerWorkerBoot:
		w := c.worker(t.Key)
		return w == nil || !w.comingUp() || w.key != t.Key || w.prepared
	case core.TimerWorkerDrain, core.TimerWorkerChannel, core.TimerLimit, core.TimerLocate, core.TimerBacktrace, core.TimerAge:
		return c.worker(t.Key) == nil
	case core.TimerProof:
		return c.takesProof(t.Key)
	case core.TimerPreloaderBoot:
		p := c.preloader(t.Key.Origin())
		return !c.direct() && (p == nil || p.loaded && (!p.early || p.told))
	case core.TimerPriority:
		p := c.preloader(t.Key.Origin())
		return p == nil || !p.low
	case core.TimerPreloaderKill, core.TimerPreloaderChannel:
		return c.preloader(t.Key.Origin()) == nil
	case core.TimerReload:
		return t.Key.Generation != c.generation || c.stopping
	case core.TimerSlot:
		if t.Key.Slot < len(c.slots) && c.slots[t.Key.Slot].timer == t {
			c.slots[t.Key.Slot].wait, c.slots[t.Key.Slot].backoff = 0, false
		}
		return c.stopping
	case core.TimerRefork, core.TimerPace, core.TimerIdle:
		return c.stopping
	case core.TimerSound:
		return t.Key.Serial == 0 || c.stopping || c.worker(t.Key) == nil
	case core.TimerSpare:
		if c.spare.timer == t {
			c.spare.wait = 0
		}
		return c.stopping
	case core.TimerSeed:
		p := c.preloader(t.Key.Origin())
		return p == nil || !p.seeding
	}
	return !c.stopping // the timer of the stop itself
}

// takesProof takes the probe of a worker for the first response of its refork, unless a visitor's request is in hand.
func (c *checker) takesProof(key ident.Key) bool {
	w, p := c.worker(key), c.preloader(key.Origin())
	if w == nil || !w.accepting() || p == nil {
		return true
	}
	p.proven = p.proven || !w.busy && !w.said && !p.told
	return false
}
