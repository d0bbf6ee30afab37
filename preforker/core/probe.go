package core

import (
	"slices"
	"time"

	"launcher/preforker/ident"
)

// Where a worker takes the place of one with older code, or fills a slot beside such workers, it makes a request of its own to the
// application before it says that it is ready: its predecessor drains only then. One that fails has ended, which is an early death to
// its slot, and the older workers serve on. After a few of them the release is held back. At the first start, and where a fork takes the
// place of a worker with the same code, nothing would be decided by a probe, so there is none, but for the first fork of a refork that
// somebody asked for: where no visitor comes it is the only request that can show what the fork is good for.

// Probe is what a worker is asked for before it says that it is ready.
type Probe string

// The kinds.
const (
	ProbeNone    Probe = ""        // nothing
	ProbeRelease Probe = "release" // the path of the probe, where there is one
	ProbeRefork  Probe = "refork"  // the same, else the first page
)

// proofPatience is how long the first fork of a refork that somebody asked for waits for a visitor's request, whose response says
// more than that to its probe. One that was seen to be in hand by then is waited for.
const proofPatience = 5 * time.Second

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

// probeOf is what the next worker of a preloader is asked for.
func (c *Core) probeOf(source *preloader) Probe {
	switch {
	case c.reforkNow != nil && c.reforkNow.origin == source.origin && !source.proven:
		return ProbeRefork
	case c.probes(source):
		return ProbeRelease
	}
	return ProbeNone
}

// awaitProof gives visitors some time to make the first request to a worker that has passed its probe for a refork.
func (c *Core) awaitProof(w *worker) {
	if p := c.preloader(w.key.Origin()); w.probe == ProbeRefork && p != nil && !p.proven {
		c.do(SetTimer{Timer{TimerProof, w.key}, proofPatience})
	}
}

// proofTimeout takes the probe for the first response, where no visitor has come.
func (c *Core) proofTimeout(key ident.Key) {
	_, w := c.worker(key)
	p := c.preloader(key.Origin())
	switch {
	case w == nil || w.state != ReadyWorker || w.said || p == nil || p.proven || p.state != ReadyPreloader:
	case w.busy:
		c.do(SetTimer{Timer{TimerProof, key}, proofPatience})
	default:
		c.prove(p)
		c.fill()
	}
}

// noteProbe takes how a worker has ended that was probed, and never ready. One that was in it for too long was killed.
func (c *Core) noteProbe(w *worker, e WorkerExited) {
	t := c.trialOf(w.key.Generation)
	if t == nil || w.probe != ProbeRelease {
		return
	}
	if e.Failed.ofProbe() || e.Failed == nil && w.reason == ReasonBootTimeout && w.loaded {
		t.probes++
		t.probe = e.Failed
	}
}

// passProbe ends the failed probes in a row.
func (c *Core) passProbe(w *worker) {
	if t := c.trialOf(w.key.Generation); t != nil && w.probe == ProbeRelease && !t.held {
		t.probes = 0
	}
}
