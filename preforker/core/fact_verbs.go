package core

import (
	"time"

	"launcher/preforker/ident"
)

// Of what an operator asks for.
type (
	// KillBegan says that a worker is to end because somebody asked for it.
	KillBegan struct {
		fact
		By      string
		Worker  WorkerName
		Request string // in hand, or ""
		Now     bool   // it is killed; else its request is finished
	}
	// KillNoted is the same of one that leaves already.
	KillNoted struct {
		fact
		By      string
		Worker  WorkerName
		Request string
		Reason  Reason // of leaving
		Killed  bool   // it was sent a signal that nobody survives, and is still there
	}
	// KillFollowed comes last of a kill, and tells what the slot has next.
	KillFollowed struct {
		fact
		Slot   int
		Next   NextWorker
		Worker WorkerName // that serves, or comes; none otherwise
	}
	// KillRefused says why nobody is ended.
	KillRefused struct {
		fact
		By     string
		Slot   int
		Why    NoWorker
		Worker WorkerName // that is not ended; none: there is none
		Slots  int        // that there are
	}
	// BacktraceBegan says that workers were asked where their threads are, because somebody asked for it.
	BacktraceBegan struct {
		fact
		By      string
		Slot    int
		Workers []WorkerName // the oldest first
		Within  time.Duration
	}
	// BacktraceTold has where the threads of a worker are, for who has asked.
	BacktraceTold struct {
		fact
		Worker  WorkerName
		Threads []Thread // the one that serves first
	}
	// BacktraceMissing says that a worker has not said where its threads are.
	BacktraceMissing struct {
		fact
		Worker WorkerName
	}
	// BacktraceRefused says why nobody was asked.
	BacktraceRefused struct {
		fact
		By    string
		Slot  int
		Why   NoWorker
		Slots int // that there are
	}
	// ReforkNowBegan says that a worker is to fork the next preloader because somebody asked for it.
	ReforkNowBegan struct {
		fact
		By     string
		Origin ident.Origin
		Worker WorkerName
		Served uint64 // requests, by the worker
		Slots  int    // that are to have forks of it
	}
	// ReforkNowRefused says why no worker is asked to fork one.
	ReforkNowRefused struct {
		fact
		By  string
		Why NoRefork
	}
	// ReforkNowEnded says how it has ended, once for each that has begun.
	ReforkNowEnded struct {
		fact
		Origin ident.Origin
		End    ReforkEnd
	}
)

// NextWorker is what a slot has next whose worker is ended.
type NextWorker string

// What a slot has next.
const (
	NextServes NextWorker = "serves" // another worker serves already
	NextComes  NextWorker = "comes"  // its next worker is on its way
	NextParked NextWorker = "parked" // none, until somebody connects
	NextLent   NextWorker = "lent"   // those of other slots serve it, until its own one comes
	NextLater  NextWorker = "later"  // one, when it can be forked
	NextNone   NextWorker = "none"   // it is not among the slots any more
)

// NoWorker is why there is no worker in a slot that something could be asked of.
type NoWorker string

// Why there is none.
const (
	NoSuchSlot       NoWorker = "there is no such slot"
	SlotIsParked     NoWorker = "it is parked: a worker is forked when somebody connects"
	SlotIsLent       NoWorker = "it has no worker of its own yet: workers of other slots serve it"
	SlotIsWaiting    NoWorker = "its workers die as they come up, and it waits before the next one"
	SlotIsFailed     NoWorker = "it has failed: its workers die as they come up"
	SlotIsVacant     NoWorker = "it has no worker yet"
	WorkerIsGone     NoWorker = "it has no such worker any more"
	WorkerComesUp    NoWorker = "its worker comes up, and has nothing in hand"
	WorkerIsForked   NoWorker = "its worker is being forked"
	ApplicationLoads NoWorker = "its worker loads the application, which nobody has loaded yet"
	EverybodyLeaves  NoWorker = "the launcher stops, and all workers leave"
)
