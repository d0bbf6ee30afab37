package preforker

import (
	"cmp"
	"fmt"
	"log/slog"
	"slices"

	"launcher/preforker/internal/wire"
)

// A worker that has served gives birth to a preloader of its own generation. One slot gets a
// worker of that one first; when it has answered a request, the others follow, and the older
// preloader is retired when all have. Until then it can take everything back.

// mostReforkFailures is how many end the attempts in a generation.
const mostReforkFailures = 2

// reforks is what the core knows of them in one generation.
type reforks struct {
	generation int
	last       int // number of the last attempt
	arrived    int // how many have taken all slots
	failures   int
	givenUp    wire.Origin // whose workers are to be replaced by those of an older preloader
}

// reforks says whether workers give birth to preloaders at all.
func (c *core) reforks() bool { return !c.direct() && len(c.policy.refork.After) > 0 }

// beginRefork asks a worker to give birth to a preloader, where the time has come, and nothing else is
// under way: every slot has a worker of the only preloader that there is.
func (c *core) beginRefork(source *preloader) {
	if !c.reforks() || c.phase != phaseRunning || len(c.preloaders) != 1 || c.announced != source.origin || c.comingUp() > 0 {
		return
	}
	r := &c.refork
	if r.generation != source.origin.Generation {
		*r = reforks{generation: source.origin.Generation}
	}
	if r.failures >= mostReforkFailures || r.arrived >= len(c.policy.refork.After) {
		return
	}
	w := c.warmest(source.origin)
	if w == nil || w.served < c.policy.refork.After[r.arrived] {
		return
	}
	r.last++
	born := &preloader{origin: wire.Origin{Generation: r.generation, Refork: r.last}, since: c.now}
	c.preloaders = append(c.preloaders, born)
	c.log(slog.LevelDebug, "refork asked for", w.attrs(slog.Uint64(keyServed, w.served))...)
	c.do(reforkWorker{w.key, born.origin})
	c.do(setTimer{timer{timerPreloaderBoot, born.key()}, c.policy.bootTimeout})
}

// warmest is the worker of a preloader that has served most, or nil.
func (c *core) warmest(origin wire.Origin) *worker {
	var warm []*worker
	for _, s := range c.slots {
		if w := s.serving(); w != nil && w.state == WorkerReady && w.key.Origin() == origin && len(s.workers) == 1 {
			warm = append(warm, w)
		}
	}
	if len(warm) == 0 {
		return nil
	}
	return slices.MaxFunc(warm, func(a, b *worker) int { return cmp.Compare(a.served, b.served) })
}

func (c *core) workerReforked(e workerReforked) {
	if p := c.preloader(e.origin); p != nil && p.state == PreloaderStarting {
		c.movePreloader(p, PreloaderLoading)
	}
}

// workerNotReforked: the worker has found something in itself that would not survive, or failed. The
// former will not be otherwise for the next one.
func (c *core) workerNotReforked(e workerNotReforked) {
	if e.origin.Generation != c.refork.generation {
		return
	}
	attrs := originAttrs(e.origin)
	if e.why.Error != nil {
		c.refork.failures++
		c.log(slog.LevelWarn, "refork failed; the preloader serves on", append(attrs, slog.Any(keyError, failureError(*e.why.Error)))...)
	} else {
		c.refork.failures = mostReforkFailures
		c.log(slog.LevelInfo, "no refork: a worker has what would not survive a fork; the preloader serves on", attrs...)
		for _, finding := range e.why.Findings {
			c.log(slog.LevelInfo, "in the way of a refork: "+finding.Text, slog.Int(keyGeneration, e.origin.Generation),
				slog.String(keyKind, finding.Kind), slog.String(keyWhere, finding.Where))
		}
	}
	if p := c.preloader(e.origin); p != nil {
		p.reason = ReasonUnsound // its end is no news
	}
}

