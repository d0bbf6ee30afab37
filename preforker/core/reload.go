package core

import (
	"time"

	"launcher/preforker/ident"
)

// reloadLater plans the next load, unless another preloader can do what the one that is
// gone did. Where one that never loaded leaves an older one behind, an operator had
// asked for it, and asks again when it is mended.
func (c *Core) reloadLater(gone *preloader) {
	source := c.newestSource()
	if c.loading() != nil || source != nil && (!gone.loaded || source.origin.Generation >= gone.origin.Generation) {
		return
	}
	c.failures++
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

// unserved says whether no worker serves any slot: then nobody is answered before a load succeeds.
func (c *Core) unserved() bool { return c.count(ReadyWorker) == 0 }

// bringReloadForward brings a load that waits forward where nobody serves any more.
func (c *Core) bringReloadForward() {
	if c.phase == PhaseRunning && c.unserved() && c.reloadAt > c.now+unservedBackoff.max {
		c.reloadAfter(unservedBackoff.max)
	}
}

// reloadAfter has the next load wait. A timer for it that was set before finds that load done.
func (c *Core) reloadAfter(wait time.Duration) {
	c.reloadAt = c.now + wait
	c.do(LoadWaits{Generation: c.generation + 1, Wait: wait})
	c.do(SetTimer{Timer{TimerReload, ident.Key{Generation: c.generation}}, wait})
}

// reload: the wait is over, unless a later load has made it needless.
func (c *Core) reload(newest int) {
	if c.phase == PhaseRunning && c.generation == newest && c.loading() == nil {
		c.load()
	}
}
