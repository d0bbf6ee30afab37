package core

import (
	"slices"
	"time"

	"launcher/preforker/ident"
)

// A release may load and fail all the same: each request is answered with 500, or kills its worker. So it is on trial while
// workers of an older one serve. Where the first requests of its workers have all failed it is held back: no further slot rolls
// to it, those that have it roll back, and an empty one is filled from the older release, which goes on as if the newer one had
// not loaded. A response with another status ends the trial, also where it comes of a worker that leaves already. The next load
// has a trial of its own. Where nobody asks there is no trial, and no roll waits for one.

const (
	// trialFailures is how many requests of a release fail, and none does not, before it is held back. One may be a mistake
	// of whoever asks, and two the same one again.
	trialFailures = 3
	// deathMemory is for how long a death in the older release says that workers die there as well.
	deathMemory = time.Minute
)

// trial is what is known of how a generation serves.
type trial struct {
	generation int
	since      time.Duration // loaded
	errors     uint64        // responses with 500, or that broke off
	deaths     uint64        // of its workers in a request, which say something of it
	probes     uint64        // of its workers that have failed, in a row
	probe      *Failed       // how the last one has; nil: it took too long
	died       bool          // a worker of it, in a request
	diedAt     time.Duration // the last one
	passed     bool          // a response had another status
	heldAt     time.Duration
	held       bool
}

// Of trials.
type (
	// ReleaseHeld says that no further slot gets a release whose first requests have all failed.
	ReleaseHeld struct {
		fact
		Generation int
		Errors     uint64  // responses with 500, or that broke off
		Deaths     uint64  // workers that have died before any other response
		Probes     uint64  // workers that have failed their probe
		Probe      *Failed // how the last of them has; nil: none did, or it took too long
		Older      int     // the generation that serves on
		Workers    int     // that it has
	}
	// ReleaseLifted says that a release is held back no more.
	ReleaseLifted struct {
		fact
		Generation int
		Answered   bool // it has answered with another status; false: no slot is left that is served by an older one
	}
)

// beginTrial begins the trial of a generation that has loaded. What is known of those that are gone is forgotten.
func (c *Core) beginTrial(generation int) {
	present := c.generations()
	c.trials = slices.DeleteFunc(c.trials, func(t *trial) bool { return !slices.Contains(present, t.generation) })
	c.trials = append(c.trials, &trial{generation: generation, since: c.now})
}

// trialOf is the trial of a generation that has loaded, or nil.
func (c *Core) trialOf(generation int) *trial {
	for _, t := range c.trials {
		if t.generation == generation {
			return t
		}
	}
	return nil
}

// onHold says whether a generation is held back.
func (c *Core) onHold(generation int) bool {
	t := c.trialOf(generation)
	return t != nil && t.held
}

// heldBack says whether workers are not to be had of a preloader, since its release is held back and there is another one to have
// them of, an older one, or a newer one whose workers have been seen to come up. With direct spawning a worker loads whatever
// release is there, also in the place of an older one.
func (c *Core) heldBack(p *preloader) bool {
	return !c.direct() && c.onHold(p.origin.Generation) && c.newest(func(other *preloader) bool {
		return (other.proven || other.origin.Before(p.origin)) && c.able(other) && !c.onHold(other.origin.Generation)
	}) != nil
}

// noteAnswers takes how the last requests of a worker were answered.
func (c *Core) noteAnswers(w *worker, errors uint64, sound bool) {
	if t := c.trialOf(w.key.Generation); t != nil {
		t.errors += errors - min(errors, w.errors)
		t.passed = t.passed || sound
	}
	w.errors = errors
}

// noteDeath takes that a worker has died in a request. Where those of an older release die as well it is no sign for this one.
func (c *Core) noteDeath(w *worker) {
	t := c.trialOf(w.key.Generation)
	if t == nil {
		return
	}
	t.died, t.diedAt = true, c.now
	if !slices.ContainsFunc(c.trials, func(other *trial) bool {
		return other.generation < t.generation && !other.held && other.died && c.now-other.diedAt < deathMemory
	}) {
		t.deaths++
	}
}

// judgeAfter judges after the end of a worker, which is a sign for its own release alone.
func (c *Core) judgeAfter(w *worker) {
	if len(c.trials) > 0 && c.trials[len(c.trials)-1].generation == w.key.Generation {
		c.judge()
	}
}

// judge holds the newest release back, or lifts that, where there is evidence.
func (c *Core) judge() {
	if len(c.trials) == 0 || c.phase != PhaseRunning {
		return
	}
	for _, t := range c.trials { // newer ones may be gone again
		if t.passed {
			c.lift(t, true)
		}
	}
	switch t := c.trials[len(c.trials)-1]; {
	case t.passed:
	case t.held || t.errors+t.deaths < trialFailures && t.probes < trialFailures:
	case t.probes >= trialFailures && len(c.older(t)) > 0:
		c.holdBack(t) // whatever the older release does: none of these would serve
	case len(c.older(t)) > 0 && !c.olderFails(t):
		c.holdBack(t)
	}
}