// reforkLoaded: the preloader that a worker gave birth to can fork.
func (c *core) reforkLoaded(p *preloader, loaded wire.Loaded) {
	if p.state == PreloaderStarting {
		c.movePreloader(p, PreloaderLoading) // its own packet has overtaken the worker's
	}
	if p.state != PreloaderLoading {
		return
	}
	c.movePreloader(p, PreloaderReady)
	p.loaded = true
	p.forked = c.now
	c.log(slog.LevelInfo, "preloader was born of a warm worker",
		p.attrs(slog.Int(keyPid, loaded.Pid), slog.Float64(keySeconds, loaded.Seconds))...)
	c.fill()
}

// notReforked: a preloader that was to be born of a worker is gone before it could fork.
func (c *core) notReforked(p *preloader, e preloaderExited) {
	defer c.followed(p)
	if p.reason == ReasonUnsound {
		return // the worker has told why
	}
	c.refork.failures++
	attrs := p.attrs(slog.String(keyExit, e.exit.String()))
	switch {
	case e.failed != nil:
		attrs = append(attrs, slog.Any(keyError, failureError(e.failed.Error)))
	case p.reason == ReasonBootTimeout:
		attrs = append(attrs, slog.String(keyReason, string(p.reason)))
	case e.exit.Code == 0 && e.exit.Signal == 0:
		attrs = p.attrs(slog.String(keyReason, "the worker left before it had begun"))
	}
	c.log(slog.LevelWarn, "refork failed; the preloader serves on", attrs...)
}

// workerFirst: one good answer proves a refork.
func (c *core) workerFirst(e workerFirst) {
	p := c.preloader(e.key.Origin())
	if p == nil || p.proven || p.state != PreloaderReady {
		return
	}
	if e.status == 0 || e.status >= 500 {
		c.giveUpRefork(p, fmt.Sprintf("its first request was answered with status %d: %s", e.status, e.request))
	} else {
		p.proven = true
	}
	c.fill()
}

// doubt: a worker has died young. While the preloader before its own is still there, that one may do better.
func (c *core) doubt(gone *worker) {
	p := c.preloader(gone.key.Origin())
	if p != nil && p.origin.Refork > 0 && p.state == PreloaderReady && c.announced != p.origin {
		c.giveUpRefork(p, "its worker died young")
	}
}

// giveUpRefork takes every slot back to the preloader before, where that is still there.
func (c *core) giveUpRefork(p *preloader, why string) {
	if before := c.newest(func(other *preloader) bool {
		return other.state == PreloaderReady && other.origin.Before(p.origin)
	}); before == nil {
		p.proven = true // there is no better one
		return
	}
	c.log(slog.LevelWarn, "refork is given up; the preloader before it serves on", p.attrs(slog.String(keyReason, why))...)
	c.refork.failures++
	c.refork.givenUp = p.origin
	c.retire(p, ReasonUnsound)
}

// reforkDied: one that dies before its workers are everywhere counts as a refork that failed.
func (c *core) reforkDied(p *preloader) {
	if p.origin.Refork > 0 && c.announced != p.origin {
		c.refork.failures++
	}
}

// outdated says whether a worker should make room for one of the newest source.
func (c *core) outdated(w *worker, source *preloader) bool {
	origin := w.key.Origin()
	return origin.Before(source.origin) || origin == c.refork.givenUp && origin != (wire.Origin{})
}

// reforkArrived: all workers are forks of the preloader that a worker gave birth to.
func (c *core) reforkArrived(p *preloader) {
	if p.origin.Refork == 0 {
		return // the slots have come back
	}
	c.refork.arrived++
	c.log(slog.LevelInfo, "workers are forks of a warm worker now", p.attrs()...)
}

// followedBy says whether a younger preloader of the same generation is there.
func (c *core) followedBy(p *preloader) bool {
	return slices.ContainsFunc(c.preloaders, func(other *preloader) bool {
		return other != p && other.origin.Generation == p.origin.Generation && other.state != PreloaderRetiring
	})
}
