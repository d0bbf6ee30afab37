package core

import (
	"fmt"
	"time"

	"launcher/preforker/ident"
)

const (
	// soundAfter is how long a worker must be there, without serving anything, to
	// be thought sound. One that has served a request is sound at once.
	soundAfter = 10 * time.Second
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

// Phase is where the supervisor is in its life.
type Phase int

// The phases, in their order.
const (
	PhaseBooting Phase = iota // no generation has loaded yet
	PhaseRunning
	PhaseStopping
	PhaseDone
)

var phaseNames = [...]string{"loading", "running", "stopping", "stopping"}

// String is the phase in the status: what a supervisor that has ended was last seen to do is stopping.
func (p Phase) String() string { return phaseNames[p] }

// Core is the state of the supervisor. Make it with New; it is for one goroutine.
type Core struct {
	policy     Policy
	random     func() float64 // in [0, 1)
	phase      Phase
	slots      []*slot
	removed    []*slot     // not among them any more, with workers that leave
	waits      map[int]int // by number: of slots that were removed
	scaling    bool        // their number was changed, and not all is as it is to be
	parkedAt   time.Duration
	idleAt     time.Duration    // when an idle worker is looked for; 0: there is no timer
	preloaders []*preloader     // oldest first
	generation int              // of the newest preloader
	serial     int              // of the newest worker
	failures   int              // preloaders that died early, in a row
	reloadAt   time.Duration    // when the load that waits begins; 0: none waits
	paceUntil  time.Duration    // no replacement before that is to save memory alone
	unprepared bool             // a preloader has died while it prepared: the next one goes without
	announced  ident.Origin     // the preloader that every slot's worker was forked from
	served     int              // the newest generation that has served all slots at a time
	reforked   map[int]*reforks // by generation
	again      bool             // a restart was asked for while a generation was loading
	failure    *LoadFailure     // why the supervisor stops; nil: it was asked to
	held       bool             // while it stops: the workers serve on until the front has finished
	succeeded  bool             // another launcher follows when it has stopped
	budget     budget
	loads      map[int]LoadRecord // by generation, for those who ask
	failedLoad *FailedLoad        // the last one, until another one succeeds; nil: none
	crashing   *GenerationFailure // nil: no, or not so many in a row
	lastEnd    LoadFailure        // of a load, or a preloader
	spare      spare
	traces     traces
	recycling  bool     // an application has asked for another worker in the place of one
	trials     []*trial // of the generations that are there, oldest first
	available  uint64   // bytes of memory that could be had, when that was last told
	restarts   int      // that were asked for
	restart    *restart // the one that is under way; nil: none is
	reforkNow  *reforkNow

	now time.Duration
	out []Action
}

// New makes the core of so many slots, whose sockets are bound. Random returns numbers from [0, 1).
func New(slots int, p Policy, random func() float64) *Core {
	c := &Core{policy: p, random: random, budget: newBudget(p), waits: map[int]int{}, reforked: map[int]*reforks{},
		loads: map[int]LoadRecord{}}
	for number := range slots {
		s := &slot{number: number, open: true}
		if c.onDemand(s) {
			s.state = ParkedSlot
		}
		c.slots = append(c.slots, s)
	}
	return c
}

// Step takes one event, at a time on any monotonic clock, and returns what follows from it, in order.
func (c *Core) Step(now time.Duration, e Event) []Action {
	c.now, c.out = now, nil
	switch e := e.(type) {
	case Started:
		c.parkAll()
		c.load()
	case SocketsLost:
		c.socketsLost(e)
	case SlotNotBound:
		c.slotNotBound(e)
	case TimerFired:
		c.timerFired(e.Timer)
	case StopAsked:
		c.stopAsked(e)
	case SuccessorComes:
		c.successorComes()
	case FrontStopAsked:
		c.frontStopAsked(e)
	case FrontStopped:
		c.frontStopped()
	case RestartAsked:
		c.restartAsked(e)
	case MemoryAvailable:
		c.available = e.Bytes
	case ScaleAsked:
		c.scaleAsked(e)
	case ConnectionWaits:
		c.connectionWaits(e)
	default:
		if !c.preloaderEvent(e) && !c.workerEvent(e) && !c.verbEvent(e) {
			c.contradict(fmt.Errorf("take event: unknown %T", e))
		}
	}
	c.followReforkNow()
	return c.out
}

// verbEvent returns false for an event that is about something else.
func (c *Core) verbEvent(e Event) bool {
	switch e := e.(type) {
	case KillAsked:
		c.killAsked(e)
	case BacktraceAsked:
		c.backtraceAsked(e)
	case ReforkNowAsked:
		c.reforkNowAsked(e)
	default:
		return false
	}
	return true
}

// preloaderEvent returns false for an event that is about something else.
func (c *Core) preloaderEvent(e Event) bool {
	switch e := e.(type) {
	case PreloaderHello:
		c.preloaderHello(e)
	case PreloaderLoaded:
		c.preloaderLoaded(e)
	case PreloaderPrepared:
		c.preloaderPrepared(e)
	case PreloaderChannelClosed:
		c.preloaderChannelClosed(e)
	case PreloaderStopped:
		c.preloaderStopped(e)
	case PreloaderExited:
		c.preloaderExited(e)
	case PreloaderMeasured:
		c.preloaderMeasured(e)
	default:
		return false
	}
	return true
}

// workerEvent returns false for an event that is about something else.
func (c *Core) workerEvent(e Event) bool {
	switch e := e.(type) {
	case WorkerSpawned:
		c.workerSpawned(e)
	case WorkerSpawnFailed:
		c.workerSpawnFailed(e)
	case WorkerHello:
		c.workerHello(e)
	case WorkerLoaded:
		c.workerLoaded(e)
	case WorkerReady:
		c.workerReady(e)
	case WorkerAnsweredFirst:
		c.workerAnsweredFirst(e)
	case WorkerReforked:
		c.workerReforked(e)
	case WorkerNotReforked:
		c.workerNotReforked(e)
	case WorkerLeaving:
		c.workerLeaving(e)
	case RequestOverdue:
		c.requestOverdue(e)
	case WorkerLocated:
		c.workerLocated(e)
	case WorkerRecycles:
		c.workerRecycles(e)
	case WorkerChannelClosed:
		c.workerChannelClosed(e)
	case WorkerStuck:
		c.workerStuck(e)
	case WorkerStopped:
		c.workerStopped(e)
	case WorkerExited:
		c.workerExited(e)
	case WorkersMeasured:
		c.workersMeasured(e)
	default:
		return false
	}
	return true
}

func (c *Core) timerFired(t Timer) {
	switch t.Kind {
	case TimerPreloaderBoot:
		c.preloaderBootTimeout(t.Key.Origin())
	case TimerPriority:
		c.restorePriority(c.preloader(t.Key.Origin()))
	case TimerPreloaderKill:
		c.preloaderKill(t.Key.Origin())
	case TimerPreloaderChannel:
		c.preloaderChannelTimeout(t.Key.Origin())
	case TimerReload:
		c.reload(t.Key.Generation)
	case TimerWorkerBoot:
		c.workerBootTimeout(t.Key)
	case TimerWorkerDrain:
		c.workerDrainTimeout(t.Key)
	case TimerWorkerChannel:
		c.workerChannelTimeout(t)
	case TimerLimit:
		c.limitTimeout(t.Key)
	case TimerLocate:
		c.locateTimeout(t.Key)
	case TimerBacktrace:
		c.backtraceTimeout(t.Key)
	case TimerAge:
		c.ageTimeout(t.Key)
	case TimerSlot:
		c.slotRetry(t.Key)
	case TimerRefork, TimerPace:
		if c.phase == PhaseRunning {
			c.fill()
		}
	case TimerProof:
		c.proofTimeout(t.Key)
	case TimerSeed:
		c.seedTimeout(t.Key.Origin())
	case TimerSpare:
		c.spareRetry(t.Key.Serial)
	case TimerIdle:
		c.idleAt = 0
		c.parkIdle()
	case TimerSound:
		if t.Key.Serial == 0 {
			c.loadSound(t.Key.Origin())
		} else {
			c.soundTimeout(t.Key)
		}
	case TimerStop:
		c.stopTimeout()
	default:
		c.contradict(fmt.Errorf("take timer: unknown kind %q", t.Kind))
	}
}

func (c *Core) do(a Action) { c.out = append(c.out, a) }

// contradict reports a mistake of this package. Tests fail on it.
func (c *Core) contradict(err error) { c.do(Contradiction{Error: err.Error()}) }
