package preforker

import (
	"cmp"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"launcher/preforker/ident"
	"launcher/preforker/internal/wire"
)

// A worker that has served gives birth to a preloader of its own generation. One slot gets a
// worker of that one first; when it has answered a request, the others follow, and the older
// preloader is retired when all have. Until then it can take everything back.

const (
	// mostReforkFailures is how many end the attempts in a generation.
	mostReforkFailures = 2
	// reforkPause comes after a failure: what was in the way may be gone by then.
	reforkPause = 30 * time.Second
	// maxReforkRefusals is how many workers, or how often the same one, may be found to have what others must
	// not inherit, before the attempts in a generation end.
	maxReforkRefusals = 7
	// refusalPause comes after the first of them, and four times as long after each other one: another worker
	// may be sound, or this one later.
	refusalPause = time.Second
)

// reforks is what the core knows of them in one generation.
type reforks struct {
	generation int
	last       int // number of the last attempt
	arrived    int // how many have taken all slots
	failures   int
	refusals   int             // for what was found in a worker
	told       map[string]bool // what the log has of it
	retryAt    time.Duration   // no attempt before
	declared   bool            // a worker was unfit, and the log says so
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
		*r = reforks{generation: source.origin.Generation, told: map[string]bool{}}
	}
	if r.failures >= mostReforkFailures || r.refusals >= maxReforkRefusals || r.arrived >= len(c.policy.refork.After) || c.now < r.retryAt {
		return
	}
	w := c.warmest(source.origin, c.policy.refork.After[r.arrived])
	if w == nil {
		return
	}
	r.last++
	born := &preloader{origin: ident.Origin{Generation: r.generation, Refork: r.last}, parent: w.key, since: c.now}
	c.preloaders = append(c.preloaders, born)
	c.log(slog.LevelDebug, "refork asked for", w.attrs(slog.Uint64(keyServed, w.served))...)
	c.do(reforkWorker{w.key, born.origin})
	c.do(setTimer{timer{timerPreloaderBoot, born.key()}, c.policy.bootTimeout})
}

// warmest is the worker of a preloader that has served most, and at least so many requests, of those that were
// refused least often. nil where none may be asked.
func (c *core) warmest(origin ident.Origin, least uint64) *worker {
	var warm []*worker
	for _, s := range c.slots {
		if w := s.serving(); w != nil && w.state == WorkerReady && !w.unfit && w.key.Origin() == origin && len(s.workers) == 1 && w.served >= least {
			warm = append(warm, w)
		}
	}
	if len(warm) == 0 {
		return nil
	}
	return slices.MaxFunc(warm, func(a, b *worker) int {
		return cmp.Or(cmp.Compare(b.refused, a.refused), cmp.Compare(a.served, b.served))
	})
}

func (c *core) workerReforked(e workerReforked) {
	if p := c.preloader(e.origin); p != nil && p.state == PreloaderStarting {
		c.movePreloader(p, PreloaderLoading)
	}
}

// workerNotReforked: the application does not want this worker to have descendants, or there is something
// in it that others must not inherit, or it failed.
func (c *core) workerNotReforked(e workerNotReforked) {
	p := c.preloader(e.origin)
	if p == nil || !p.loads() {
		return // it took too long, and that was told
	}
	p.reason = ReasonUnsound // its end is no news
	attrs := originAttrs(e.origin)
	switch {
	case e.why.Error != nil:
		c.reforkFailed()
		c.log(slog.LevelWarn, "refork failed; the preloader serves on", append(attrs, slog.Any(keyError, failureError(*e.why.Error)))...)
	case slices.ContainsFunc(e.why.Findings, wire.Finding.Declared):
		c.passOver(p.parent, e.why.Findings)
	default:
		c.refuse(p, e.why.Findings)
	}
}

