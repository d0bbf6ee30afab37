package sim

import (
	"slices"
	"time"

	"launcher/preforker/core"
	"launcher/preforker/ident"
)

// checkedSpare is the worker without a slot, and what is known of those before.
type checkedSpare struct {
	worker *checkedWorker // nil: there is none
	wait   time.Duration  // no fork before
	timer  core.Timer     // that ends the wait
	deaths int            // others in a row
	bound  core.MemoryBound
}

// spawnsSpare: one at a time, of what empty slots are filled from, when nothing else is to be done, and where it may be.
func (c *checker) spawnsSpare(key ident.Key) {
	c.onlyWhileItRuns(core.SpawnSpare{})
	w := &checkedWorker{key: key}
	c.numbers(w)
	proven, newest := c.sources()
	switch p := c.preloader(key.Origin()); {
	case key.Slot != ident.NoSlot:
		c.fail("the spare %v has a slot", key)
	case c.direct() || c.policy.Spare != core.SpareOne && c.policy.Spare != core.SpareAuto:
		c.fail("a spare, and none is wanted")
	case c.spare.worker != nil:
		c.fail("a second spare beside %v", c.spare.worker.key)
	case p == nil || !p.loaded || p.told || p != newest || (p != proven || !p.proven) && !p.maybe:
		c.fail("a spare of %v, which is not the newest that is proven", key.Origin())
	case c.seeding() != nil && c.now < c.seeding().until:
		c.fail("a spare while generation %d grows", newest.origin.Generation)
	case c.onTheirWay() > 0:
		c.fail("a spare while workers are on their way")
	case c.now < c.spare.wait:
		c.fail("a spare %v before its wait is over", c.spare.wait-c.now)
	case c.policy.Spare == core.SpareAuto && !c.hasRoom():
		c.fail("a spare, for which there is no memory")
	}
	for _, p := range c.preloaders {
		if !p.loaded && !p.told {
			c.fail("a spare while %v is on its way", p.origin)
		}
	}
	for i := range c.slots {
		if c.slots[i].vacant && c.slots[i].accepting() == nil && c.slots[i].comingUp() == nil && c.slots[i].wait == 0 &&
			!(c.seeding() != nil && c.isLent(i, c.seeding().origin.Generation)) {
			c.fail("a spare while slot %d has no worker", i)
		}
	}
	c.due = append(c.due, core.Timer{Kind: core.TimerWorkerBoot, Key: key})
	c.spare.worker, c.spare.wait = w, 0
}

// hasRoom says whether the memory holds one worker more, as far as its bound was told: it is told in whole megabytes.
func (c *checker) hasRoom() bool {
	b, limit := c.spare.bound, c.policy.MemoryLimit
	if b.Total == 0 {
		return false
	}
	return limit == 0 || b.Preloader+b.Launcher+uint64(len(c.slots)+1)*b.Each <= limit-limit/10+uint64(len(c.slots)+3)*megabyte
}

// assigns: a spare that is prepared takes a slot as a worker would that is forked for it now.
func (c *checker) assigns(a core.AssignSpare) {
	c.onlyWhileItRuns(a)
	w := c.spare.worker
	switch {
	case w == nil || w.key != a.Spare || !a.Spare.Same(a.Key) || a.Key.Slot == ident.NoSlot:
		c.fail("%v becomes %v, and is no spare", a.Spare, a.Key)
		return
	case !w.prepared || w.told || w.killed:
		c.fail("%v gets a slot, and is not prepared", a.Spare)
	}
	c.spare.worker, c.spare.deaths = nil, 0
	w.key, w.prepared, w.given = a.Key, false, true
	c.takesSlot(w)
}

func (c *checker) takesOfSpare(w *checkedWorker, e core.Event) {
	switch e.(type) {
	case core.WorkerSpawned:
		c.hasPid(w)
	case core.WorkerReady:
		c.hasPid(w)
		if w.told || w.prepared {
			return
		}
		w.prepared, w.since = true, c.now
	case core.WorkerLeaving:
		w.told, w.said, w.toldAt = true, true, c.now
	case core.WorkerExited:
		c.end(w)
	case core.WorkerSpawnFailed:
		c.end(w)
		w.unstarted, c.unstarted = true, w
	}
}

