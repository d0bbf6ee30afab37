package core

import (
	"fmt"
	"slices"
	"time"

	"launcher/preforker/ident"
)

// preloader is what workers are forked from: a process that was started and has loaded a
// generation, or one that was forked from a worker of it. With direct spawning
// there is no process behind it: each worker loads the application for itself, and
// the first that has done so makes the generation ready.
type preloader struct {
	origin     ident.Origin
	source     ident.Key // the worker that it is forked from; none where it was started
	state      PreloaderState
	reason     Reason
	since      time.Duration // of its state
	low        bool          // its priority
	identified bool          // what Ruby it is
	loaded     bool          // once
	preparing  bool          // what keeps memory shared, beside its first workers, or it is to
	prepared   float64       // seconds that this took
	proven     bool          // a worker of it was ready once, or answered its first request after a refork
	forked     time.Duration // when it last answered a spawn, or loaded

	seeding      bool          // most slots wait for the one that is reforked from its workers
	seedExtended bool          // the time for that runs for the second time
	seedUntil    time.Duration // when it is over; untilDemand: not yet
	seedLast     time.Duration // when it is over at the latest where seeds are short of CPUs
	pressed      bool          // all seeds have a request in hand
	pressedSince time.Duration // since when
	takesOver    bool          // its seeds serve the slots of older generations too
	heldUntil    time.Duration // no slot is filled before while a newer generation loads; 0: its own time has not been over yet
	lendUntil    time.Duration // until when those whose workers it was forked from serve all slots, unless these are filled before
	seededBy     ident.Origin  // the preloader whose workers stay when all slots are filled from this one; none: they are replaced
}

// load starts the next generation.
func (c *Core) load() {
	c.generation++
	c.reloadAt, c.again = 0, false
	c.restartLoads()
	c.preloaders = append(c.preloaders, &preloader{origin: ident.Origin{Generation: c.generation}, since: c.now})
	c.do(LoadBegan{Generation: c.generation})
	if c.direct() {
		c.fill()
		return
	}
	prepare := c.preparing()
	c.preloaders[len(c.preloaders)-1].preparing = prepare == PrepareBeside
	low := c.count(ReadyWorker) > 0
	c.preloaders[len(c.preloaders)-1].low = low
	c.do(StartPreloader{c.generation, prepare, low})
	c.do(SetTimer{Timer{TimerPreloaderBoot, ident.Key{Generation: c.generation}}, c.policy.BootTimeout})
	if low {
		c.do(SetTimer{Timer{TimerPriority, ident.Key{Generation: c.generation}}, c.policy.BootTimeout / lowPart})
	}
}

func (c *Core) preloader(origin ident.Origin) *preloader {
	for _, p := range c.preloaders {
		if p.origin == origin {
			return p
		}
	}
	return nil
}

// newestSource is the newest preloader that workers can be had of: slots roll to it.
func (c *Core) newestSource() *preloader { return c.newest(c.canFork) }

// canFork says whether workers are to be had of a preloader.
func (c *Core) canFork(p *preloader) bool { return c.able(p) && !c.heldBack(p) }

// able says whether workers can be had of a preloader.
func (c *Core) able(p *preloader) bool {
	return p.state == ReadyPreloader || c.direct() && p.loads()
}

// loads says whether the application is on its way.
func (p *preloader) loads() bool {
	return p.state == StartingPreloader || p.state == LoadingPreloader
}

// provenSource is the one that an empty slot is filled from: the newest whose workers
// have been seen to come up, so that a bad release does not take the slots whose old
// worker happens to die.
func (c *Core) provenSource() *preloader {
	proven := c.newest(func(p *preloader) bool { return p.proven && c.canFork(p) })
	if proven == nil {
		return c.newestSource()
	}
	return proven
}

// key is a preloader's in its timers.
func (p *preloader) key() ident.Key {
	return ident.Key{Generation: p.origin.Generation, Refork: p.origin.Refork}
}

func (c *Core) newest(fits func(*preloader) bool) *preloader {
	for i := len(c.preloaders) - 1; i >= 0; i-- {
		if fits(c.preloaders[i]) {
			return c.preloaders[i]
		}
	}
	return nil
}

// loading is the preloader of another generation that is on its way, or nil.
func (c *Core) loading() *preloader {
	for _, p := range c.preloaders {
		if p.loads() && p.origin.Refork == 0 {
			return p
		}
	}
	return nil
}

