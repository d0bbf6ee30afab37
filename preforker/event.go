package preforker

import (
	"launcher/preforker/ident"
	"launcher/preforker/internal/wire"
)

// event is something that happened. Each names the generation or the worker that it
// is about, so that a late one finds nobody rather than a successor.
type event interface{ isEvent() }

type (
	// started is the first event: the sockets are bound.
	started struct{}

	preloaderHello struct {
		origin ident.Origin
		hello  wire.Hello
	}
	preloaderLoaded struct {
		origin ident.Origin
		loaded wire.Loaded
	}
	// preloaderMute says that nothing more will be heard from it, though it may live.
	preloaderMute struct{ origin ident.Origin }
	// preloaderExited comes after every message of that preloader.
	preloaderExited struct {
		origin     ident.Origin
		exit       ident.ExitStatus
		failed     *wire.Failed // what it said last, if it did
		startError error        // it could not even be started
		lines      []string     // the last lines that it printed
		ruby       string       // its command
	}

	workerSpawned struct {
		key ident.Key
		pid int
	}
	workerSpawnFailed struct {
		key   ident.Key
		error wire.Failure
	}
	// workerHello and workerLoaded come from one that loads the application by itself.
	workerHello struct {
		key   ident.Key
		hello wire.Hello
	}
	workerLoaded struct {
		key    ident.Key
		loaded wire.Loaded
	}
	workerReady struct {
		key ident.Key
		pid int
	}
	// workerFirst comes once from a worker whose preloader was born of another.
	workerFirst struct {
		key     ident.Key
		status  int
		request string
	}
	// workerReforked and workerNotReforked answer reforkWorker, before the preloader's end is told.
	workerReforked struct {
		origin ident.Origin
		pid    int
	}
	workerNotReforked struct {
		origin ident.Origin
		why    wire.NotReforked
	}
	// workerLeaving comes from one that serves no more though nobody has asked it to leave.
	workerLeaving struct {
		key    ident.Key
		served uint64
	}
	// workerExited comes after every message of that worker.
	workerExited struct {
		key     ident.Key
		exit    ident.ExitStatus
		failed  *wire.Failed
		served  uint64   // requests, to their end
		request string   // the one in hand, "" where there was none
		lines   []string // the last lines that it printed, if it loaded by itself
	}

	// preloaderMeasured tells resident bytes: all that the preloader has, whoever shares it.
	preloaderMeasured struct {
		origin              ident.Origin
		preloader, launcher uint64
	}
	// workersMeasured tells of the workers that have done something since the last time.
	workersMeasured struct{ workers []measurement }

	// socketsLost says that the files of open sockets are gone, or others.
	socketsLost struct{ slots []int }
	// slotNotBound answers openSlot and rebindSlot. Told says that the log has the error already.
	slotNotBound struct {
		slot int
		err  error
		told bool
	}

	timerFired struct{ timer timer }

	stopAsked struct {
		by  string
		now bool // without waiting for anybody
	}
	// frontStops asks for a stop while requests still come from the launcher's own front, and
	// frontStopped says that it has finished.
	frontStops   struct{ by string }
	frontStopped struct{}
	restartAsked struct{ by string }
)

func (started) isEvent()           {}
func (preloaderHello) isEvent()    {}
func (preloaderLoaded) isEvent()   {}
func (preloaderMute) isEvent()     {}
func (preloaderExited) isEvent()   {}
func (workerSpawned) isEvent()     {}
func (workerSpawnFailed) isEvent() {}
func (workerHello) isEvent()       {}
func (workerLoaded) isEvent()      {}
func (workerReady) isEvent()       {}
func (workerFirst) isEvent()       {}
func (workerReforked) isEvent()    {}
func (workerNotReforked) isEvent() {}
func (workerLeaving) isEvent()     {}
func (workerExited) isEvent()      {}
func (socketsLost) isEvent()       {}
func (slotNotBound) isEvent()      {}
func (preloaderMeasured) isEvent() {}
func (workersMeasured) isEvent()   {}
func (timerFired) isEvent()        {}
func (stopAsked) isEvent()         {}
func (frontStops) isEvent()        {}
func (frontStopped) isEvent()      {}
func (restartAsked) isEvent()      {}

// measurement is a worker's memory, as last read, and how much it has served.
type measurement struct {
	key     ident.Key
	private uint64 // bytes
	served  uint64 // requests
}

// timer names a deadline. Its fields say what it is about; a timer that nobody
// is waiting for any more is ignored when it fires, so none is ever taken back.
type timer struct {
	kind timerKind
	key  ident.Key // as much of it as the kind has
}

type timerKind string

const (
	timerPreloaderBoot timerKind = "preloader boot" // generation, refork
	timerPreloaderKill timerKind = "preloader kill" // generation, refork
	timerReload        timerKind = "reload"         // generation: the one that is gone
	timerPreloaderMute timerKind = "preloader mute" // generation
	timerWorkerBoot    timerKind = "worker boot"    // key
	timerWorkerDrain   timerKind = "worker drain"   // key
	timerWorkerChannel timerKind = "worker channel" // key
	timerSlot          timerKind = "slot"           // slot; serial: its count of deaths
	timerRefork        timerKind = "refork"
	timerStop          timerKind = "stop"
)
