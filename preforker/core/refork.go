package core

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"launcher/preforker/ident"
)

// A worker that has served forks a preloader of its own generation. One slot gets a
// worker of that one first; when it has answered a request, the others follow, and the older
// preloader is retired when all have. Until then it can take everything back. That of seeds is retired
// with the first good response: where the slots are still to be filled nothing is to be taken back.

const (
	// maxReforkFailures is how many end the attempts in a generation.
	maxReforkFailures = 2
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
	last      int // number of the last attempt
	completed int // how many have taken all slots
	failures  int
	refusals  int             // for what was found in a worker
	told      map[string]bool // what the log has of it
	retryAt   time.Duration   // no attempt before
	putOff    bool            // a later one does not pay yet, and the log says so
	declared  bool            // a worker was unfit, and the log says so
}

// reforksOf is what the core knows of the reforks in a generation. A newer one may come and go meanwhile. What is known of those that have
// no preloader any more is forgotten.
func (c *Core) reforksOf(generation int) *reforks {
	if r := c.reforked[generation]; r != nil {
		return r
	}
	maps.DeleteFunc(c.reforked, func(of int, _ *reforks) bool {
		return !slices.ContainsFunc(c.preloaders, func(p *preloader) bool { return p.origin.Generation == of })
	})
	r := &reforks{told: map[string]bool{}}
	c.reforked[generation] = r
	return r
}

// reforks says whether preloaders are forked from workers at all.
func (c *Core) reforks() bool { return !c.direct() && len(c.policy.Refork.After) > 0 }

// beginRefork asks a worker to fork a preloader, where the time has come, and nothing else is
// under way: every slot has a worker of the only preloader that there is.
func (c *Core) beginRefork(source *preloader) {
	if !c.reforks() || c.phase != PhaseRunning || source.preparing || !c.mayRefork(source) {
		return
	}
	r := c.reforksOf(source.origin.Generation)
	after, more := c.nextRefork(r)
	if c.reforksEnd(r) || !more || c.now < r.retryAt {
		return
	}
	w := c.busiestWorker(source.origin, after)
	if w == nil {
		return
	}
	if r.completed > 0 && !c.reforkPays(source) {
		if !r.putOff {
			r.putOff = true
			c.do(ReforkPutOff{Worker: w.name(), Served: w.served, Each: c.forkCost(source)})
		}
		return
	}
	c.askToRefork(source, w)
}

// askToRefork has a worker fork the next preloader.
func (c *Core) askToRefork(source *preloader, w *worker) {
	r := c.reforksOf(source.origin.Generation)
	r.last++
	reforked := &preloader{origin: ident.Origin{Generation: source.origin.Generation, Refork: r.last}, source: w.key, since: c.now}
	if source == c.seeding() {
		reforked.seededBy = source.origin
	}
	c.addPreloader(reforked)
	c.do(ReforkAsked{Worker: w.name(), Served: w.served})
	c.do(ReforkWorker{w.key, reforked.origin})
	c.do(SetTimer{Timer{TimerPreloaderBoot, reforked.key()}, c.policy.BootTimeout})
}

// nextRefork is after how many requests of a worker the next one comes, and whether there is to be one. Where a later one begins only
// if it pays, there is no last one: as long as a generation lives its workers write to what they share, little by little.
func (c *Core) nextRefork(r *reforks) (after uint64, more bool) {
	all := c.policy.Refork.After
	if r.completed < len(all) {
		return all[r.completed], true
	}
	return all[len(all)-1], c.policy.Refork.Worthwhile
}

// reforksEnd says whether nobody of a generation is asked any more, since it was in vain too often.
func (c *Core) reforksEnd(r *reforks) bool {
	return r.failures >= maxReforkFailures || r.refusals >= maxReforkRefusals
}

// mayRefork says whether nothing else is under way: all slots are served with forks of the only preloader but for one of a
// release that is held back, or the seeds of the newest one are there.
func (c *Core) mayRefork(source *preloader) bool {
	if source == c.seeding() {
		return c.loading() == nil && !slices.ContainsFunc(c.preloaders, func(p *preloader) bool { return p.seededBy == source.origin })
	}
	if slices.ContainsFunc(c.preloaders, func(p *preloader) bool { return p != source && (p.state != ReadyPreloader || !c.heldBack(p)) }) {
		return false
	}
	return c.announced == source.origin && c.startingSuccessors() == 0 && !c.mixed(source)
}

