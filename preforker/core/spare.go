package core

import (
	"slices"
	"time"

	"launcher/preforker/ident"
)

// Spare says whether a worker without a slot is kept.
type Spare string

// None is kept, one is, or one where there is memory for it. Direct spawning has none.
const (
	SpareNone Spare = "0"
	SpareOne  Spare = "1"
	SpareAuto Spare = "auto"
)

// A spare is a worker that has no slot: it is forked and prepared but for a socket. Where a slot is to have a worker of the
// preloader that the spare was forked from, the spare is given the slot, which takes no fork. When a slot is filled, and from
// what, is decided as ever, so a spare brings no older code, and shortens no wait after early deaths. Where its preloader has died and
// there is no other, it takes an empty slot all the same. The next one is forked when nothing else is to be.

// spare is the worker without a slot, and what is known of those before.
type spare struct {
	worker  *worker       // nil: there is none
	askedAt time.Duration // when its fork was asked for
	readyAt time.Duration // 0: it is not
	asked   bool          // to make room for another one
	deaths  int           // early ones, in a row
	waits   int           // so far: the last one has the timer
	retryAt time.Duration // no fork before
}

// keepsSpare says whether there is to be a spare at all.
func (c *Core) keepsSpare() bool {
	switch {
	case c.direct():
		return false
	case c.policy.Spare == SpareAuto:
		return c.hasRoomForSpare()
	default:
		return c.policy.Spare == SpareOne
	}
}

// hasRoomForSpare says whether nine tenths of the memory hold what all processes have at most, with one worker more. Where
// there is no such bound, or not yet, nobody can tell.
func (c *Core) hasRoomForSpare() bool {
	b, limit := &c.budget, c.policy.MemoryLimit
	if !c.renews() || b.bytes == 0 || b.preloader == 0 {
		return false
	}
	return limit == 0 || b.total(len(c.slots)+1) <= limit-limit/10
}

// maxWorkers is how many workers there are at most, but for those that take the place of others.
func (c *Core) maxWorkers() int {
	if c.keepsSpare() {
		return len(c.slots) + 1
	}
	return len(c.slots)
}

// keepSpare forks the spare that is wanted, and has the one leave that is not: it is of an older preloader than empty slots
// are filled from, or there is no room for it.
func (c *Core) keepSpare() {
	w, source := c.spare.worker, c.provenSource()
	switch {
	case source == nil: // none is to be had, or to be replaced
		return
	case w == nil || w.leaving():
	case !c.keepsSpare():
		c.dropSpare(ReasonNoRoom)
	case w.key.Origin() != source.origin:
		c.dropSpare(ReasonOldSpare)
	}
	if c.spare.worker == nil && c.mayForkSpare(source) {
		c.forkSpare(source)
	}
}

// dropSpare has the spare leave. One that is not forked yet is not waited for: its preloader may never do that.
func (c *Core) dropSpare(reason Reason) {
	w := c.spare.worker
	if w.pid == 0 {
		c.do(ForgetWorker{w.key, true})
		c.moveWorker(w, ExitedWorker)
		c.spare.worker = nil
		return
	}
	c.spare.asked = true
	c.drain(w, reason, false)
}

// mayForkSpare says whether nothing else is to be forked, loaded or reforked now, so that a spare may be. Seeds that can keep up
// serve for as long as that is so.
func (c *Core) mayForkSpare(source *preloader) bool {
	if !c.keepsSpare() || c.phase != PhaseRunning || c.now < c.spare.retryAt || !source.proven || source != c.newestSource() {
		return false
	}
	growing := c.seeding()
	if growing != nil && growing.seedUntil != untilDemand {
		return false
	}
	if source.preparing || c.count(SpawningWorker)+c.count(BootingWorker) > 0 || slices.ContainsFunc(c.preloaders, (*preloader).loads) {
		return false
	}
	return !slices.ContainsFunc(c.slots, func(s *slot) bool {
		return s.state == VacantSlot && (growing == nil || !c.isLentBy(growing.origin, s))
	})
}

func (c *Core) forkSpare(source *preloader) {
	c.serial++
	w := &worker{key: ident.Key{Slot: ident.NoSlot, Generation: source.origin.Generation, Refork: source.origin.Refork, Serial: c.serial},
		since: c.now, loaded: true}
	c.spare.worker, c.spare.askedAt, c.spare.readyAt, c.spare.asked = w, c.now, 0, false
	c.do(SpawnSpare{w.key})
	c.do(SetTimer{Timer{TimerWorkerBoot, w.key}, c.policy.BootTimeout})
}

