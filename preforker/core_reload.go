package preforker

import (
	"log/slog"
	"time"

	"launcher/preforker/ident"
)

// reloadLater plans the next load, unless another preloader can do what the one that is
// gone did. Where one that never loaded leaves an older one behind, an operator had
// asked for it, and asks again when it is mended.
func (c *core) reloadLater(gone *preloader) {
	source := c.source()
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
func (c *core) unserved() bool { return c.count(WorkerReady) == 0 }

// hastenReload brings a load that waits forward where nobody serves any more.
func (c *core) hastenReload() {
	if c.phase == phaseRunning && c.unserved() && c.reloadAt > c.now+unservedBackoff.most {
		c.reloadAfter(unservedBackoff.most)
	}
}

// reloadAfter has the next load wait. A timer for it that was set before finds that load done.
func (c *core) reloadAfter(wait time.Duration) {
	c.reloadAt = c.now + wait
	c.log(slog.LevelWarn, "the next load waits", slog.Int(keyGeneration, c.generation+1), slog.Duration(keyWait, wait))
	c.do(setTimer{timer{timerReload, ident.Key{Generation: c.generation}}, wait})
}

// reload: the wait is over, unless a later load has made it needless.
func (c *core) reload(newest int) {
	if c.phase == phaseRunning && c.generation == newest && c.loading() == nil {
		c.load()
	}
}
