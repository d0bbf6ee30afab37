package core

import (
	"slices"

	"launcher/preforker/ident"
)

// What keeps memory shared is prepared in the preloader once the application is loaded, and takes up to as long as the load.
// Where nobody serves, a few workers are forked before, the early ones: they answer meanwhile, for all slots. The preparation
// goes on beside them, and they make room for forks of what it has made.

// Preparing is when a preloader prepares what keeps memory shared.
type Preparing string

// When it does so: before it tells that it has loaded, after that and beside its first workers, or not at all.
const (
	PrepareFirst  Preparing = "first"
	PrepareBeside Preparing = "beside"
	PrepareNot    Preparing = "not"
)

// preparing decides about a load that begins. While another generation serves nobody waits for the first answer of this one.
func (c *Core) preparing() Preparing {
	switch {
	case c.unprepared:
		return PrepareNot
	case c.policy.Early > 0 && c.count(ReadyWorker) == 0 && len(c.preloaders) == 1:
		return PrepareBeside
	default:
		return PrepareFirst
	}
}

// loadedEarly has the early workers forked, and then the preparation begin.
func (c *Core) loadedEarly(p *preloader) {
	p.forked = c.now
	c.loadAgain()
	c.fill()
	c.do(PreparePreloader{p.origin})
}

// preloaderPrepared has all slots filled from what is prepared.
func (c *Core) preloaderPrepared(e PreloaderPrepared) {
	p := c.preloader(e.Origin)
	if p == nil || !p.preparing || p.state != ReadyPreloader {
		return
	}
	p.preparing, p.prepared = false, e.Seconds
	c.do(MemoryPrepared{Origin: p.origin, Seconds: e.Seconds})
	c.findings(p, e.Findings)
	c.beginSeeding(p)
	p.forked = c.now
	c.fill()
}

// preparationTimeout kills a preloader that does not come to an end. Its workers serve on, and what is loaded next goes without.
func (c *Core) preparationTimeout(p *preloader) {
	c.do(PreparationTimedOut{Origin: p.origin, Timeout: c.policy.BootTimeout})
	c.preloaderKill(p.origin)
}

// outgrown says whether an early worker is to make room.
func (c *Core) outgrown(w *worker) bool {
	p := c.preloader(w.key.Origin())
	return w.early && (p == nil || !p.preparing)
}

// earlyLeave says whether an early worker may still take connections, or finishes its last request.
func (c *Core) earlyLeave() bool {
	return slices.ContainsFunc(c.slots, func(s *slot) bool {
		return slices.ContainsFunc(s.workers, func(w *worker) bool { return w.early && c.now-w.since < c.policy.DrainTimeout })
	})
}

// waitsForEarly says whether an empty slot is not to be filled from source yet: its seeds take the place of early workers first,
// and these have most of what there is of memory until they are gone.
func (c *Core) waitsForEarly(source *preloader) bool {
	if source != c.seeding() {
		return false
	}
	return slices.ContainsFunc(c.slots, func(s *slot) bool {
		return slices.ContainsFunc(s.workers, func(w *worker) bool {
			switch {
			case w.leaving():
				return w.key.Origin() == source.origin && w.reason == ReasonPrepared && c.now-w.since < leaverTime && c.readySeeds(source) > 0
			case w == s.serving():
				return c.outgrown(w) && c.canRoll(s, source)
			default: // a seed is on its way that takes its place
				return c.outgrown(w)
			}
		})
	})
}

// lender is the preloader whose workers serve the sockets of slots that nobody serves, and whether there is one. It may be gone
// itself, when one that was reforked from its workers fills the slots, or while workers are to be had of none.
func (c *Core) lender() (ident.Origin, bool) {
	source, growing := c.newestSource(), c.seeding()
	switch {
	case source == nil:
		return c.lastLender()
	case source.preparing:
		return source.origin, true
	case growing != nil:
		return growing.origin, true
	case c.now < source.lendUntil && c.announced != source.origin:
		return source.seededBy, true
	}
	return ident.Origin{}, false
}

// lastLender is the newest one whose workers were lent sockets, and have them still. Where none have any, all that serve are asked:
// who waits at a slot that has lost its worker, or was parked, is not to wait for a load, which may fail.
func (c *Core) lastLender() (origin ident.Origin, lends bool) {
	if origin, lends = c.newestReady(func(w *worker) bool { return w.lent }); lends {
		return origin, true
	}
	if origin, lends = c.newestReady(func(w *worker) bool { return !c.onHold(w.key.Generation) }); lends {
		return origin, true
	}
	return c.newestReady(func(*worker) bool { return true })
}

// newestReady is the newest preloader of which such a worker is ready, and whether there is one.
func (c *Core) newestReady(such func(*worker) bool) (origin ident.Origin, is bool) {
	for _, s := range c.slots {
		for _, w := range s.workers {
			if w.state == ReadyWorker && such(w) && (!is || origin.Before(w.key.Origin())) {
				origin, is = w.key.Origin(), true
			}
		}
	}
	return origin, is
}

// findings tells what stands in the way of forking.
func (c *Core) findings(p *preloader, found []Finding) {
	if load, known := c.loads[p.origin.Generation]; known {
		load.Load.Findings = found
		c.loads[p.origin.Generation] = load
	}
	for _, finding := range found {
		c.do(FindingMade{Generation: p.origin.Generation, Finding: finding})
	}
}

// endPreparing ends a preloader that prepares, by a signal: it hears nothing else meanwhile.
func (c *Core) endPreparing(origin ident.Origin) {
	c.do(SignalPreloader{Origin: origin, Signal: ident.SIGTERM})
}
