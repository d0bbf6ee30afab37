package sim

import (
	"fmt"
	"time"

	"launcher/preforker/core"
	"launcher/preforker/ident"
)

// What the core holds itself to, stated once more.
const (
	soundAfter   = 10 * time.Second // without a request
	leaverTime   = time.Second      // for which a renewal waits for the one before
	fillTime     = 10 * time.Second // for which seeds serve slots that are being filled
	killGrace    = time.Second
	spawnsAtOnce = 8
	megabyte     = 1 << 20
)

// checker says what must not be. It knows what a core was told and what it has said, nothing else of it, so it serves
// for a simulated history as for a recorded one.
type checker struct {
	policy    core.Policy
	recorded  bool // the history is a recorded one: another core may have led to its events
	now       time.Duration
	event     core.Event     // of this step
	unstarted *checkedWorker // whose spawn has failed in this step
	unkilled  *checkedWorker // that has to be killed in this step
	drained   *checkedWorker // that makes room for a fork of its generation in this step
	returned  []ident.Key    // workers that are to return sockets in this step
	due       []core.Timer   // that this step has to set: nobody has for ever to come up, or to leave
	problem   string         // the first one

	spare      checkedSpare
	slots      []checkedSlot
	removed    []*checkedSlot   // that are not among them any more
	unneeded   []*checkedWorker // of those that this step removes
	parkedAt   time.Duration    // when the last idle worker has left
	workers    []*checkedWorker // by serial, also those that have ended
	preloaders []*checkedPreloader
	generation int // the newest that was begun
	failed     int // the newest that has not loaded
	timers     map[core.Timer]int

	booted, stopping, held, hidden, finished bool

	succeeded bool // another launcher follows
	fronted   bool // it stops, and the front has yet to

	bound, leastBound uint64                // bytes that a worker may have, now and at least in this step
	reforkAt          map[int]time.Duration // by generation: no refork before
	reforked          map[int]int           // by generation: the last one
	reloadAt          time.Duration         // no load before
	paceUntil         time.Duration         // no replacement before that is to save memory alone
	unprepared        bool                  // a preloader has died in its preparation
	reloaded          time.Duration         // when one was begun at once in place of one that was gone
	restartNoted      bool
	asked             checkedRestarts
	verbs             checkedVerbs
	available         uint64
	short             bool             // of memory for a load, which this step begins
	loadFailures      int              // in a row, at most: loads, and preloaders that have died
	recycling         bool             // an application has asked for another worker
	passed            []*checkedWorker // a limit, in this step

	trials       map[int]*checkedTrial // by generation
	newestLoaded int                   // the generation whose trial it is
	loadedAt     time.Duration         // when it had loaded
}

type checkedSlot struct {
	open    bool
	binding int              // how often its socket was lost
	socket  int              // how often it has had another one, or none
	workers []*checkedWorker // that live
	died    map[int]bool     // generations whose workers have died here
	wait    time.Duration    // no worker before, in a backoff
	timer   core.Timer       // that ends the wait
	backoff bool             // nobody else serves it meanwhile
	anyTime bool             // though it waits: other code has loaded
	vacant  bool             // it wanted a worker before this step
	parked  bool             // it is to have none before a connection waits
	crashes checkedCrashes
}

type checkedWorker struct {
	key       ident.Key
	binding   int           // of its slot, when it was spawned
	since     time.Duration // ready
	pid       bool          // told
	loaded    bool          // with direct spawning
	ready     bool
	probe     core.Probe // what it is asked for before that
	said      bool       // that it leaves
	told      bool       // to leave, in whatever way; or it has said so itself
	toldAt    time.Duration
	patient   bool // it may take its time
	renewed   bool // for a fork of its generation
	killed    bool
	holds     bool // its slot waits for its end
	ended     bool
	stops     bool        // it was told because all stop
	empties   bool        // its queue, before it leaves
	unstarted bool        // its spawn has failed, and it is not forgotten yet
	early     bool        // forked before its preloader had prepared
	follows   bool        // one that served when it was spawned
	unfit     bool        // for a refork
	borrowed  map[int]int // the sockets that it has besides its own, by slot
	private   uint64
	served    uint64
	errors    int           // responses with 500, the last ones
	asked     time.Duration // when that was so
	busy      bool
	used      time.Duration // when it was last seen to do something
	idle      bool          // it leaves because it has nothing to do
	home      *checkedSlot  // its slot, where that is gone
	spawned   time.Duration
	ran       time.Duration  // or was short of a CPU
	ranAt     time.Duration  // when that was so
	successor *checkedWorker // a fork of a refork of its generation, which it has made room for
	prepared  bool           // and has no slot

	limit        time.Duration // it has passed one, and has so long
	limitAt      time.Duration
	limitRequest string // in hand then
	located      bool   // it was asked where it is

	given bool // it was a spare
}

