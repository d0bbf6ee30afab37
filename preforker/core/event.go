package core

import (
	"time"

	"launcher/preforker/ident"
)

// Event is something that happened. Each names the generation or the worker that it
// is about, so that a late one finds nobody rather than a successor.
type Event interface{ isEvent() }

type (
	// Started is the first event: the sockets are bound.
	Started struct{}

	// PreloaderHello comes before a preloader loads the application.
	PreloaderHello struct {
		Origin ident.Origin
		Hello  Hello
	}
	// PreloaderLoaded says that a preloader can fork, also one that was forked from a worker.
	PreloaderLoaded struct {
		Origin ident.Origin
		Loaded Load
	}
	// PreloaderPrepared follows PreloaderLoaded where it was asked to prepare beside its first workers.
	PreloaderPrepared struct {
		Origin   ident.Origin
		Seconds  float64
		Findings []Finding
	}
	// PreloaderChannelClosed says that nothing more will be heard from it, though it may live.
	PreloaderChannelClosed struct{ Origin ident.Origin }
	// PreloaderStopped says that a preloader was stopped by a signal some time ago.
	PreloaderStopped struct{ Origin ident.Origin }
	// PreloaderExited comes after every message of that preloader.
	PreloaderExited struct {
		Origin      ident.Origin
		Exit        ident.ExitStatus
		Failed      *Failed       // what it said last; nil: nothing
		StartError  *StartError   // nil: it was started
		Lines       []string      // the last ones that it printed
		Program     string        // its command
		CPU         time.Duration // that it has had, with its children that are gone
		OutOfMemory bool          // the kernel has ended it because memory was short
	}

	// WorkerSpawned tells the pid of a worker that its preloader has forked.
	WorkerSpawned struct {
		Key ident.Key
		Pid int
	}
	// WorkerSpawnFailed says that there is no such process.
	WorkerSpawnFailed struct {
		Key     ident.Key
		Failure Failure
	}
	// WorkerHello comes from one that loads the application by itself, before it does.
	WorkerHello struct {
		Key   ident.Key
		Hello Hello
	}
	// WorkerLoaded follows WorkerHello.
	WorkerLoaded struct {
		Key    ident.Key
		Loaded Load
	}
	// WorkerReady says that a worker accepts. It may come before WorkerSpawned.
	WorkerReady struct {
		Key ident.Key
		Pid int
	}
	// WorkerAnsweredFirst comes once from a worker whose preloader was forked from another worker.
	WorkerAnsweredFirst struct {
		Key     ident.Key
		Status  int // of HTTP; 0: the response was not finished
		Request string
	}
	// WorkerReforked and WorkerNotReforked answer ReforkWorker, before the preloader's end is told.
	WorkerReforked struct {
		Origin ident.Origin
		Pid    int
	}
	// WorkerNotReforked says why there is no such preloader.
	WorkerNotReforked struct {
		Origin ident.Origin
		Why    Refusal
	}
	// WorkerLeaving comes from one that serves no more though nobody has asked it to leave.
	WorkerLeaving struct {
		Key    ident.Key
		Served uint64 // requests
	}
	// RequestOverdue says that a worker's request has not begun its response in time.
	RequestOverdue struct {
		Key     ident.Key
		Request string
		After   time.Duration // since it began
		Slow    bool          // that is to be told only
	}
	// WorkerLocated answers LocateWorker.
	WorkerLocated struct {
		Key     ident.Key
		Threads []Thread // the one that serves first
	}
	// WorkerRecycles says that the application wants another worker in the place of this one.
	WorkerRecycles struct {
		Key ident.Key
		Why string
	}
	// WorkerChannelClosed says that nothing more will be heard from a worker, though it may live.
	WorkerChannelClosed struct{ Key ident.Key }
	// WorkerStuck says that a worker does not do what it is there for, or should do next.
	WorkerStuck struct {
		Key     ident.Key
		Reason  Reason
		Waiting int // connections, at its socket
	}
	// WorkerStopped says that a worker was stopped by a signal some time ago.
	WorkerStopped struct {
		Key     ident.Key
		Request string // in hand, or ""
	}
	// WorkerExited comes after every message of that worker.
	WorkerExited struct {
		Key         ident.Key
		Exit        ident.ExitStatus
		Failed      *Failed
		Served      uint64        // requests, to their end
		Errors      uint64        // responses with 500 since the last other one, or that broke off
		Sound       bool          // a response had another status
		Request     string        // the one in hand, "" where there was none
		Lines       []string      // the last ones that it printed
		CPU         time.Duration // that it has had, with its children that are gone
		OutOfMemory bool          // the kernel has ended it because memory was short
	}

	// PreloaderMeasured tells resident bytes: all that the preloader has, whoever shares it.
	PreloaderMeasured struct {
		Origin              ident.Origin
		Preloader, Launcher uint64
	}
	// WorkersMeasured tells of the workers that have done something since the last time.
	WorkersMeasured struct{ Workers []Measurement }

	// SocketsLost says that the files of open sockets are gone, or others.
	SocketsLost struct{ Slots []int }
	// SlotNotBound answers OpenSlot and RebindSlot.
	SlotNotBound struct {
		Slot  int
		Error string
		Told  bool // the log has the error already
	}

	// TimerFired comes when the time of a SetTimer has passed, or later.
	TimerFired struct{ Timer Timer }

	// StopAsked asks for a stop.
	StopAsked struct {
		By  string
		Now bool // without waiting for anybody
	}
	// FrontStopAsked asks for a stop while requests still come from the launcher's own front.
	FrontStopAsked struct{ By string }
	// FrontStopped says that the front has finished.
	FrontStopped struct{}
	// RestartAsked asks for the application to be loaded anew.
	RestartAsked struct{ By string }
	// MemoryAvailable tells what memory can be had, in bytes, before RestartAsked.
	MemoryAvailable struct{ Bytes uint64 }
	// ScaleAsked asks for another number of slots.
	ScaleAsked struct {
		By    string
		Slots int
	}
	// ConnectionWaits says that a connection waits at the socket of a parked slot.
	ConnectionWaits struct{ Slot int }
)

