package preforker

import (
	"fmt"
	"log/slog"
	"time"

	"launcher/preforker/ident"
)

// policy is what the user may choose, and what the machine allows.
type policy struct {
	bootTimeout  time.Duration // of a preloader, and of a worker
	drainTimeout time.Duration
	method       SpawnMethod
	loadsAtOnce  int // of the application, with direct spawning; the CPUs
	renewal      Renewal
	refork       Refork
	memoryLimit  uint64 // bytes that all processes together can have; 0: not known
}

const (
	// youngLife is how long a worker must live, without serving anything, to
	// be thought sound. One that has served a request is sound at once.
	youngLife = 10 * time.Second
	// closeAfter is how long a slot waits with its socket open. Longer, and
	// the web server had better turn to the others.
	closeAfter = time.Second
	// spawnsAtOnce bounds the messages that wait for the preloader, which forks
	// them one by one anyway.
	spawnsAtOnce = 8
	// killGrace is what a preloader gets between being asked and being killed.
	killGrace = time.Second
	// retireGrace is what one gets that was asked to leave: its exit handlers run.
	retireGrace = 5 * time.Second
)

type phase int

const (
	phaseBooting phase = iota // no generation has loaded yet
	phaseRunning
	phaseStopping
	phaseDone
)

// preloader is what workers are forked from: a process that was started and has loaded a
// generation, or one that a worker of it gave birth to. With direct spawning
// there is no process behind it: each worker loads the application for itself, and
// the first that has done so makes the generation ready.
type preloader struct {
	origin ident.Origin
	parent ident.Key // the worker that gives birth to it; none where it was started
	state  PreloaderState
	reason Reason
	since  time.Duration // of its state
	heard  bool          // what Ruby it is
	loaded bool          // once
	proven bool          // a worker of it was ready once, or answered its first request after a refork
	forked time.Duration // when it last answered a spawn, or loaded
}

// worker is one process of a slot.
type worker struct {
	key     ident.Key
	binding int // of its slot, whose socket it has
	state   WorkerState
	reason  Reason // of leaving
	pid     int
	since   time.Duration // of its state
	loaded  bool          // the application is there: from birth, but with direct spawning

	served  uint64        // requests, as last measured
	private uint64        // bytes, as last measured
	base    uint64        // the first measurement after its first requests
	based   time.Duration // when
	growth  float64       // bytes a second since then
	example bool          // a budget was chosen with it in view
	unfit   bool          // says the application: nothing is to be born of it
	refused int           // how often it had something that nobody must inherit
	life    uint64        // requests after which it leaves; 0: any number
	renewal Reason        // why a successor of its own generation was started
	chosen  time.Duration // when
}

func (w *worker) leaving() bool { return w.state == WorkerDraining || w.state == WorkerKilling }

// slot is a permanent number that owns a socket.
type slot struct {
	number  int
	state   SlotState
	open    bool   // its socket is there
	binding int    // how often the socket was lost while it was open
	unbound string // why the socket could not be bound when that was last tried
	deaths  int    // young ones, in a row
	failed  int    // generation of the last of them
	workers []*worker
	retryAt time.Duration // no spawn before
}

// serving is the newest worker that is not leaving, or nil.
func (s *slot) serving() *worker {
	for i := len(s.workers) - 1; i >= 0; i-- {
		if !s.workers[i].leaving() {
			return s.workers[i]
		}
	}
	return nil
}

// core is every decision of the supervisor: an event in, actions out. It does
// nothing itself and waits for nothing.
type core struct {
	policy     policy
	random     func() float64 // in [0, 1)
	phase      phase
	slots      []*slot
	preloaders []*preloader  // oldest first
	generation int           // of the newest preloader
	serial     int           // of the newest worker
	failures   int           // preloaders that died young, in a row
	reloadAt   time.Duration // when the load that waits begins; 0: none waits
	announced  ident.Origin  // the preloader that every slot's worker was forked from
	refork     reforks
	again      bool  // a restart was asked for while a generation was loading
	verdict    error // why the supervisor stops
	held       bool  // while it stops: the workers serve on until the front has finished
	budget     budget
	loads      map[int]loadView // by generation, for those who ask
	failedLoad *failedLoad      // the last one, until another one succeeds; nil: none

	now time.Duration
	out []action
}

func newCore(slots int, p policy, random func() float64) *core {
	c := &core{policy: p, random: random, budget: newBudget(p), loads: map[int]loadView{}}
	for number := range slots {
		c.slots = append(c.slots, &slot{number: number, open: true})
	}
	return c
}

// step takes one event, at a time on any monotonic clock.
func (c *core) step(now time.Duration, e event) []action {
	c.now, c.out = now, nil
	switch e := e.(type) {
	case started:
		c.load()
	case preloaderHello:
		c.preloaderHello(e)
	case preloaderLoaded:
		c.preloaderLoaded(e)
	case preloaderMute:
		c.preloaderMute(e)
	case preloaderExited:
		c.preloaderExited(e)
	case workerSpawned:
		c.workerSpawned(e)
	case workerHello:
		c.workerHello(e)
	case workerLoaded:
		c.workerLoaded(e)
	case workerSpawnFailed:
		c.workerSpawnFailed(e)
	case workerReady:
		c.workerReady(e)
	case workerFirst:
		c.workerFirst(e)
	case workerReforked:
		c.workerReforked(e)
	case workerNotReforked:
		c.workerNotReforked(e)
	case workerChannelClosed:
		c.workerChannelClosed(e)
	case workerStuck:
		c.workerStuck(e)
	case workerStopped:
		c.workerStopped(e)
	case preloaderStopped:
		c.preloaderStopped(e)
	case workerLeaving:
		c.workerLeaving(e)
	case workerExited:
		c.workerExited(e)
	case socketsLost:
		c.socketsLost(e)
	case slotNotBound:
		c.slotNotBound(e)
	case preloaderMeasured:
		c.preloaderMeasured(e)
	case workersMeasured:
		c.workersMeasured(e)
	case timerFired:
		c.timerFired(e.timer)
	case stopAsked:
		c.stopAsked(e)
	case frontStops:
		c.frontStops(e)
	case frontStopped:
		c.frontStopped()
	case restartAsked:
		c.restartAsked(e)
	default:
		c.fault(fmt.Errorf("take event: unknown %T", e))
	}
	return c.out
}

func (c *core) do(a action) { c.out = append(c.out, a) }

func (c *core) log(level slog.Level, text string, attrs ...slog.Attr) {
	c.do(logged{level, text, attrs})
}

// fault reports a mistake of this package. Tests fail on the text.
func (c *core) fault(err error) {
	c.log(slog.LevelError, faultText, slog.Any(keyError, err))
}

const faultText = "the supervisor contradicted itself"

func (c *core) timerFired(t timer) {
	switch t.kind {
	case timerPreloaderBoot:
		c.preloaderBootTimeout(t.key.Origin())
	case timerPreloaderKill:
		c.preloaderKill(t.key.Origin())
	case timerPreloaderMute:
		c.preloaderMuteTimeout(t.key.Origin())
	case timerReload:
		c.reload(t.key.Generation)
	case timerWorkerBoot:
		c.workerBootTimeout(t.key)
	case timerWorkerDrain:
		c.workerDrainTimeout(t.key)
	case timerWorkerChannel:
		c.workerChannelTimeout(t)
	case timerSlot:
		c.slotRetry(t.key)
	case timerRefork:
		if c.phase == phaseRunning {
			c.fill()
		}
	case timerStop:
		c.stopTimeout()
	}
}