func (c *Core) movePreloader(p *preloader, to PreloaderState) {
	if err := transition(preloaderTransitions, &p.state, to); err != nil {
		c.contradict(fmt.Errorf("preloader %s: %w", p.origin, err))
		return
	}
	p.since = c.now
}

func (c *Core) preloaderHello(e PreloaderHello) {
	p := c.preloader(e.Origin)
	if p == nil || p.state != StartingPreloader {
		return // it is being stopped already
	}
	p.identified = true
	c.movePreloader(p, LoadingPreloader)
	c.do(PreloaderLoads{Origin: p.origin, Pid: e.Hello.Pid, Ruby: e.Hello.Ruby})
}

func (c *Core) preloaderLoaded(e PreloaderLoaded) {
	p := c.preloader(e.Origin)
	if p != nil && p.origin.Refork > 0 {
		c.reforkLoaded(p, e.Loaded)
		return
	}
	if p == nil || p.state != LoadingPreloader {
		return
	}
	c.restorePriority(p)
	c.generationLoaded(p, nil, e.Loaded)
	if p.preparing {
		c.loadedEarly(p)
		return
	}
	c.beginSeeding(p)
	p.forked = c.now
	c.findings(p, e.Loaded.Findings)
	c.loadAgain()
	c.fill()
}

// lowPart is how many times the longest time in which a new release loads with a low priority fits into the boot timeout: a busy
// machine has to get it loaded all the same.
const lowPart = 4

// restorePriority ends the low priority of a preloader that loads beside workers that serve.
func (c *Core) restorePriority(p *preloader) {
	if p != nil && p.low {
		p.low = false
		c.do(RestorePriority{p.origin})
	}
}

// generationLoaded notes that the application is there, for the first time in this generation. The worker is who has
// loaded it, nil where its preloader has.
func (c *Core) generationLoaded(p *preloader, by *worker, loaded Load) {
	c.movePreloader(p, ReadyPreloader)
	p.loaded = true
	c.hasLoaded(p, loaded)
	c.beginTrial(p.origin.Generation)
	c.phase = PhaseRunning
	told := GenerationLoaded{Origin: p.origin, Load: loaded}
	if by != nil {
		name := by.name()
		told.Worker = &name
	}
	c.do(told)
	c.tryOtherCode()
	if c.failures > 0 {
		c.do(SetTimer{Timer{TimerSound, p.key()}, soundAfter})
	}
}

// loadAgain starts the load that was asked for while another was on its way, and
// says whether there was one.
func (c *Core) loadAgain() bool {
	if !c.again || c.phase >= PhaseStopping || c.loading() != nil || c.givenUp() {
		return false
	}
	c.load()
	return true
}

// preloaderExited decides what follows from a preloader's end. One that was told to go is done; one
// that never loaded is an error, fatal where nothing has loaded yet; one that had loaded is replaced.
func (c *Core) preloaderExited(e PreloaderExited) {
	p := c.preloader(e.Origin)
	if p == nil {
		return
	}
	was, stayed := p.state, c.now-p.since
	if p.reason == ReasonBootTimeout && !p.identified && !c.direct() && p.origin.Refork == 0 {
		was = StartingPreloader
	}
	c.movePreloader(p, ExitedPreloader)
	c.dropPreloader(p)
	if was == ReadyPreloader {
		c.reforkedPreloaderDied(p) // before anything is begun in its place
	}
	c.forgetSpawning(p.origin)
	switch {
	case c.phase == PhaseStopping:
		c.do(PreloaderLeft{Origin: p.origin, Exit: e.Exit})
		c.finishWhenDone()
		return
	case was == RetiringPreloader && p.reason != ReasonBootTimeout:
		c.do(PreloaderRetired{Origin: p.origin})
		c.loadAgain()
		c.fill()
		return
	case was == ReadyPreloader:
		c.do(PreloaderDied{Origin: p.origin, Reason: preloaderDeathReason(e), Exit: e.Exit, Failed: e.Failed})
		c.unprepared = c.unprepared || p.preparing
		if stayed > soundAfter {
			c.forgetFailedLoads()
		}
		c.lastEnd = LoadFailure{Generation: p.origin.Generation, Exit: e.Exit, Failed: e.Failed, Was: was, CPU: e.CPU}
	case p.origin.Refork > 0:
		c.reforkExited(p, e)
		return
	default:
		c.notLoaded(p, LoadFailure{Generation: p.origin.Generation, Exit: e.Exit, Failed: e.Failed, StartError: e.StartError,
			Lines: e.Lines, Program: e.Program, Was: was, Reason: p.reason, Timeout: c.policy.BootTimeout, CPU: e.CPU})
		return
	}
	c.afterPreloader(p)
}

