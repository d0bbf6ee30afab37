package core

import (
	"slices"
	"time"

	"launcher/preforker/ident"
)

// reloadLater plans the next load, unless one waits already, or another preloader can do what the one that is
// gone did. Where one that never loaded leaves an older one behind, or one of a release that is held back, an operator
// had asked for it, and asks again when it is mended.
func (c *Core) reloadLater(gone *preloader) {
	source := c.newest(c.able)
	if c.loading() != nil || c.reloadAt != 0 ||
		source != nil && (source.origin.Generation >= gone.origin.Generation || !gone.loaded && !c.behind(source) || c.failing(gone, source)) {
		return
	}
	c.failures++
	if c.failures >= loadCrashes {
		c.failLoads()
		return
	}
	spread := loadBackoff
	if c.unserved() {
		spread = unservedBackoff
	}
	wait := spread.delay(c.failures, c.random())
	if wait == 0 {
		c.load()
		return
	}
	c.reloadAfter(wait)
}

// failing says whether the release of a preloader is held back, and that of another one is not: loaded again, it would fail
// further requests.
func (c *Core) failing(gone, source *preloader) bool {
	return c.onHold(gone.origin.Generation) && !c.onHold(source.origin.Generation)
}

// behind says whether a slot is served with newer code than a preloader has, or about to be. The one that
// had it is gone, so it is nobody's wish that its successor did not load.
func (c *Core) behind(source *preloader) bool {
	return slices.ContainsFunc(c.slots, func(s *slot) bool {
		w := s.serving()
		return w != nil && w.key.Generation > source.origin.Generation
	})
}

// unserved says whether no worker serves any slot: then nobody is answered before a load succeeds.
func (c *Core) unserved() bool { return c.count(ReadyWorker) == 0 }

// bringReloadForward brings a load that waits forward where nobody serves any more.
func (c *Core) bringReloadForward() {
	if c.phase != PhaseRunning || !c.unserved() {
		return
	}
	wait := unservedBackoff.max
	if c.crashing != nil {
		wait = c.failedLoadWait()
	}
	if c.reloadAt > c.now+wait {
		c.reloadAfter(wait)
	}
}

// reloadAfter has the next load wait. A timer for it that was set before finds that load done.
func (c *Core) reloadAfter(wait time.Duration) {
	c.reloadAt = c.now + wait
	if c.crashing != nil {
		c.crashing.RetryAt = c.reloadAt
	}
	c.do(LoadWaits{Generation: c.generation + 1, Wait: wait, Failed: c.crashing != nil})
	c.do(SetTimer{Timer{TimerReload, ident.Key{Generation: c.generation}}, wait})
}

// reload begins the load that has waited, unless a later one has made it needless.
func (c *Core) reload(newest int) {
	if c.phase == PhaseRunning && c.generation == newest && c.loading() == nil {
		c.load()
	}
}