func (c *Core) holdBack(t *trial) {
	older := c.older(t)
	t.held, t.heldAt = true, c.now
	told := ReleaseHeld{Generation: t.generation, Errors: t.errors, Deaths: t.deaths, Probes: t.probes, Probe: t.probe, Workers: len(older)}
	for _, w := range older {
		told.Older = max(told.Older, w.key.Generation)
	}
	c.do(told)
	c.endRestartOf(t.generation, RestartHeld)
	if p := c.preloader(ident.Origin{Generation: t.generation}); p != nil && p.seeding {
		c.stopSeeding(p, ReasonHeld)
	}
}

// lift ends that a release is held back. Where its preloader has died meanwhile it is loaded again now, unless a load follows anyway.
func (c *Core) lift(t *trial, answered bool) {
	if t != nil && t.held {
		t.held = false
		c.do(ReleaseLifted{Generation: t.generation, Answered: answered})
		if !c.again && c.newest(c.able) != nil {
			c.reloadLater(&preloader{origin: ident.Origin{Generation: t.generation}, loaded: true})
		}
	}
}

// older are the workers that serve slots with an older release, which is not held back itself.
func (c *Core) older(t *trial) (workers []*worker) {
	for _, s := range c.slots {
		for _, w := range s.workers {
			if w.state == ReadyWorker && w.key.Generation < t.generation && !c.onHold(w.key.Generation) {
				workers = append(workers, w)
			}
		}
	}
	return workers
}

// olderFails says whether the older release does no better: its last responses were 500 too, of those workers that
// were asked since the newer one has loaded, or of all where none was. A database may be down; then the newer release may as well
// have the slots.
func (c *Core) olderFails(t *trial) bool {
	var asked, lately []*worker
	for _, w := range c.older(t) {
		if w.served > 0 {
			asked = append(asked, w)
			if w.answered >= t.since {
				lately = append(lately, w)
			}
		}
	}
	if len(lately) > 0 {
		asked = lately
	}
	return len(asked) > 0 && !slices.ContainsFunc(asked, func(w *worker) bool { return w.errors == 0 })
}

// givesBack says whether a worker is to make room for one of an older release: its own is held back. Who fails at once looks idle,
// so a web server that balances by load would send most requests to the last one that is left.
func (c *Core) givesBack(w *worker, source *preloader) bool {
	return source.origin.Generation < w.key.Generation && c.onHold(w.key.Generation) && !c.onHold(source.origin.Generation)
}

// awaitsAnswer says whether the seeds of a release are not to take over yet what an older one serves: they were asked, and have given
// no other answer than errors so far, or they are not there for long enough to tell. One request may take as long as it likes, and
// is waited for no longer than the drain timeout.
func (c *Core) awaitsAnswer(p *preloader) bool {
	t := c.trialOf(p.origin.Generation)
	if t == nil || t != c.trials[len(c.trials)-1] || t.passed || c.now >= t.since+c.policy.DrainTimeout || len(c.older(t)) == 0 || c.olderFails(t) {
		return false
	}
	return slices.ContainsFunc(c.readyWorkers(p.origin), func(w *worker) bool {
		return w.busy || w.served > 0 || c.now-w.since < c.policy.SeedTime
	})
}

// slotToTry is a slot without a worker that is to get the first one of a release that grows, in the place of the slot that would be
// the next to roll: that one has the only worker of the older release, which would be gone before the newer one was asked. Nil where it
// has not, or where workers have died in all the others.
func (c *Core) slotToTry(next *slot, source *preloader) *slot {
	t := c.trialOf(source.origin.Generation)
	if next == nil || source != c.seeding() || c.waitsForSeed(source) || !c.mayBegin() || t == nil || t.passed || len(c.older(t)) != 1 {
		return nil
	}
	for _, s := range c.slots {
		if s.state == VacantSlot && s.deaths < slotBackoff.free {
			return s
		}
	}
	return nil
}

// unwanted says whether a worker that has just come up is not to take its slot: its release was held back meanwhile, or the one
// that it was to give the slot back from is held back no more.
func (c *Core) unwanted(s *slot, w *worker) bool {
	return slices.ContainsFunc(s.workers, func(other *worker) bool {
		return other.state == ReadyWorker && other != w && c.better(other.key.Generation, w.key.Generation)
	})
}

func (c *Core) reasonUnwanted(w *worker) Reason {
	if c.onHold(w.key.Generation) {
		return ReasonHeld
	}
	return ReasonRolled
}

// better says whether a slot had better have one generation than another.
func (c *Core) better(generation, other int) bool {
	if c.onHold(generation) != c.onHold(other) {
		return c.onHold(other)
	}
	return generation > other
}
