package core

import (
	"time"

	"launcher/preforker/ident"
)

// Fact is something that the core has seen or decided, for whoever wants to know: the log, the status,
// a person at a terminal. It changes nothing. It comes at its place among the actions.
type Fact interface {
	Action
	isFact()
}

// fact makes a struct that embeds it a Fact.
type fact struct{}

func (fact) isAction() {}
func (fact) isFact()   {}

// WorkerName is a worker in a fact.
type WorkerName struct {
	Key ident.Key
	Pid int // 0: not known yet
}

// Of loads and preloaders.
type (
	// LoadBegan says that a generation begins to load.
	LoadBegan struct {
		fact
		Generation int
	}
	// PreloaderLoads says that a preloader has begun to load the application.
	PreloaderLoads struct {
		fact
		Origin ident.Origin
		Pid    int
		Ruby   string
	}
	// WorkerLoads is the same of a worker that loads by itself.
	WorkerLoads struct {
		fact
		Worker WorkerName
		Ruby   string
	}
	// GenerationLoaded says that the application is there, for the first time in this generation.
	GenerationLoaded struct {
		fact
		Origin ident.Origin
		Worker *WorkerName // that has loaded it; nil: its preloader has
		Load   Load
	}
	// MemoryPrepared says that a preloader has prepared what keeps memory shared, beside its first workers.
	MemoryPrepared struct {
		fact
		Origin  ident.Origin
		Seconds float64
	}
	// PreparationTimedOut says that a preloader is killed which does not come to the end of that.
	PreparationTimedOut struct {
		fact
		Origin  ident.Origin
		Timeout time.Duration
	}
	// FindingMade is something in a generation that has loaded which stands in the way of forking.
	FindingMade struct {
		fact
		Generation int
		Finding    Finding
	}
	// LoadFailed says that a generation has not loaded while the workers of another one serve on.
	LoadFailed struct {
		fact
		Failure LoadFailure
	}
	// LoadWaits says when the next generation is loaded.
	LoadWaits struct {
		fact
		Generation int
		Wait       time.Duration
		Failed     bool // so many have failed that it was told
	}
	// PreloaderRetired says that a preloader has left because it was asked to.
	PreloaderRetired struct {
		fact
		Origin ident.Origin
	}
	// PreloaderLeft says that a preloader has ended while the supervisor stops.
	PreloaderLeft struct {
		fact
		Origin ident.Origin
		Exit   ident.ExitStatus
	}
	// PreloaderDied says that a preloader has ended that workers were forked from.
	PreloaderDied struct {
		fact
		Origin ident.Origin
		Reason Reason // "": how it has ended says it
		Exit   ident.ExitStatus
		Failed *Failed
	}
	// PreloaderContinued says that a preloader runs on that a signal had stopped.
	PreloaderContinued struct {
		fact
		Origin ident.Origin
	}
)

// Of workers.
type (
	// WorkerServes says that a worker is ready.
	WorkerServes struct {
		fact
		Worker  WorkerName
		After   time.Duration // since it was spawned, or since its pid is known
		Renewal bool          // it takes the place of one of its own generation
		Spare   bool          // it was one: After is since it was given its slot
	}
	// WorkerNotStarted says that there is no process.
	WorkerNotStarted struct {
		fact
		Worker  WorkerName
		Failure Failure
	}
	// WorkerBootTimedOut says that a worker is killed because it was not ready in time.
	WorkerBootTimedOut struct {
		fact
		Worker  WorkerName
		State   WorkerState
		Timeout time.Duration
	}
	// WorkerDrainTimedOut says that a worker is killed because it has not left in time.
	WorkerDrainTimedOut struct {
		fact
		Worker  WorkerName
		Timeout time.Duration
	}
	// WorkerFinishesLate says that a worker that was replaced still has a request in hand.
	WorkerFinishesLate struct {
		fact
		Worker  WorkerName
		Reason  Reason
		Timeout time.Duration
	}
	// WorkerLeavesUnasked says that a worker serves no more by its own decision.
	WorkerLeavesUnasked struct {
		fact
		Worker WorkerName
	}
	// WorkerLeft says that a worker has ended because it was asked to.
	WorkerLeft struct {
		fact
		Worker  WorkerName
		Reason  Reason
		Exit    ident.ExitStatus
		Served  uint64
		Request string // the one in hand, which got no answer; "": none
		Private uint64 // bytes, as last measured
	}
	// WorkerDied says that a worker has ended that should have served on.
	WorkerDied struct {
		fact
		Worker  WorkerName
		Reason  Reason
		Exit    ident.ExitStatus
		Served  uint64
		Request string // the one in hand, or ""
		Failed  *Failed
	}
	// WorkerLost says that a worker is given up whose pid was never told.
	WorkerLost struct {
		fact
		Worker WorkerName
		Reason Reason
	}
	// WorkerKilled says that a worker is killed at the end of a stop.
	WorkerKilled struct {
		fact
		Worker WorkerName
		Reason Reason
	}
	// WorkerServesNobody says that a worker is killed because it takes no connections.
	WorkerServesNobody struct {
		fact
		Worker  WorkerName
		Waiting int // connections
	}
	// SpareTakesNoSlot says that a spare is killed because it does nothing about the slot that it has been given.
	SpareTakesNoSlot struct {
		fact
		Worker WorkerName
	}
	// WorkerStays says that a worker is killed because it does not leave.
	WorkerStays struct {
		fact
		Worker WorkerName
		Reason Reason // of leaving
	}
	// WorkerUnreachable says that a worker is killed because it has closed its channel.
	WorkerUnreachable struct {
		fact
		Worker WorkerName
	}
	// WorkerContinued says that a worker runs on that a signal had stopped.
	WorkerContinued struct {
		fact
		Worker  WorkerName
		Request string // in hand, or ""
	}
)