// mixed says whether a slot is served by a worker of another preloader. That may be so after all slots had one of the
// source: where a newer one has taken some of them, and died.
func (c *Core) mixed(source *preloader) bool {
	return slices.ContainsFunc(c.slots, func(s *slot) bool {
		w := s.serving()
		return w != nil && w.state == ReadyWorker && (w.early || w.key.Origin() != source.origin && !c.isSeed(w, source))
	})
}

// busiestWorker is the worker of a preloader that has served most, and at least so many requests, of those that were
// refused least often. nil where none may be asked.
func (c *Core) busiestWorker(origin ident.Origin, minServed uint64) *worker {
	var warm []*worker
	for _, s := range c.slots {
		if w := s.serving(); w != nil && w.state == ReadyWorker && !w.unfit && w.key.Origin() == origin && (len(s.workers) == 1 || c.seeding() != nil) && w.served >= minServed {
			warm = append(warm, w)
		}
	}
	if len(warm) == 0 {
		return nil
	}
	return slices.MaxFunc(warm, func(a, b *worker) int {
		return cmp.Or(cmp.Compare(b.refusals, a.refusals), cmp.Compare(a.served, b.served))
	})
}

func (c *Core) workerReforked(e WorkerReforked) {
	p := c.preloader(e.Origin)
	switch {
	case p == nil:
	case p.state == StartingPreloader:
		c.movePreloader(p, LoadingPreloader)
	default:
		c.killLate(p)
	}
}

// killLate kills a preloader that was given up before its pid was known.
func (c *Core) killLate(p *preloader) {
	if p.state == RetiringPreloader && !p.loaded {
		c.preloaderKill(p.origin)
	}
}

// workerNotReforked notes why a worker did not refork: the application does not want it to be forked from, or there is
// something in it that others must not inherit, or it failed.
func (c *Core) workerNotReforked(e WorkerNotReforked) {
	p := c.preloader(e.Origin)
	if p == nil || !p.loads() {
		return // it took too long, and that was told
	}
	p.reason = ReasonUnsound // its end is no news
	switch {
	case e.Why.Error != nil:
		c.reforkFailed(p)
		c.do(ReforkFailed{Origin: e.Origin, Failure: e.Why.Error})
	case slices.ContainsFunc(e.Why.Findings, Finding.Declared):
		c.markUnfit(p.source, e.Why.Findings)
	default:
		c.reforkRefused(p, e.Why.Findings)
	}
}

// reforkRefused asks this worker again later, if nobody else is found first. A thread that one request has left behind is
// of one worker; what all of them have ends the attempts. The log has each finding once.
func (c *Core) reforkRefused(p *preloader, findings []Finding) {
	r := c.reforksOf(p.origin.Generation)
	r.refusals++
	wait := refusalPause << (2 * (r.refusals - 1))
	c.retryRefork(r, wait)
	if _, w := c.worker(p.source); w != nil {
		w.refusals++
	}
	known := true
	for _, finding := range findings {
		if text := finding.Text + finding.Where; !r.told[text] {
			r.told[text], known = true, false
		}
	}
	c.do(ReforkRefused{Origin: p.origin, Slot: p.source.Slot, Findings: findings, Wait: wait,
		Last: r.refusals == maxReforkRefusals, Known: known})
}

// markUnfit asks a worker no more. Where the application says so of every worker, it does so again and
// again: the first time is worth a line.
func (c *Core) markUnfit(key ident.Key, findings []Finding) {
	_, w := c.worker(key)
	if w == nil {
		return
	}
	w.unfit = true
	r := c.reforksOf(key.Generation)
	for _, finding := range findings {
		c.do(WorkerUnfit{Worker: w.name(), Finding: finding, Known: r.declared})
	}
	r.declared = true
}

// pendingRefork is the preloader that a worker was asked to fork and has not yet, or nil.
func (c *Core) pendingRefork(w *worker) *preloader {
	for _, p := range c.preloaders {
		if p.source == w.key && p.loads() {
			return p
		}
	}
	return nil
}

// reforkLoaded takes note that a preloader which was forked from a worker can fork.
func (c *Core) reforkLoaded(p *preloader, loaded Load) {
	if p.state == StartingPreloader {
		c.movePreloader(p, LoadingPreloader) // its own packet has overtaken the worker's
	}
	if p.state != LoadingPreloader {
		c.killLate(p)
		return
	}
	c.movePreloader(p, ReadyPreloader)
	p.loaded = true
	p.forked = c.now
	c.do(PreloaderReforked{Origin: p.origin, Pid: loaded.Pid, Seconds: loaded.Seconds})
	c.fill()
}

