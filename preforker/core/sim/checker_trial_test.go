package sim

import (
	"slices"
	"time"

	"launcher/preforker/core"
)

// checkedTrial is what was told of the answers of a generation.
type checkedTrial struct {
	errors, deaths int
	probes         int  // that have failed, in a row
	sound          bool // a response had another status than 500
	held           bool
}

func (t *checkedTrial) holds() bool { return t != nil && t.held }

func (c *checker) trialOf(w *checkedWorker) *checkedTrial {
	if c.trials[w.key.Generation] == nil {
		c.trials[w.key.Generation] = &checkedTrial{}
	}
	return c.trials[w.key.Generation]
}

func (c *checker) takesAnswers(w *checkedWorker, errors uint64, sound bool) {
	t := c.trialOf(w)
	t.sound = t.sound || sound
	t.errors += max(0, int(errors)-w.errors)
	w.errors, w.asked = int(errors), c.now
}

// awaitsAnswer says whether a release may be waited for until it has answered well, beside an older one.
func (c *checker) awaitsAnswer(generation int) bool {
	t := c.trials[generation]
	return generation == c.newestLoaded && (t == nil || !t.sound) && len(c.olderThan(generation)) > 0 && c.now < c.loadedAt+c.policy.DrainTimeout
}

// heldBack says whether workers are to be had of others than of a preloader whose release is held back.
func (c *checker) heldBack(p *checkedPreloader) bool {
	return !c.direct() && c.trials[p.origin.Generation].holds() && slices.ContainsFunc(c.preloaders, func(other *checkedPreloader) bool {
		return other.loaded && !other.told && (other.proven || other.maybe || other.origin.Before(p.origin)) && !c.trials[other.origin.Generation].holds()
	})
}

// olderThan are the workers that serve with an older release which is not held back.
func (c *checker) olderThan(generation int) (older []*checkedWorker) {
	for i := range c.slots {
		if w := c.slots[i].accepting(); w != nil && w.key.Generation < generation && !c.trials[w.key.Generation].holds() {
			older = append(older, w)
		}
	}
	return older
}

// leavesSlot says whether a worker that is ready leaves its slot to the one that serves it: its own release is held back, or
// the other one, that was to make room for it, no more.
func (c *checker) leavesSlot(w *checkedWorker) bool {
	return slices.ContainsFunc(c.slotOf(w).workers, func(other *checkedWorker) bool {
		held, others := c.trials[w.key.Generation].holds(), c.trials[other.key.Generation].holds()
		return other.accepting() && other != w && !others && (held || w.key.Generation < other.key.Generation)
	})
}

// givesBack says whether a worker may be replaced by one of older code: its release is held back.
func (c *checker) givesBack(w, to *checkedWorker) bool {
	return c.trials[w.key.Generation].holds() && !c.trials[to.key.Generation].holds()
}

// leavesSlot says whether a worker that is ready leaves its slot to the one that serves it: its own release is held back, or
// givesBack says whether a worker may be replaced by one of older code: its release is held back, and another worker shows
// holdsBack: only a release that has never answered otherwise, and only where another one serves.
func (c *checker) holdsBack(a core.ReleaseHeld) {
	t := c.trials[a.Generation]
	switch {
	case c.stopping:
		c.fail("generation %d is held back while the launcher stops", a.Generation)
	case t == nil || t.sound || t.errors+t.deaths < 3 && a.Probes < 3:
		c.fail("generation %d is held back without evidence: %+v", a.Generation, t)
		return
	case a.Probes >= 3 && a.Probe != nil && t.probes == 0:
		c.fail("generation %d has passed its probe, and is held back for it", a.Generation)
	case t.held:
		c.fail("generation %d is held back twice", a.Generation)
	case len(c.olderThan(a.Generation)) == 0:
		c.fail("generation %d is held back, and no older one serves", a.Generation)
	}
	t.held = true
}

func (c *checker) lifts(a core.ReleaseLifted) {
	t := c.trials[a.Generation]
	switch {
	case !t.holds():
		c.fail("generation %d is held back no more, and was not", a.Generation)
		return
	case a.Answered && !t.sound:
		c.fail("generation %d is held back no more, and has not answered well", a.Generation)
	case !a.Answered && len(c.olderThan(a.Generation)) > 0:
		c.fail("generation %d is held back no more, and an older one still serves", a.Generation)
	}
	t.held = false
}

// checkTrials: a good answer lifts at once what was held back, and what fails where an older release does not is held back at once.
func (c *checker) checkTrials() {
	t := c.trials[c.newestLoaded]
	switch {
	case c.stopping || t == nil:
	case t.held && t.sound:
		c.fail("generation %d is held back, and has answered well", c.newestLoaded)
	case !t.held && !t.sound && t.probes >= 3 && c.exits() && len(c.olderThan(c.newestLoaded)) > 0:
		c.fail("the workers of generation %d fail their probes, and it is not held back", c.newestLoaded)
	case !t.held && !t.sound && t.errors >= 3 && slices.ContainsFunc(c.olderThan(c.newestLoaded), func(w *checkedWorker) bool {
		return w.errors == 0 && w.served > 0 && w.asked >= c.loadedAt
	}):
		c.fail("generation %d answers nothing but errors, an older one does not, and it is not held back", c.newestLoaded)
	}
}

// exits says whether a worker of the newest release has ended in this step.
func (c *checker) exits() bool {
	e, is := c.event.(core.WorkerExited)
	return is && e.Key.Generation == c.newestLoaded
}

// checkHeld: no slot that an older release serves gets a worker of one that is held back.
func (c *checker) checkHeld(w, old *checkedWorker) {
	if c.trials[w.key.Generation].holds() && w.key.Generation > old.key.Generation && !c.trials[old.key.Generation].holds() {
		c.fail("%v is to be replaced by a release that is held back: %v", old.key, w.key)
	}
}

// operatorTime is what somebody takes who reads the log.
const operatorTime = 10 * time.Second

// operates: an operator who reads that a release is held back asks for the next one where the release has no worker whose
// answer could lift that.
func (w *world) operates() {
	c, held := w.check, 0
	if c.trials[c.newestLoaded].holds() {
		held = c.newestLoaded
	}
	for _, p := range c.preloaders { // a newer one may be gone again
		if c.trials[p.origin.Generation].holds() {
			held = p.origin.Generation
		}
	}
	if c.stopping || held == 0 || w.restarted == held {
		return
	}
	for i := range c.slots {
		if s := c.slots[i].accepting(); s != nil && s.key.Generation == held {
			return
		}
	}
	w.restarted = held
	w.post(operatorTime, core.RestartAsked{By: "HUP"})
}