func (w *checkedWorker) accepting() bool { return w.ready && !w.told && !w.ended }
func (w *checkedWorker) comingUp() bool  { return !w.ready && !w.told && !w.ended }

type checkedPreloader struct {
	origin   ident.Origin
	source   ident.Key // the worker that is to fork it
	low      bool      // its priority
	loaded   bool
	since    time.Duration // loaded
	told     bool          // to leave, or given up
	proven   bool          // its workers have shown that they serve
	early    bool          // it prepares beside its first workers, or is to
	begun    bool          // it was told to
	prepared float64       // seconds that this took
	maybe    bool          // it is taken for proven where a worker of it died early and there is no other

	seeding   bool          // most slots wait for the one that is reforked from its workers
	seedings  int           // how often a time for that was set
	until     time.Duration // when it is over
	pressed   bool          // all seeds are busy
	pressedAt time.Duration // since when
	lendUntil time.Duration // until when the workers that it was forked from one of have the sockets of others
	completed bool          // all slots were served by its workers
	seededBy  ident.Origin  // the preloader whose workers stay, as it was seeding when one of them was asked
}

func newChecker(slots int, p core.Policy) *checker {
	c := &checker{policy: p, slots: make([]checkedSlot, slots), workers: []*checkedWorker{nil},
		timers: map[core.Timer]int{}, trials: map[int]*checkedTrial{}, reforkAt: map[int]time.Duration{}, reforked: map[int]int{}, bound: p.Renewal.Budget.Bytes}
	for i := range c.slots {
		c.slots[i].open = true
	}
	return c
}

func (c *checker) fail(format string, args ...any) {
	if c.problem == "" {
		c.problem = fmt.Sprintf(format, args...)
	}
}

// impossible is a history that no supervisor can have. A recorded one may be, for another core.
func (c *checker) impossible(format string, args ...any) {
	if !c.recorded {
		c.fail(format, args...)
	}
}

func (c *checker) direct() bool { return c.policy.Method == core.SpawnDirect }

func (c *checker) renews() bool {
	r := c.policy.Renewal
	return c.recycling || c.policy.Limits.MaxAge > 0 || !c.direct() && (r.Budget.Auto || r.Budget.Bytes > 0 || r.MaxRequests > 0)
}

// worker is one that lives, or nil.
func (c *checker) worker(key ident.Key) *checkedWorker {
	if key.Serial <= 0 || key.Serial >= len(c.workers) {
		return nil
	}
	if w := c.workers[key.Serial]; key.Same(w.key) && !w.ended {
		return w
	}
	return nil
}

// preloader is one that lives, or nil. Nobody can tell with direct spawning.
func (c *checker) preloader(origin ident.Origin) *checkedPreloader {
	for _, p := range c.preloaders {
		if p.origin == origin {
			return p
		}
	}
	return nil
}

// sources are what an empty slot is filled from, and what slots roll to.
func (c *checker) sources() (proven, newest *checkedPreloader) {
	for _, p := range c.preloaders {
		if p.loaded && !p.told && !c.heldBack(p) {
			newest = p
			if p.proven {
				proven = p
			}
		}
	}
	if proven == nil {
		proven = newest
	}
	return proven, newest
}

// alone says whether there is no preloader of the same code before one to go back to.
func (c *checker) alone(p *checkedPreloader) bool {
	for _, other := range c.preloaders {
		if other.loaded && !other.told && other.origin.Generation == p.origin.Generation && other.origin.Before(p.origin) {
			return false
		}
	}
	return true
}

func (s *checkedSlot) accepting() *checkedWorker {
	for _, w := range s.workers {
		if w.accepting() {
			return w
		}
	}
	return nil
}

func (s *checkedSlot) comingUp() *checkedWorker {
	for _, w := range s.workers {
		if w.comingUp() {
			return w
		}
	}
	return nil
}

