package core

import "slices"

// Where a worker takes the place of one with older code, or fills a slot beside such workers, it makes a request of its own to the
// application before it says that it is ready: its predecessor drains only then. One that fails has ended, which is an early death to
// its slot, and the older workers serve on. After a few of them the release is held back. At the first start, and where a fork takes the
// place of a worker with the same code, nothing would be decided by a probe, so there is none.

// StageProbe is the stage of a worker that has failed its probe.
const StageProbe = "probe"

// ofProbe says whether it is the probe that has failed.
func (f *Failed) ofProbe() bool { return f != nil && f.Stage == StageProbe }

// probes says whether the workers of a preloader are probed: there is older code that serves.
func (c *Core) probes(source *preloader) bool {
	return slices.ContainsFunc(c.slots, func(s *slot) bool {
		return slices.ContainsFunc(s.workers, func(w *worker) bool {
			return w.state == ReadyWorker && w.key.Generation < source.origin.Generation
		})
	})
}

// noteProbe takes how a worker has ended that was probed, and never ready. One that was in it for too long was killed.
func (c *Core) noteProbe(w *worker, e WorkerExited) {
	t := c.trialOf(w.key.Generation)
	if t == nil || !w.probed {
		return
	}
	if e.Failed.ofProbe() || e.Failed == nil && w.reason == ReasonBootTimeout && w.loaded {
		t.probes++
		t.probe = e.Failed
	}
}

// passProbe ends the failed probes in a row.
func (c *Core) passProbe(w *worker) {
	if t := c.trialOf(w.key.Generation); t != nil && w.probed && !t.held {
		t.probes = 0
	}
}
