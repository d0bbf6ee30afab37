package core

import (
	"time"

	"launcher/preforker/ident"
)

// Workers that die one after the other before they have served anything, and loads that fail one after the other, are given up for a
// while: the slot, or the generation, has failed. It is tried again seldom, since what it lacks may be there again, and at once when
// somebody asks for a restart. A request that kills its worker brings no slot there: that worker has come up.

const (
	// slotCrashes is how many workers in a row have to crash until their slot has failed: the waits between them have grown to the longest.
	slotCrashes = 10
	// loadCrashes is how many generations in a row have to fail: for the same reason.
	loadCrashes = 8
	// failedRetry is between two tries of what has failed.
	failedRetry = 5 * time.Minute
	// failedRetryDown is that at most where no worker serves any slot.
	failedRetryDown = 2 * failedRetry
	// failedRetryMax is that at most where tries are expensive.
	failedRetryMax = time.Hour
	// crashShare bounds what tries cost: one that took 10 ms of a CPU is followed by a wait of two seconds at least. What forks it has
	// work with it, too: together they stay below a hundredth of a CPU.
	crashShare = 200
)

// Death is the end of a worker that should have served on, or of a preloader.
type Death struct {
	At      time.Duration
	Worker  WorkerName
	Reason  Reason
	Exit    ident.ExitStatus
	Failed  *Failed  // what it said last; nil: nothing
	Request string   // in hand, or ""
	Lines   []string // the last ones that it printed
	CPU     time.Duration
}

// crashes are the ends of workers of a slot that have served nothing, with no request in hand.
type crashes struct {
	all        int // ever
	row        int // since one has come up
	generation int // of the last one
	failed     bool
	failedAt   time.Duration // since when
	told       bool
	last       Death // of a worker of this slot that should have served on; its time is 0 where none has died
}

// noteCrash takes the end of a worker that should have served on. Crashed says that it has not come up. A slot without a socket waits
// for that, and has not failed.
func (c *Core) noteCrash(s *slot, death Death, crashed bool) {
	s.crashes.last = death
	if !crashed {
		return
	}
	s.crashes.all++
	s.crashes.row++
	s.crashes.generation = death.Worker.Key.Generation
	if s.crashes.row >= slotCrashes && !s.crashes.failed && !s.hasNoSocket() {
		s.crashes.failed, s.crashes.failedAt = true, c.now
	}
}

// comesUp notes how often workers had crashed when this one was ready.
func (c *Core) comesUp(s *slot, w *worker) {
	w.crashesBefore = s.crashes.all
	if s.crashes.row > 0 {
		c.do(SetTimer{Timer{TimerSound, w.key}, soundAfter})
	}
}

// hasComeUp says whether a worker shows that its slot is sound: it is newer than those that have crashed, and of no older code.
func (s *slot) hasComeUp(w *worker) bool {
	return w.crashesBefore == s.crashes.all && w.key.Generation >= s.crashes.generation
}

// workerSound ends the crashes in a row of a slot whose worker has served, or has been there for a while.
func (c *Core) workerSound(s *slot, w *worker) {
	if s == nil || s.crashes.row == 0 || c.isRemoved(s) || c.phase != PhaseRunning || !s.hasComeUp(w) {
		return
	}
	c.endCrashes(s, w)
}

func (c *Core) soundTimeout(key ident.Key) {
	s, w := c.worker(key)
	if w == nil || w.state != ReadyWorker {
		return
	}
	failed := s != nil && s.crashes.failed
	c.workerSound(s, w)
	if failed {
		c.fill()
	}
}

// endCrashes has a slot no more failed, because this worker has come up. What it lacked may be there for others, too: they are tried.
func (c *Core) endCrashes(s *slot, w *worker) {
	s.crashes.row = 0
	if !s.crashes.failed {
		return
	}
	s.crashes.failed, s.crashes.told = false, false
	if s.serving() == w {
		s.deaths = 0
	}
	c.do(SlotRecovered{Worker: w.name(), After: c.now - s.crashes.failedAt})
	for _, other := range c.slots {
		if other.crashes.failed {
			c.tryFailed(other)
		}
	}
}

// tryFailed has a failed slot tried as soon as that is possible.
func (c *Core) tryFailed(s *slot) {
	s.waits++ // the timer of its wait finds another one
	s.retryAt = c.now
	c.endWait(s)
}

