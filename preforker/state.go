package preforker

import "fmt"

// PreloaderState is where a preloader is in its life.
type PreloaderState int

// The states of a preloader. It is starting until Ruby answers with its version, and
// loading until the application is there.
const (
	PreloaderStarting PreloaderState = iota
	PreloaderLoading
	PreloaderReady
	PreloaderRetiring
	PreloaderExited
)

var preloaderNames = [...]string{"starting", "loading", "ready", "retiring", "exited"}

// String names the state in logs.
func (s PreloaderState) String() string { return preloaderNames[s] }

var preloaderTransitions = map[PreloaderState][]PreloaderState{
	PreloaderStarting: {PreloaderLoading, PreloaderRetiring, PreloaderExited},
	PreloaderLoading:  {PreloaderReady, PreloaderRetiring, PreloaderExited},
	PreloaderReady:    {PreloaderRetiring, PreloaderExited},
	PreloaderRetiring: {PreloaderExited},
}

// WorkerState is where a worker is in its life.
type WorkerState int

// The states of a worker. It is spawning until its pid is told, by the preloader or by
// itself, booting until it says that it accepts.
const (
	WorkerSpawning WorkerState = iota
	WorkerBooting
	WorkerReady
	WorkerDraining
	WorkerKilling
	WorkerExited
)

var workerNames = [...]string{"spawning", "booting", "ready", "draining", "killing", "exited"}

// String names the state in logs.
func (s WorkerState) String() string { return workerNames[s] }

// A worker's own packet may overtake the preloader's: spawning goes to ready
// where "ready" comes before "spawned".
var workerTransitions = map[WorkerState][]WorkerState{
	WorkerSpawning: {WorkerBooting, WorkerReady, WorkerDraining, WorkerKilling, WorkerExited},
	WorkerBooting:  {WorkerReady, WorkerDraining, WorkerKilling, WorkerExited},
	WorkerReady:    {WorkerDraining, WorkerKilling, WorkerExited},
	WorkerDraining: {WorkerKilling, WorkerExited},
	WorkerKilling:  {WorkerExited},
}

// SlotState is what a slot has.
type SlotState int

// The states of a slot: vacant while it waits for a preloader to fork from, occupied
// with a worker in whatever state, backoff while it waits after early deaths.
const (
	SlotVacant SlotState = iota
	SlotOccupied
	SlotBackoff
)

var slotNames = [...]string{"vacant", "occupied", "backoff"}

// String names the state in logs.
func (s SlotState) String() string { return slotNames[s] }

var slotTransitions = map[SlotState][]SlotState{
	SlotVacant:   {SlotOccupied},
	SlotOccupied: {SlotVacant, SlotBackoff},
	SlotBackoff:  {SlotVacant},
}

// Reason says why something left its state. It stands beside the state, never
// in it.
type Reason string

// Why a worker or a preloader leaves.
const (
	ReasonCrashed     Reason = "crashed"
	ReasonBootFailed  Reason = "boot failed"
	ReasonBootTimeout Reason = "boot timeout"
	ReasonRolled      Reason = "replaced by a newer generation"
	ReasonStopping    Reason = "stopping"
	ReasonLost        Reason = "its preloader died while forking it"
	ReasonUnbound     Reason = "its socket was removed"
	// By its own decision, or by a signal that somebody else has sent.
	ReasonLeft Reason = "left by itself"
	// It was there and served nobody.
	ReasonChannelClosed Reason = "closed its channel"
	ReasonServedNobody  Reason = "took no connections"
	ReasonNotLeaving    Reason = "did not leave"
	// A fork of the same generation took its place.
	ReasonOverBudget   Reason = "over budget"
	ReasonManyRequests Reason = "served its number of requests"
	ReasonReforked     Reason = "replaced by a fork of a warm worker"
	// Of a preloader born of a worker, whose workers turned out not to work.
	ReasonUnsound Reason = "its workers failed"
)

// patient says whether a worker may take all the time that its last request needs: nothing is wrong with it.
func (r Reason) patient() bool { return r.renewal() || r == ReasonUnbound }

// renewal says whether a worker leaves for a fork of its own generation.
func (r Reason) renewal() bool {
	return r == ReasonOverBudget || r == ReasonManyRequests || r == ReasonReforked
}

// failure says whether a worker that leaves, or was killed, has failed itself, as one that died has.
func (r Reason) failure() bool {
	return r == ReasonBootTimeout || r == ReasonChannelClosed || r == ReasonServedNobody || r == ReasonNotLeaving || r == ReasonLeft
}

type state interface {
	comparable
	fmt.Stringer
}

// change moves a state along its table. A move that the table does not have is a
// fault of this package and changes nothing.
func change[S state](table map[S][]S, from *S, to S) error {
	for _, allowed := range table[*from] {
		if allowed == to {
			*from = to
			return nil
		}
	}
	return fmt.Errorf("change state: %v to %v is not a transition", *from, to)
}
