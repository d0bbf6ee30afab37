package preforker

import (
	"log/slog"
	"syscall"
	"time"

	"launcher/preforker/ident"
)

// action is something to be done. Actions are carried out in order.
type action interface{ isAction() }

type (
	startPreloader  struct{ generation int }
	retirePreloader struct {
		origin ident.Origin
		last   bool // of its generation
	}
	// signalPreloader sends a signal; with group also to whatever it started.
	signalPreloader struct {
		origin ident.Origin
		signal syscall.Signal
		group  bool
	}
	// reforkWorker has a worker give birth to a preloader.
	reforkWorker struct {
		key    ident.Key
		origin ident.Origin
	}

	spawnWorker struct{ key ident.Key }
	drainWorker struct {
		key     ident.Key
		backlog bool
	}
	// killWorker kills a worker; with group also whatever its load has started.
	killWorker struct {
		key   ident.Key
		group bool
	}
	// askWorker has a worker that loads say where it is, and leave.
	askWorker struct{ key ident.Key }
	// forgetWorker gives up a worker that never told its pid. Its channel is
	// closed, which ends it where it may be there all the same.
	forgetWorker struct {
		key     ident.Key
		mayLive bool
	}

	openSlot struct{ slot int }
	// rebindSlot binds another socket for the one whose file is gone, and hands it what waits in the older one.
	rebindSlot struct{ slot int }
	// closeSlot removes the slot's socket and hands what waits in it to
	// the sockets of others.
	closeSlot struct{ slot int }
	// hideSlots removes the files of all sockets, so that nobody new connects,
	// while the workers empty their queues.
	hideSlots struct{}

	// watchWorker has a worker's memory and requests told from now on.
	watchWorker struct{ key ident.Key }
	// measurePreloader has a preloader's memory told once.
	measurePreloader struct{ origin ident.Origin }
	// setBudget says near how many private bytes a worker's memory is of interest.
	setBudget struct{ bytes uint64 }

	setTimer struct {
		timer timer
		after time.Duration
	}
	logged struct {
		level slog.Level
		text  string
		attrs []slog.Attr
	}
	// tellLoading says that a generation begins to load.
	tellLoading struct{ generation int }
	// tellLoaded says that a generation has loaded.
	tellLoaded struct{ generation int }
	// tellSettled says that nothing is being loaded or started for now, as far as a
	// person would wait for it.
	tellSettled struct{}
	// announce says that every slot has a ready worker of this generation.
	announce struct{ generation int }
	finish   struct{ err error }
)

func (startPreloader) isAction()   {}
func (retirePreloader) isAction()  {}
func (signalPreloader) isAction()  {}
func (reforkWorker) isAction()     {}
func (spawnWorker) isAction()      {}
func (drainWorker) isAction()      {}
func (killWorker) isAction()       {}
func (askWorker) isAction()        {}
func (forgetWorker) isAction()     {}
func (openSlot) isAction()         {}
func (rebindSlot) isAction()       {}
func (closeSlot) isAction()        {}
func (hideSlots) isAction()        {}
func (watchWorker) isAction()      {}
func (measurePreloader) isAction() {}
func (setBudget) isAction()        {}
func (setTimer) isAction()         {}
func (logged) isAction()           {}
func (tellLoading) isAction()      {}
func (tellLoaded) isAction()       {}
func (tellSettled) isAction()      {}
func (announce) isAction()         {}
func (finish) isAction()           {}

// Keys of log attributes: one name for one thing in every line.
const (
	keySlot       = "slot"
	keySlots      = "slots"
	keyGeneration = "gen"
	keyRefork     = "refork"
	keyPid        = "pid"
	keyPids       = "pids"
	keyPath       = "path"
	keyReason     = "reason"
	keyExit       = "exit"
	keyRequest    = "request"
	keyServed     = "served"
	keyWait       = "wait"
	keyDeaths     = "deaths"
	keySeconds    = "seconds"
	keyError      = "error"
	keyState      = "state"
	keySignal     = "signal"
	keyKind       = "kind"
	keyWhere      = "where"
	keyAdvice     = "advice"
	keyTimeout    = "timeout"
	keyRuby       = "ruby"
	keyRails      = "rails"
	keyRack       = "rack"
	keyPreloader  = "preloader"
	keyProcesses  = "processes"
	keyTitle      = "title"
	keyLauncher   = "launcher"
	keyWorkers    = "workers"
	keyEach       = "each"
	keyTotal      = "total"
	keyPrivate    = "private"
	keyWaiting    = "waiting"
	keySensible   = "sensible"
)