// held says whether the end of a worker is waited for.
func (s *checkedSlot) held() bool {
	for _, w := range s.workers {
		if w.holds {
			return true
		}
	}
	return false
}

// wantsWorker has nobody's end waited for any more: the slot is filled now, if nobody serves it.
func (s *checkedSlot) wantsWorker() {
	for _, w := range s.workers {
		w.holds = false
	}
}

// step takes an event and what the core made of it.
func (c *checker) step(now time.Duration, e core.Event, actions []core.Action) {
	if now < c.now {
		c.impossible("time goes back")
	}
	c.now, c.event, c.leastBound, c.unstarted, c.unkilled, c.drained, c.short = now, e, c.bound, nil, nil, nil, false
	c.due, c.passed = c.due[:0], nil
	late := c.takes(e)
	for _, a := range actions {
		if _, fact := a.(core.Fact); !fact && c.finished {
			c.fail("%T after the end", a)
		} else if !fact && late {
			c.fail("%T of one that is gone leads to %T %+v", e, a, a)
		}
		c.did(a)
	}
	if c.unkilled != nil {
		c.fail("%v is not killed, though its pid is known now", c.unkilled.key)
	}
	if c.unstarted != nil && c.unstarted.unstarted && !c.direct() {
		c.fail("%v was not started and is not forgotten", c.unstarted.key)
	}
	for _, timer := range c.due {
		if c.timers[timer] == 0 {
			c.fail("there is no time limit: %q of %v", timer.Kind, timer.Key)
		}
	}
	c.checkLimits()
	c.checkTrials()
	c.checkRestart()
	c.checkVerbs()
	c.checkStop()
	c.replacesSeeds()
	c.checkSlots()
	c.checkParked()
	c.checkSpare()
	c.checkBorrowers()
	c.checkPress()
	c.checkOthers(actions)
}

// checkSlots are the invariants of each slot after each step.
func (c *checker) checkSlots() {
	for i := range c.slots {
		s := &c.slots[i]
		accepting, coming := 0, 0
		for _, w := range s.workers {
			if w.accepting() {
				accepting++
				c.checkServing(s, w)
			}
			if w.comingUp() {
				coming++
				if c.stopping {
					c.fail("%v comes up while the launcher stops", w.key)
				}
			}
		}
		if accepting > 1 {
			c.fail("%d workers serve slot %d", accepting, i)
		}
		if coming > 1 {
			c.fail("%d workers come up in slot %d", coming, i)
		}
		s.vacant = accepting+coming == 0 && !s.held() && !s.backoff && !s.parked
	}
}

func (c *checker) checkServing(s *checkedSlot, w *checkedWorker) {
	if w.binding != s.binding && !c.stopping {
		c.fail("%v serves a socket that was lost", w.key)
	}
	if c.stopping && !c.held {
		c.fail("%v was not told that the launcher stops", w.key)
	}
}

// settled are the invariants that hold once what failed at once was told, too: nothing that could be done is
// left for the next event.
func (c *checker) settled() {
	if c.finished {
		return
	}
	if c.stopping {
		if len(c.preloaders) == 0 && c.living() == 0 {
			c.fail("everybody is gone, and it does not finish")
		}
		return
	}
	_, newest := c.sources()
	if newest == nil {
		c.checkUnusedSpare()
	}
	if newest == nil || c.direct() {
		return
	}
	spawning := c.onTheirWay()
	for i := range c.slots {
		s := &c.slots[i]
		if s.accepting() == nil && s.comingUp() == nil && !s.held() && !s.parked && s.wait == 0 && spawning < spawnsAtOnce {
			if why := c.unseeded(newest); why != "" && !c.waitsForRelease(i) {
				c.fail("slot %d has no worker, and nothing is waited for: %s", i, why)
			}
		}
	}
	c.checkLent()
	c.checkHope()
}

// onTheirWay counts the workers that bound how many more may be started.
func (c *checker) onTheirWay() (n int) {
	for i := range c.slots {
		for _, w := range c.slots[i].workers {
			if w.comingUp() && (c.direct() || !w.pid) {
				n++
			}
		}
	}
	return n
}

func (c *checker) living() (n int) {
	n = len(c.inSlots())
	if c.spare.worker != nil {
		n++
	}
	return n
}