// refuse asks this worker again later, if nobody else is found first. A thread that one request has left behind is
// of one worker; what all of them have ends the attempts. The log has each finding once.
func (c *core) refuse(p *preloader, findings []wire.Finding) {
	r := &c.refork
	r.refusals++
	wait := refusalPause << (2 * (r.refusals - 1))
	c.retryRefork(wait)
	attrs := p.attrs(slog.Int(keySlot, p.parent.Slot))
	if _, w := c.worker(p.parent); w != nil {
		w.refused++
	}
	level := slog.LevelDebug
	for _, finding := range findings {
		if text := finding.Text + finding.Where; !r.told[text] {
			r.told[text], level = true, slog.LevelInfo
		}
	}
	text := "no refork of this worker: it has what others must not inherit; another one is tried later"
	if r.refusals == maxReforkRefusals {
		text, level = "no refork in this generation any more: its workers have what others must not inherit", slog.LevelInfo
	} else {
		attrs = append(attrs, slog.Duration(keyWait, wait))
	}
	c.log(level, text, attrs...)
	for _, finding := range findings {
		c.log(level, "in the way of a refork: "+finding.Text, slog.Int(keyGeneration, p.origin.Generation),
			slog.String(keyKind, finding.Kind), slog.String(keyWhere, finding.Where))
	}
}

// passOver asks a worker no more. Where the application says so of every worker, it does so again and
// again: the first time is worth a line.
func (c *core) passOver(key ident.Key, findings []wire.Finding) {
	_, w := c.worker(key)
	if w == nil {
		return
	}
	w.unfit = true
	level := slog.LevelInfo
	if c.refork.declared {
		level = slog.LevelDebug
	}
	c.refork.declared = true
	for _, finding := range findings {
		c.log(level, "worker is passed over for a refork: "+finding.Text, w.attrs()...)
	}
}

// unborn is the preloader that a worker was asked to give birth to and has not yet, or nil.
func (c *core) unborn(w *worker) *preloader {
	for _, p := range c.preloaders {
		if p.parent == w.key && p.loads() {
			return p
		}
	}
	return nil
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
	silent := e.failed == nil && e.startError == nil && e.exit == ident.ExitStatus{}
	switch {
	case p.reason == ReasonUnsound:
		return // the worker has told why
	case silent && p.reason != "" && p.reason != ReasonBootTimeout:
		c.log(slog.LevelDebug, "no refork: the worker was to leave", p.attrs(slog.String(keyReason, string(p.reason)))...)
		return
	}
	c.reforkFailed()
	attrs := p.attrs(slog.String(keyExit, e.exit.String()))
	switch {
	case e.startError != nil:
		attrs = p.attrs(slog.Any(keyError, e.startError))
	case e.failed != nil:
		attrs = append(attrs, slog.Any(keyError, failureError(e.failed.Error)))
	case p.reason == ReasonBootTimeout:
		attrs = append(attrs, slog.String(keyReason, string(p.reason)))
	case silent:
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
	if p != nil && p.origin.Refork > 0 && p.state == PreloaderReady {
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
	c.reforkFailed()
	c.retire(p, ReasonUnsound)
}

func (c *core) reforkFailed() {
	c.refork.failures++
	c.retryRefork(reforkPause)
}

// retryRefork lets some time pass before the next attempt, which no request may tell.
func (c *core) retryRefork(wait time.Duration) {
	c.refork.retryAt = c.now + wait
	c.do(setTimer{timer{kind: timerRefork}, wait})
}

// reforkDied: one that dies before its workers are everywhere counts as a refork that failed.
func (c *core) reforkDied(p *preloader) {
	if p.origin.Refork > 0 && c.announced != p.origin {
		c.reforkFailed()
	}
}

// outdated says whether a worker should make room for one of the newest source. Of the same generation
// that may be an older one: the preloader that was to follow it is gone.
func (c *core) outdated(w *worker, source *preloader) bool {
	origin := w.key.Origin()
	return origin.Generation < source.origin.Generation ||
		origin.Generation == source.origin.Generation && origin.Refork != source.origin.Refork
}

// reforkArrived: all workers are forks of the preloader that a worker gave birth to.
func (c *core) reforkArrived(p *preloader) {
	c.refork.arrived++
	c.log(slog.LevelInfo, "workers are forks of a warm worker now", p.attrs()...)
}

// outlived says whether another preloader of the same generation is there, whose exit handlers are still
// to run. One that is not born yet may never be.
func (c *core) outlived(p *preloader) bool {
	return slices.ContainsFunc(c.preloaders, func(other *preloader) bool {
		return other != p && other.origin.Generation == p.origin.Generation && other.state == PreloaderReady
	})
}