func (Started) isEvent()                {}
func (PreloaderHello) isEvent()         {}
func (PreloaderLoaded) isEvent()        {}
func (PreloaderPrepared) isEvent()      {}
func (PreloaderChannelClosed) isEvent() {}
func (PreloaderStopped) isEvent()       {}
func (PreloaderExited) isEvent()        {}
func (WorkerSpawned) isEvent()          {}
func (WorkerSpawnFailed) isEvent()      {}
func (WorkerHello) isEvent()            {}
func (WorkerLoaded) isEvent()           {}
func (WorkerReady) isEvent()            {}
func (WorkerAnsweredFirst) isEvent()    {}
func (WorkerReforked) isEvent()         {}
func (WorkerNotReforked) isEvent()      {}
func (WorkerLeaving) isEvent()          {}
func (RequestOverdue) isEvent()         {}
func (WorkerLocated) isEvent()          {}
func (WorkerRecycles) isEvent()         {}
func (WorkerChannelClosed) isEvent()    {}
func (WorkerStuck) isEvent()            {}
func (WorkerStopped) isEvent()          {}
func (WorkerExited) isEvent()           {}
func (PreloaderMeasured) isEvent()      {}
func (WorkersMeasured) isEvent()        {}
func (SocketsLost) isEvent()            {}
func (SlotNotBound) isEvent()           {}
func (TimerFired) isEvent()             {}
func (StopAsked) isEvent()              {}
func (FrontStopAsked) isEvent()         {}
func (FrontStopped) isEvent()           {}
func (RestartAsked) isEvent()           {}
func (MemoryAvailable) isEvent()        {}
func (ScaleAsked) isEvent()             {}
func (ConnectionWaits) isEvent()        {}
func (SuccessorComes) isEvent()         {}

// Measurement is a worker's memory, as last read, and how much it has served.
type Measurement struct {
	Key     ident.Key
	Private uint64 // bytes
	Served  uint64 // requests
	Errors  uint64 // responses with 500 since the last other one, or that broke off
	Sound   bool   // a response had another status
	Busy    bool   // it has one in hand
	Own     uint64 // of the bytes, what it has written itself: the last of many that share something has all of it
	Request string // in hand, where that is beyond the limit
	// Runnable is for how long it has run, or waited for a CPU, in its first seconds; 0 where the kernel does not tell.
	Runnable time.Duration
}