// notLoaded tells that a generation has not loaded the application, and stops where none had before.
func (c *Core) notLoaded(gone *preloader, failure LoadFailure) {
	if c.phase == PhaseBooting {
		c.stop(&failure)
		return
	}
	c.failedLoad, c.lastEnd = &FailedLoad{At: c.now, Failure: failure}, failure
	c.do(LoadFailed{Failure: failure})
	c.endRestartOf(failure.Generation, RestartNotLoaded)
	c.afterPreloader(gone)
}

// afterPreloader sees to what comes after a preloader that is gone.
func (c *Core) afterPreloader(gone *preloader) {
	if !c.loadAgain() {
		c.reloadLater(gone)
	}
	c.fill()
}

// addPreloader keeps the oldest first: while a newer release is held back, the older one may refork.
func (c *Core) addPreloader(p *preloader) {
	at := len(c.preloaders)
	for at > 0 && p.origin.Before(c.preloaders[at-1].origin) {
		at--
	}
	c.preloaders = slices.Insert(c.preloaders, at, p)
}

func (c *Core) dropPreloader(gone *preloader) {
	for i, p := range c.preloaders {
		if p == gone {
			c.preloaders = append(c.preloaders[:i], c.preloaders[i+1:]...)
			return
		}
	}
}

// preloaderBootTimeout asks a preloader that still loads where it is, and kills it
// a little later, with whatever it started.
func (c *Core) preloaderBootTimeout(origin ident.Origin) {
	p := c.preloader(origin)
	if p != nil && p.preparing && p.state == ReadyPreloader {
		c.preparationTimeout(p)
		return
	}
	if p == nil || !p.loads() {
		return
	}
	p.reason = ReasonBootTimeout
	c.movePreloader(p, RetiringPreloader)
	ask := ident.SIGQUIT
	if origin.Refork > 0 {
		c.do(ReforkTimedOut{Origin: origin, Timeout: c.policy.BootTimeout})
		ask = ident.SIGKILL // it runs no code of the application that it could tell of
	}
	c.do(SignalPreloader{Origin: origin, Signal: ask})
	c.do(SetTimer{Timer{TimerPreloaderKill, p.key()}, killGrace})
}

func (c *Core) preloaderKill(origin ident.Origin) {
	if p := c.preloader(origin); p != nil {
		// What a load has started is of no use to anybody when it is given up; what a loaded
		// application has started may be.
		c.do(SignalPreloader{Origin: origin, Signal: ident.SIGKILL, Group: !p.loaded})
	}
}

// preloaderChannelClosed kills a preloader that has closed its control socket, or talks nonsense, and
// cannot be told to fork any more. One that is on its way out is let go. One that loads may be about
// to end, and how it ends is what the report says.
func (c *Core) preloaderChannelClosed(e PreloaderChannelClosed) {
	p := c.preloader(e.Origin)
	switch {
	case p == nil || p.state == RetiringPreloader:
	case p.loads() && p.origin.Refork == 0:
		c.do(SetTimer{Timer{TimerPreloaderChannel, p.key()}, killGrace})
	default:
		c.preloaderKill(e.Origin)
	}
}

func (c *Core) preloaderChannelTimeout(origin ident.Origin) {
	if p := c.preloader(origin); p != nil && p.loads() {
		p.reason = ReasonChannelClosed
		c.preloaderKill(origin)
	}
}

func (c *Core) retire(p *preloader, reason Reason) {
	if c.direct() {
		c.endGeneration(p)
		return
	}
	if p.state == RetiringPreloader {
		return
	}
	p.reason = reason
	switch {
	case p.state == ReadyPreloader && p.preparing:
		c.endPreparing(p.origin)
	case p.state == ReadyPreloader:
		c.do(RetirePreloader{p.origin, !c.hasSuccessor(p)})
	case p.origin.Refork > 0:
		// The one that it comes from runs the exit handlers, which a signal that can be caught would, too.
		c.do(SignalPreloader{Origin: p.origin, Signal: ident.SIGKILL})
	default:
		c.do(SignalPreloader{Origin: p.origin, Signal: ident.SIGTERM, Group: true})
	}
	c.movePreloader(p, RetiringPreloader)
	c.do(SetTimer{Timer{TimerPreloaderKill, p.key()}, retireGrace})
}
