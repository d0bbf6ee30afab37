package sim

import (
	"fmt"
	"slices"
	"time"

	"launcher/preforker/core"
	"launcher/preforker/ident"
)

// stopSlack is what a stop may take beyond the drain timeout: for signals, and for messages that are on their way.
const stopSlack = 15 * time.Second

// restBound is how long it may take until everything is as it should be: a load and a worker that hang, one after the
// other, the longest waits between two attempts of what has failed, and the leavers.
func (w *world) restBound() time.Duration {
	return 3*w.policy.BootTimeout + 2*w.policy.DrainTimeout + 5*time.Minute + w.policy.IdleTimeout + failedRetryMax + failedLoadRetry
}

// liveness: the faults have ended. Every slot comes to serve the newest good generation, and all others leave. Either what was
// wrong with the code has been mended, or a release comes that mends it: where one is held back, which has no worker any more that
// could show that it is sound, that is what it waits for.
func (w *world) liveness() {
	w.nextBad = sound
	if w.below(2) == 1 || w.holdsBack() {
		w.post(w.latency(), core.RestartAsked{By: "HUP"})
	} else {
		for i := range w.bad {
			w.bad[i] = sound
		}
	}
	began := w.now
	for w.operates(); w.next() && w.now <= began+w.restBound(); w.operates() {
		if (w.queue.others == 0 || w.poison()) && w.unrest() == "" {
			break
		}
	}
	if w.check.problem != "" || w.finished {
		return
	}
	if why := w.unrest(); why != "" {
		w.check.fail("%s, %v after the faults have ended", why, w.now-began)
		return
	}
	if w.below(2) == 1 && !w.poison() {
		w.staysAtRest()
	} else {
		w.comesToAnEnd()
	}
}

// holdsBack says whether a release was held back, whose preloader may be gone: it is not loaded again.
func (w *world) holdsBack() bool {
	for _, t := range w.check.trials {
		if t.holds() {
			return true
		}
	}
	return false
}

// staysAtRest: the timers that are left mean nothing to anybody.
func (w *world) staysAtRest() {
	for until := w.now + 2*failedRetryMax; w.next(); {
		if w.now > until && w.policy.Limits.MaxAge > 0 {
			return // workers are replaced for ever
		}
		if w.now > until {
			w.check.fail("it does not come to rest")
		}
	}
	if why := w.unrest(); why != "" {
		w.check.fail("%s, after it was at rest", why)
	}
	if why := w.staysIdle(); why != "" {
		w.check.fail("%s", why)
	}
}

func (w *world) comesToAnEnd() {
	w.stops()
	for w.next() {
		w.checkStop()
	}
	if !w.finished {
		w.check.fail("it does not finish")
	}
}

func (w *world) checkStop() {
	if w.stopping && w.now > w.stopped+w.policy.DrainTimeout+stopSlack {
		w.check.fail("it does not finish within the drain timeout")
	}
}

// unrest says what is not as it should be, or "".
func (w *world) unrest() string {
	c := w.check
	newest, seeds := ident.Origin{Generation: c.generation}, ident.Origin{}
	if !c.direct() {
		if n := len(c.preloaders); n != 1 && !(n > 1 && w.poison()) { // the older one stays until all slots are served at the same time
			return fmt.Sprintf("there are %d preloaders", n)
		}
		p := c.preloaders[len(c.preloaders)-1]
		if newest = p.origin; !p.loaded || p.told || newest.Generation != c.generation && c.failed != c.generation {
			return fmt.Sprintf("the preloader is %v", p.origin)
		}
		seeds = p.seededBy
	}
	for i := range c.slots {
		if why := w.unrestOf(i, newest, seeds); why != "" && !w.poisoned[i] {
			return fmt.Sprintf("slot %d %s", i, why)
		}
	}
	if c.asked.open && !w.poison() {
		return fmt.Sprintf("the restart %d has no end", c.asked.number)
	}
	if n := c.livingRemoved(); n > 0 {
		return fmt.Sprintf("%d workers of slots that are gone are left", n)
	}
	return w.unrestOfSpare(newest)
}

// poison says whether there are slots that nobody can serve for long.
func (w *world) poison() bool { return slices.Contains(w.poisoned, true) }

func (w *world) unrestOf(slot int, newest, seeds ident.Origin) string {
	c, s := w.check, &w.check.slots[slot]
	serving := s.accepting()
	switch {
	case s.parked && serving == nil && len(s.workers) == 0 && s.open && w.bound[slot]:
		return ""
	case serving == nil && s.open && c.seedsOf(newest) && c.isLent(slot, newest.Generation):
		return "" // for as long as the seeds keep up
	case serving == nil:
		return "has no worker"
	case len(s.workers) != 1:
		return fmt.Sprintf("has %d workers", len(s.workers))
	case !s.open || !w.bound[slot]:
		return "has no socket"
	case len(serving.borrowed) > 0 && !c.seedsOf(serving.key.Origin()):
		return "has a worker that still has the sockets of others"
	case serving.key.Origin() != newest && serving.key.Origin() != seeds && !(c.direct() && c.failed == c.generation):
		return fmt.Sprintf("has a worker of %v", serving.key.Origin())
	}
	if p := w.workers[serving.key]; p == nil || !p.alive || !p.up || p.stuck || p.leaving {
		return "has a worker that does not serve"
	}
	return ""
}
