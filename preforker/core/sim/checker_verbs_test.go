package sim

import (
	"slices"

	"launcher/preforker/core"
	"launcher/preforker/ident"
)

// checkedVerbs is what operators have asked for.
type checkedVerbs struct {
	target *checkedWorker // that the kill of this step ends
	told   int            // replies to this step's verb
	refork ident.Origin   // that was asked for and has not ended; none: none has
}

// takesVerb notes what is asked for.
func (c *checker) takesVerb(e core.Event) {
	asked, is := e.(core.KillAsked)
	if !is || c.stopping {
		return
	}
	w := c.toEnd(asked.Slot)
	switch {
	case w == nil || w.told && !asked.Now || w.killed:
		return
	case !w.ready && !w.told && (!asked.Now || !w.pid || c.direct()): // who loads the first of its generation is not ended
		return
	}
	c.verbs.target = w
	if w.home == nil {
		c.slots[asked.Slot].wantsWorker()
	}
}

// toEnd is the worker of a slot that a kill is for: who leaves, else who serves, else who comes up; or nil.
func (c *checker) toEnd(slot int) *checkedWorker {
	var workers []*checkedWorker
	if slot >= 0 && slot < len(c.slots) {
		workers = c.slots[slot].workers
	} else {
		for _, s := range c.removed {
			for _, w := range s.workers {
				if w.key.Slot == slot && workers == nil {
					workers = s.workers
				}
			}
		}
	}
	for _, fits := range []func(*checkedWorker) bool{
		func(w *checkedWorker) bool { return w.told }, (*checkedWorker).accepting, (*checkedWorker).comingUp} {
		if i := slices.IndexFunc(workers, fits); i >= 0 {
			return workers[i]
		}
	}
	return nil
}

// verb takes a fact about what was asked for, and says whether it is one.
func (c *checker) verb(a core.Action) bool {
	v := &c.verbs
	asked, kill := c.event.(core.KillAsked)
	switch a := a.(type) {
	case core.KillBegan:
		v.told++
		if w := c.worker(a.Worker.Key); v.target == nil && w != nil && c.direct() && w.comingUp() && w.pid {
			v.target = w
		}
		if !kill || v.target == nil || !a.Worker.Key.Same(v.target.key) || a.Now != asked.Now {
			c.fail("%v is to end, and was not asked for: %+v", a.Worker.Key, c.event)
		}
	case core.KillNoted:
		v.told++
		if w := c.worker(a.Worker.Key); !kill || w == nil || !w.told || w.killed != a.Killed {
			c.fail("%v is said to leave already", a.Worker.Key)
		}
	case core.KillRefused:
		v.told++
		if kill && v.target != nil && v.target.ready {
			c.fail("%v is not ended, which serves: %s", v.target.key, a.Why)
		}
	case core.KillFollowed:
		c.follows(a)
	case core.BacktraceBegan:
		for _, w := range a.Workers {
			if known := c.worker(w.Key); known == nil || !known.ready && !known.told || w.Key.Slot != a.Slot {
				c.fail("%v is asked where it is, and is not of slot %d", w.Key, a.Slot)
			}
		}
	case core.BacktraceTold:
		if told, is := c.event.(core.WorkerLocated); !is || !told.Key.Same(a.Worker.Key) {
			c.fail("%v has said where it is in %T", a.Worker.Key, c.event)
		}
	case core.BacktraceMissing:
		if fired, is := c.event.(core.TimerFired); !is || fired.Timer.Kind != core.TimerBacktrace {
			c.fail("%v has not said where it is, after %T", a.Worker.Key, c.event)
		}
	case core.ReforkNowBegan:
		if _, is := c.event.(core.ReforkNowAsked); !is || v.refork != (ident.Origin{}) {
			c.fail("the refork %v begins beside %v", a.Origin, v.refork)
		}
		v.refork = a.Origin
	case core.ReforkNowEnded:
		c.endsRefork(a)
	default:
		return false
	}
	return true
}

// follows: what is said of the slot is so.
func (c *checker) follows(a core.KillFollowed) {
	if a.Slot < 0 || a.Slot >= len(c.slots) {
		if a.Next != core.NextNone {
			c.fail("slot %d is none, and is said to have %s", a.Slot, a.Next)
		}
		return
	}
	s := &c.slots[a.Slot]
	right := false
	switch a.Next {
	case core.NextServes:
		right = s.accepting() != nil
	case core.NextComes:
		right = s.comingUp() != nil && s.accepting() == nil
	case core.NextParked:
		right = s.parked
	case core.NextLent, core.NextLater:
		right = s.accepting() == nil && s.comingUp() == nil && !s.parked
	}
	if !right {
		c.fail("slot %d is said to have next: %s", a.Slot, a.Next)
	}
}

func (c *checker) endsRefork(a core.ReforkNowEnded) {
	v := &c.verbs
	p := c.preloader(a.Origin)
	switch {
	case a.Origin != v.refork:
		c.fail("the refork %v ends, and %v was asked for", a.Origin, v.refork)
	case a.End == core.ReforkDone && (p == nil || !p.completed):
		c.fail("the refork %v is said to have taken all slots", a.Origin)
	case a.End == core.ReforkStopped && !c.stopping:
		c.fail("the refork %v ends with a stop", a.Origin)
	case a.End != core.ReforkDone && !c.stopping && p != nil && !p.told:
		c.fail("the refork %v is said to be %s, and is there", a.Origin, a.End)
	}
	v.refork = ident.Origin{}
}

// checkVerbs: whoever asks for the end of a worker has one reply, and that worker is told to leave; a refork that was asked for ends when
// its preloader does.
func (c *checker) checkVerbs() {
	v := &c.verbs
	if asked, is := c.event.(core.KillAsked); is {
		switch {
		case v.told != 1:
			c.fail("%+v has %d replies", asked, v.told)
		case v.target != nil && (!v.target.told || asked.Now && !v.target.killed):
			c.fail("%v was to end, and was not told", v.target.key)
		}
	}
	v.target, v.told = nil, 0
	if p := c.preloader(v.refork); v.refork != (ident.Origin{}) && (p == nil || p.completed || c.stopping) {
		c.fail("the refork %v has not ended", v.refork)
	}
}

// endedByVerb says whether a worker ends because somebody asks for it in this step.
func (c *checker) endedByVerb(w *checkedWorker) bool { return w != nil && c.verbs.target == w }
