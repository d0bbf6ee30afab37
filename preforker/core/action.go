package core

import (
	"time"

	"launcher/preforker/ident"
)

// Action is something to be done. Actions are carried out in order.
type Action interface{ isAction() }

type (
	// StartPreloader starts a Ruby that loads the application.
	StartPreloader struct {
		Generation int
		Prepare    Preparing
		Low        bool // it gets less of the CPUs than others until its priority is restored
	}
	// RestorePriority gives a preloader that was started with a low priority the one of all others.
	RestorePriority struct{ Origin ident.Origin }
	// PreparePreloader has a preloader prepare what keeps memory shared, after the workers that it was asked for before.
	PreparePreloader struct{ Origin ident.Origin }
	// RetirePreloader asks a preloader to leave.
	RetirePreloader struct {
		Origin ident.Origin
		Last   bool // of its generation
	}
	// SignalPreloader sends a signal; with Group also to whatever it started.
	SignalPreloader struct {
		Origin ident.Origin
		Signal ident.Signal
		Group  bool
	}
	// MeasurePreloader has a preloader's memory told once.
	MeasurePreloader struct{ Origin ident.Origin }

	// SpawnWorker has the preloader of a worker fork it, or starts it with direct spawning.
	SpawnWorker struct {
		Key   ident.Key
		Probe Probe // what it is to be asked for before it says that it is ready
	}
	// SpawnSpare has a preloader fork a worker that has no slot yet.
	SpawnSpare struct{ Key ident.Key }
	// AssignSpare gives a spare the slot of its key: the slot's socket, which it serves from then on.
	AssignSpare struct {
		Spare ident.Key // as it was known
		Key   ident.Key // as it is known from now on
	}
	// ReforkWorker has a worker fork the preloader that others are then forked from.
	ReforkWorker struct {
		Key    ident.Key
		Origin ident.Origin
	}
	// DrainWorker asks a worker to leave once its request in hand is done. With Backlog it serves first
	// what waits at its socket. With HandOver the connections that it keeps go to who serves its slot next; otherwise they are closed.
	DrainWorker struct {
		Key      ident.Key
		Backlog  bool
		HandOver bool
	}
	// ServeBacklog has a worker that leaves serve what waits in its socket before it does: nobody new can connect.
	ServeBacklog struct{ Key ident.Key }
	// KillWorker kills a worker; with Group also whatever its load has started.
	KillWorker struct {
		Key   ident.Key
		Group bool
	}
	// ContinueWorker lets a worker run on that was stopped.
	ContinueWorker struct{ Key ident.Key }
	// AskWorker has a worker that loads say where it is, and leave.
	AskWorker struct{ Key ident.Key }
	// LocateWorker has a worker say where its threads are.
	LocateWorker struct{ Key ident.Key }
	// ForgetWorker gives up a worker that never told its pid. Its channel is
	// closed, which ends it where it may be there all the same.
	ForgetWorker struct {
		Key     ident.Key
		MayLive bool
	}
	// WatchWorker has a worker's memory and requests told from now on.
	WatchWorker struct{ Key ident.Key }
	// LendSockets has a worker serve the sockets of slots that have none, besides its own.
	LendSockets struct {
		Key   ident.Key
		Slots []int
	}
	// ReturnSockets has a worker serve its own socket alone.
	ReturnSockets struct{ Key ident.Key }
	// SetBudget says near how many private bytes a worker's memory is of interest.
	SetBudget struct{ Bytes uint64 }

	// OpenSlot binds the slot's socket.
	OpenSlot struct{ Slot int }
	// RebindSlot binds another socket for the one whose file is gone, and hands it what waits in the older one.
	RebindSlot struct{ Slot int }
	// CloseSlot removes the slot's socket and hands what waits in it to
	// the sockets of others.
	CloseSlot struct{ Slot int }
	// RemoveSlot has nobody connect to a slot any more that is not among the slots from now on, and hands what waits there to the
	// others, beside the workers that serve it and have its socket too.
	RemoveSlot struct{ Slot int }
	// SetSlots says that there are so many slots from now on. It comes before the first of them is opened that are new, and after
	// those are removed that are too many.
	SetSlots struct{ Slots int }
	// AwaitConnection has ConnectionWaits come once when a connection waits at a slot's socket.
	AwaitConnection struct{ Slot int }
	// HideSockets removes the files of all sockets, unless they are kept for the next launcher, so that nobody new connects,
	// while the workers empty their queues.
	HideSockets struct{}

	// SetTimer has TimerFired come after a while.
	SetTimer struct {
		Timer Timer
		After time.Duration
	}
	// AnnounceServed says that every slot is served by workers of this generation, those that have a socket lent included. With
	// seeds the others wait until one of them is warm.
	AnnounceServed struct {
		Generation int
		Seeds      bool
	}
	// Announce says that every slot has a ready worker of this generation.
	Announce struct{ Generation int }
	// Finish ends the supervisor: nobody is left.
	Finish struct {
		Failure *LoadFailure // nil: it was asked to stop
	}
)

func (StartPreloader) isAction()   {}
func (PreparePreloader) isAction() {}
func (RestorePriority) isAction()  {}
func (RetirePreloader) isAction()  {}
func (SignalPreloader) isAction()  {}
func (MeasurePreloader) isAction() {}
func (SpawnWorker) isAction()      {}
func (SpawnSpare) isAction()       {}
func (AssignSpare) isAction()      {}
func (ReforkWorker) isAction()     {}
func (DrainWorker) isAction()      {}
func (ServeBacklog) isAction()     {}
func (KillWorker) isAction()       {}
func (ContinueWorker) isAction()   {}
func (AskWorker) isAction()        {}
func (LocateWorker) isAction()     {}
func (ForgetWorker) isAction()     {}
func (WatchWorker) isAction()      {}
func (LendSockets) isAction()      {}
func (ReturnSockets) isAction()    {}
func (SetBudget) isAction()        {}
func (OpenSlot) isAction()         {}
func (RebindSlot) isAction()       {}
func (CloseSlot) isAction()        {}
func (RemoveSlot) isAction()       {}
func (SetSlots) isAction()         {}
func (AwaitConnection) isAction()  {}
func (HideSockets) isAction()      {}
func (SetTimer) isAction()         {}
func (AnnounceServed) isAction()   {}
func (Announce) isAction()         {}
func (Finish) isAction()           {}