// spareEnds: one that was not to leave, and had not been there for a while, has the next one wait from the second on.
func (c *checker) spareEnds() {
	w := c.spare.worker
	c.spare.worker = nil
	switch {
	case w.renewed || c.isLost(w):
	case w.prepared && c.now-w.since >= soundAfter:
		c.spare.deaths = 0
	default:
		if c.spare.deaths++; c.spare.deaths > 1 {
			c.spare.wait = c.now + 1 // a timer says when
		}
	}
}

// isLost says whether a worker is given up whose preloader has died.
func (c *checker) isLost(w *checkedWorker) bool {
	_, exited := c.event.(core.PreloaderExited)
	_, closed := c.event.(core.PreloaderChannelClosed)
	return (exited || closed) && !w.pid
}

// drainsSpare: it leaves for a newer one, or where there is no room.
func (c *checker) drainsSpare(w *checkedWorker) {
	w.told, w.toldAt, w.renewed = true, c.now, true
	proven, _ := c.sources()
	if !c.stopping && (proven == nil || proven.origin == w.key.Origin()) && c.policy.Spare != core.SpareAuto && !c.short {
		c.fail("the spare %v is to leave, and is of the newest code", w.key)
	}
}

// forgetsSpare: one that is not forked yet is given up where one that is there would leave; or because its preloader has died, or has not
// forked it.
func (c *checker) forgetsSpare(w *checkedWorker) {
	if w == c.spare.worker && !w.told && !c.isLost(w) {
		c.drainsSpare(w)
	}
}

// spareIsNewest says whether no slot is served with newer code than a spare has, or is about to be.
func (c *checker) spareIsNewest(spare *checkedWorker) bool {
	for i := range c.slots {
		if slices.ContainsFunc(c.slots[i].workers, func(w *checkedWorker) bool {
			return (w.accepting() || w.comingUp()) && w.key.Generation > spare.key.Generation
		}) {
			return false
		}
	}
	return true
}

// checkUnusedSpare: no slot is empty while there is a spare, and nobody can fork.
func (c *checker) checkUnusedSpare() {
	if w := c.spare.worker; w == nil || !w.prepared || w.told || !c.spareIsNewest(w) {
		return
	}
	if slices.ContainsFunc(c.workers[1:], func(w *checkedWorker) bool { return w.killed && !w.ended }) {
		return // its end is an event soon
	}
	for i := range c.slots {
		if s := &c.slots[i]; s.accepting() == nil && s.comingUp() == nil && !s.held() && !s.parked && s.wait == 0 {
			c.fail("slot %d has no worker, nobody can fork, and the spare is not given to it", i)
		}
	}
}

// unbound says whether the socket of a slot could not be bound in this step.
func (c *checker) unbound(slot int) bool {
	e, is := c.event.(core.SlotNotBound)
	return is && e.Slot == slot
}

// checkSpare are the invariants of the spare after each step: it serves nothing, is of what slots are filled from, and is told
// to leave when the others are.
func (c *checker) checkSpare() {
	w := c.spare.worker
	if w == nil || w.told {
		return
	}
	proven, newest := c.sources()
	switch {
	case c.stopping:
		c.fail("the spare %v was not told that the launcher stops", w.key)
	case w.ready || len(w.borrowed) > 0:
		c.fail("the spare %v serves", w.key)
	case proven != nil && proven.proven && w.key.Origin() != proven.origin && !(newest.maybe && w.key.Origin() == newest.origin):
		c.fail("the spare %v stays, and slots are filled from %v", w.key, proven.origin)
	}
}

// unrestOfSpare says what is not as it should be, or "".
func (w *world) unrestOfSpare(newest ident.Origin) string {
	c := w.check
	s := c.spare.worker
	switch {
	case s == nil && c.policy.Spare == core.SpareOne && !c.direct() && !w.poison() && c.seeding() == nil:
		return "there is no spare"
	case s == nil:
		return ""
	case !s.prepared || s.told || s.key.Origin() != newest:
		return "the spare is not what it should be"
	}
	if p := w.workers[s.key]; p == nil || !p.alive {
		return "the spare is gone"
	}
	return ""
}