// forgetCrashes has all slots tried that have failed: somebody has asked for a restart, or there is other code.
func (c *Core) forgetCrashes() {
	for _, s := range c.slots {
		s.crashes.row = 0
		if s.crashes.failed {
			c.tryAnew(s)
		}
	}
}

// tryOtherCode has all slots tried that have failed, or wait since workers have crashed: a generation has loaded.
func (c *Core) tryOtherCode() {
	for _, s := range c.slots {
		waits := s.deaths > slotBackoff.free && s.retryAt > c.now && !s.hasNoSocket()
		s.crashes.row = 0
		if s.crashes.failed || waits {
			c.tryAnew(s)
		}
	}
}

// tryAnew has a slot tried at once, and its next failures count from the first.
func (c *Core) tryAnew(s *slot) {
	s.crashes.failed, s.crashes.told = false, false
	s.deaths = min(s.deaths, slotBackoff.free+1) // the newest generation may be what mends it
	c.tryFailed(s)
}

// waitFailed keeps a slot that has failed from being tried again for long.
func (c *Core) waitFailed(s *slot) {
	wait := c.failedWait(s)
	again := s.crashes.told
	s.crashes.told = true
	c.wait(s, wait)
	c.do(SlotFailed{Slot: s.number, Deaths: s.crashes.row, Wait: wait, Death: s.crashes.last, Served: s.serving() != nil, Again: again})
}

// failedWait is until the next try of a slot. Where nobody serves, one of them is tried for all.
func (c *Core) failedWait(s *slot) time.Duration {
	cost := crashShare * s.crashes.last.CPU
	if c.unserved() {
		if wait := min(max(cost, unservedBackoff.max), failedRetryDown); !c.triesWithin(s, wait) {
			return wait
		}
	}
	failed := 0
	for _, other := range c.slots {
		if other.crashes.failed {
			failed++
		}
	}
	wait := min(max(failedRetry, time.Duration(failed)*cost), failedRetryMax)
	return wait + time.Duration(c.random()*float64(wait)/10)
}

// GenerationFailure is why the application is loaded but seldom.
type GenerationFailure struct {
	Since    time.Duration
	Failures int           // in a row
	RetryAt  time.Duration // no load before, unless somebody asks for it
	Failure  LoadFailure   // the last one; its preloader may have loaded, and have died then
}

// failedLoadWait is until the next load, after so many that have failed.
func (c *Core) failedLoadWait() time.Duration {
	cost := crashShare * c.lastEnd.CPU
	if c.unserved() {
		return min(max(cost, unservedBackoff.max), failedRetryDown)
	}
	return min(max(cost, failedRetry), failedRetryMax)
}

// failLoads has loads wait long, after so many that have failed in a row.
func (c *Core) failLoads() {
	again := c.crashing != nil
	if !again {
		c.crashing = &GenerationFailure{Since: c.now}
	}
	c.crashing.Failures, c.crashing.Failure = c.failures, c.lastEnd
	wait := c.failedLoadWait()
	c.do(GenerationFailed{Failure: c.lastEnd, Failures: c.failures, Wait: wait, Served: !c.unserved(), Again: again})
	c.reloadAfter(wait)
}

// forgetFailedLoads has the next failures count from the first.
func (c *Core) forgetFailedLoads() { c.failures, c.crashing = 0, nil }

// loadSound ends the failures in a row of loads: the preloader of the newest one has been there for a while.
func (c *Core) loadSound(origin ident.Origin) {
	if p := c.preloader(origin); p != nil && (p.state == ReadyPreloader || c.direct()) && origin.Generation > c.lastEnd.Generation {
		c.forgetFailedLoads()
	}
}

// SlotFailure is of a slot that gets workers but seldom.
type SlotFailure struct {
	Since  time.Duration
	Deaths int // in a row
}

func (r *crashes) view() (failed *SlotFailure, died *Death) {
	if r.failed {
		failed = &SlotFailure{r.failedAt, r.row}
	}
	if r.last.Reason != "" {
		last := r.last
		died = &last
	}
	return failed, died
}

func (c *Core) crashingView() *GenerationFailure {
	if c.crashing == nil {
		return nil
	}
	view := *c.crashing
	return &view
}

// preloaderDeathReason says why a preloader has died, where how it has ended does not.
func preloaderDeathReason(e PreloaderExited) Reason {
	if e.OutOfMemory {
		return ReasonOutOfMemory
	}
	return ""
}