// giveSpare has the spare take a slot that is to have a worker of this preloader, and says whether there was one.
func (c *Core) giveSpare(s *slot, source ident.Origin) bool {
	w := c.spare.worker
	if w == nil || w.state != SpareWorker || w.key.Origin() != source {
		return false
	}
	c.spare.worker, c.spare.deaths = nil, 0
	before := w.key
	w.key.Slot, w.binding, w.given = s.number, s.binding, true
	s.newest = c.serial
	s.workers = append(s.workers, w)
	if s.state != OccupiedSlot {
		c.moveSlot(s, OccupiedSlot)
	}
	c.moveWorker(w, BootingWorker)
	c.do(AssignSpare{Spare: before, Key: w.key})
	c.do(SetTimer{Timer{TimerWorkerBoot, w.key}, c.policy.BootTimeout})
	return true
}

// fillFromSpare gives the spare an empty slot where nobody can fork: the preloader that it comes from has died, and the next one
// has yet to load. It brings no older code beside newer.
func (c *Core) fillFromSpare() {
	w := c.spare.worker
	if w == nil || w.state != SpareWorker || c.phase != PhaseRunning || slices.ContainsFunc(c.slots, func(s *slot) bool {
		serving := s.serving()
		return serving != nil && serving.key.Generation > w.key.Generation
	}) {
		return
	}
	if i := slices.IndexFunc(c.slots, func(s *slot) bool { return s.state == VacantSlot }); i >= 0 {
		c.openSlot(c.slots[i])
		c.giveSpare(c.slots[i], w.key.Origin())
	}
}

// spareReady notes that the spare is prepared.
func (c *Core) spareReady(w *worker) {
	took := c.now - w.since
	w.forkTook = c.now - c.spare.askedAt
	c.moveWorker(w, SpareWorker)
	c.spare.readyAt = c.now
	c.watch(w)
	c.do(SpareReady{Worker: w.name(), After: took})
	c.fill()
}

// spareLeaving takes note that the spare has got a signal to leave, or failed.
func (c *Core) spareLeaving(w *worker) {
	if w.state == SpareWorker {
		c.leavesUnasked(w)
	}
}

// givenLeaving replaces a worker that was a spare, and leaves as it is given its slot: it will never serve that, and its exit
// handlers may take their time. To the slot it is an early death.
func (c *Core) givenLeaving(s *slot, w *worker) {
	c.leavesUnasked(w)
	c.retrySlotLater(s, slotBackoff.max)
	c.fill()
}

// spareExited tells of the spare's end.
func (c *Core) spareExited(w *worker, e WorkerExited) {
	if w.leaving() && !w.reason.failure() {
		c.do(WorkerLeft{Worker: w.name(), Reason: w.reason, Exit: e.Exit, Private: w.private})
		c.removeSpare(w, false)
		return
	}
	c.do(WorkerDied{Worker: w.name(), Reason: deathReason(w, e), Exit: e.Exit, Failed: e.Failed})
	c.removeSpare(w, true)
}

// removeSpare forgets a spare that is gone. The next one waits longer and longer where they fail one after the other without
// having been there for a while.
func (c *Core) removeSpare(gone *worker, failed bool) {
	if gone.state != ExitedWorker {
		c.moveWorker(gone, ExitedWorker)
	}
	c.spare.worker = nil
	if c.phase == PhaseStopping {
		c.finishWhenDone()
		return
	}
	if failed && !c.spare.asked { // else however it has left is no sign for the next one
		c.retrySpareLater()
	}
	c.fill()
}

func (c *Core) retrySpareLater() {
	if c.spare.readyAt != 0 && c.now-c.spare.readyAt >= soundAfter {
		c.spare.deaths = 0
		return
	}
	c.spare.deaths++
	wait := slotBackoff.delay(c.spare.deaths, c.random())
	if wait == 0 {
		return
	}
	c.spare.waits++
	c.spare.retryAt = c.now + wait
	c.do(SpareWaits{Deaths: c.spare.deaths, Wait: wait})
	c.do(SetTimer{Timer{TimerSpare, ident.Key{Serial: c.spare.waits}}, wait})
}

// spareRetry forks the spare that has waited.
func (c *Core) spareRetry(wait int) {
	if c.phase == PhaseRunning && wait == c.spare.waits {
		c.fill()
	}
}

// all are the workers of all slots, and the spare.
func (c *Core) all() (workers []*worker) {
	for _, s := range slices.Concat(c.slots, c.removed) {
		workers = append(workers, s.workers...)
	}
	if w := c.spare.worker; w != nil {
		workers = append(workers, w)
	}
	return workers
}