// reforkExited takes note that a preloader which was to be forked from a worker is gone before it could fork.
func (c *Core) reforkExited(p *preloader, e PreloaderExited) {
	defer c.afterPreloader(p)
	silent := e.Failed == nil && e.StartError == nil && e.Exit == ident.ExitStatus{}
	switch {
	case p.reason == ReasonUnsound:
		return // the worker has told why
	case silent && p.reason != "" && p.reason != ReasonBootTimeout:
		c.do(ReforkCancelled{Origin: p.origin, Reason: p.reason})
		return
	}
	c.reforkFailed(p)
	failed := ReforkFailed{Origin: p.origin, Exit: &e.Exit}
	switch {
	case e.StartError != nil:
		failed.Exit, failed.StartError = nil, e.StartError
	case e.Failed != nil:
		failed.Failure = &e.Failed.Failure
	case p.reason == ReasonBootTimeout:
		failed.Reason = p.reason
	case silent:
		failed.Exit, failed.Reason = nil, ReasonNotBegun
	}
	c.do(failed)
}

// workerAnsweredFirst takes the first response from a refork: a good one proves it, a bad one ends it.
func (c *Core) workerAnsweredFirst(e WorkerAnsweredFirst) {
	p := c.preloader(e.Key.Origin())
	if p == nil || p.proven || p.state != ReadyPreloader {
		return
	}
	if e.Status == 0 || e.Status >= 500 {
		c.giveUpRefork(p, ReforkGivenUp{Origin: p.origin, Status: e.Status, Request: e.Request})
	} else {
		c.prove(p)
	}
	c.fill()
}

// prove notes that a worker of a reforked preloader has shown what it can do.
func (c *Core) prove(p *preloader) {
	p.proven = true
	c.retireSeeded(p)
}

// giveUpUnsoundRefork goes back to the preloader before, where a worker has died early: that one may do better.
func (c *Core) giveUpUnsoundRefork(gone *worker) {
	p := c.preloader(gone.key.Origin())
	if p != nil && p.origin.Refork > 0 && p.state == ReadyPreloader {
		c.giveUpRefork(p, ReforkGivenUp{Origin: p.origin, Reason: ReasonDiedEarly})
	}
}

// giveUpRefork takes every slot back to the preloader before, where that is still there. It never goes back to older code.
func (c *Core) giveUpRefork(p *preloader, told ReforkGivenUp) {
	if before := c.newest(func(other *preloader) bool {
		return other.state == ReadyPreloader && other.origin.Generation == p.origin.Generation && other.origin.Before(p.origin)
	}); before == nil {
		p.proven = true // there is no better one
		return
	}
	c.do(told)
	c.reforkFailed(p)
	c.retire(p, ReasonUnsound)
}

func (c *Core) reforkFailed(p *preloader) {
	r := c.reforksOf(p.origin.Generation)
	r.failures++
	c.retryRefork(r, reforkPause)
}

// retryRefork lets some time pass before the next attempt, which no request may tell.
func (c *Core) retryRefork(r *reforks, wait time.Duration) {
	r.retryAt = c.now + wait
	c.do(SetTimer{Timer{Kind: TimerRefork}, wait})
}

// reforkedPreloaderDied counts a preloader that dies before its workers are everywhere as a refork that failed.
func (c *Core) reforkedPreloaderDied(p *preloader) {
	if p.origin.Refork > 0 && c.announced != p.origin {
		c.reforkFailed(p)
	}
}

// outdated says whether a worker should make room for one of the newest source. Of the same generation
// that may be an older one: the preloader that was to follow it is gone.
func (c *Core) outdated(w *worker, source *preloader) bool {
	origin := w.key.Origin()
	return origin.Generation < source.origin.Generation || c.givesBack(w, source) ||
		origin.Generation == source.origin.Generation && (c.outgrown(w) || origin.Refork != source.origin.Refork && !c.isSeed(w, source))
}

// reforkCompleted notes that all workers are forks of the preloader that was reforked.
func (c *Core) reforkCompleted(p *preloader) {
	r := c.reforksOf(p.origin.Generation)
	r.completed, r.putOff = r.completed+1, false
	if now := c.reforkNow; now != nil && now.origin == p.origin {
		now.completed = true
	}
	c.do(ReforkCompleted{Origin: p.origin})
}

// hasSuccessor says whether another preloader of the same generation is there, whose exit handlers are still
// to run. One that is not forked yet may never be.
func (c *Core) hasSuccessor(p *preloader) bool {
	return slices.ContainsFunc(c.preloaders, func(other *preloader) bool {
		return other != p && other.origin.Generation == p.origin.Generation && other.state == ReadyPreloader
	})
}