// Of spares.
type (
	// SpareReady says that a worker waits for a slot.
	SpareReady struct {
		fact
		Worker WorkerName
		After  time.Duration // since its pid is known
	}
	// SpareWaits says when the next spare comes, after early deaths in a row.
	SpareWaits struct {
		fact
		Deaths int
		Wait   time.Duration
	}
)

// Of slots and sockets.
type (
	// SlotWaits says when a slot gets its next worker, after early deaths in a row.
	SlotWaits struct {
		fact
		Slot    int
		Deaths  int
		Wait    time.Duration
		Unbound bool // its socket could not be bound, which was told
	}
	// SocketsRebound says that sockets are bound anew because their files were gone.
	SocketsRebound struct {
		fact
		Slots []int
	}
	// SocketUnbound says that the socket of a slot could not be bound.
	SocketUnbound struct {
		fact
		Slot  int
		Error string
		Known bool // the same was told before
	}
	// SocketBound says that a socket is bound again after SocketUnbound.
	SocketBound struct {
		fact
		Slot int
	}
)

// Of reforks.
type (
	// ReforkAsked says that a worker is asked to fork the next preloader of its generation.
	ReforkAsked struct {
		fact
		Worker WorkerName
		Served uint64
	}
	// ReforkPutOff says that a later refork would gain too little yet.
	ReforkPutOff struct {
		fact
		Worker WorkerName // that would be asked
		Served uint64
		Each   uint64 // bytes that forks of the preloader have after their first requests
	}
	// ReforkTimedOut says that such a preloader is given up.
	ReforkTimedOut struct {
		fact
		Origin  ident.Origin
		Timeout time.Duration
	}
	// ReforkRefused says that a worker has something that others must not inherit.
	ReforkRefused struct {
		fact
		Origin   ident.Origin
		Slot     int
		Findings []Finding
		Wait     time.Duration // before another worker, or the same one, is asked
		Last     bool          // nobody of this generation is asked any more
		Known    bool          // the log has these findings
	}
	// WorkerUnfit says that the application does not want this worker to be forked from.
	WorkerUnfit struct {
		fact
		Worker  WorkerName
		Finding Finding
		Known   bool // the same was told of another worker
	}
	// ReforkFailed says that a preloader could not be forked from a worker. What is not known is zero.
	ReforkFailed struct {
		fact
		Origin     ident.Origin
		Exit       *ident.ExitStatus
		Failure    *Failure
		StartError *StartError
		Reason     Reason
	}
	// ReforkCancelled says that the worker was to leave before it had begun.
	ReforkCancelled struct {
		fact
		Origin ident.Origin
		Reason Reason // of leaving
	}
	// PreloaderReforked says that a preloader was forked from a warm worker.
	PreloaderReforked struct {
		fact
		Origin  ident.Origin
		Pid     int
		Seconds float64 // that the fork took
	}
	// ReforkGivenUp says that the preloader before the one that was reforked serves on.
	ReforkGivenUp struct {
		fact
		Origin  ident.Origin
		Reason  Reason
		Status  int    // of the first request; of no interest where Request is ""
		Request string // that was not answered well; "": Reason says why
	}
	// ReforkCompleted says that all workers are forks of a preloader that was reforked.
	ReforkCompleted struct {
		fact
		Origin ident.Origin
	}
)

// Of seeds.
type (
	// SeedingEnded says that no slot waits any more for a preloader that is forked from a seed.
	SeedingEnded struct {
		fact
		Generation int
		Reason     Reason
	}
)

// Of memory.
type (
	// MemoryBoundChanged tells what all processes together have at most.
	MemoryBoundChanged struct {
		fact
		Generation int
		Bound      MemoryBound
	}
	// BudgetTooSmall says that workers need more for their first requests than they may have.
	BudgetTooSmall struct {
		fact
		Served   uint64
		Private  uint64 // bytes
		Each     uint64 // bytes that a worker may have
		Sensible uint64 // bytes that would be enough
	}
)

// Of the supervisor itself.
type (
	// StopBegan says that all processes are to leave.
	StopBegan struct {
		fact
		By      string
		Timeout time.Duration
		Workers int // that are there
	}
	// StopNoted says that somebody else asks for a stop that is under way.
	StopNoted struct {
		fact
		By      string
		Workers int // that are left
	}
	// KillingAll says that the processes that are left are killed: because somebody asked for it, or
	// because the time is over.
	KillingAll struct {
		fact
		By      string // "": the time is over
		Timeout time.Duration
		Workers int // that are left
	}
	// Contradiction is a mistake of this package.
	Contradiction struct {
		fact
		Error string
	}
)
