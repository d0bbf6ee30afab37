package core

import "fmt"

// PreloaderState is where a preloader is in its life.
type PreloaderState int

// The states of a preloader. It is starting until Ruby answers with its version, and
// loading until the application is there.
const (
	StartingPreloader PreloaderState = iota
	LoadingPreloader
	ReadyPreloader
	RetiringPreloader
	ExitedPreloader
)

var preloaderNames = [...]string{"starting", "loading", "ready", "retiring", "exited"}

// String names the state in logs.
func (s PreloaderState) String() string { return preloaderNames[s] }

var preloaderTransitions = map[PreloaderState][]PreloaderState{
	StartingPreloader: {LoadingPreloader, RetiringPreloader, ExitedPreloader},
	LoadingPreloader:  {ReadyPreloader, RetiringPreloader, ExitedPreloader},
	ReadyPreloader:    {RetiringPreloader, ExitedPreloader},
	RetiringPreloader: {ExitedPreloader},
}

// WorkerState is where a worker is in its life.
type WorkerState int

// The states of a worker. It is spawning until its pid is told, by the preloader or by
// itself, booting until it says that it accepts. A spare says that it is prepared, and boots again when it is given a slot.
const (
	SpawningWorker WorkerState = iota
	BootingWorker
	SpareWorker
	ReadyWorker
	DrainingWorker
	KillingWorker
	ExitedWorker
)

var workerNames = [...]string{"spawning", "booting", "spare", "ready", "draining", "killing", "exited"}

// String names the state in logs.
func (s WorkerState) String() string { return workerNames[s] }

// leaving says whether it accepts no more than it has.
func (s WorkerState) leaving() bool { return s == DrainingWorker || s == KillingWorker }

// A worker's own packet may overtake the preloader's: spawning goes to ready
// where "ready" comes before "spawned".
var workerTransitions = map[WorkerState][]WorkerState{
	SpawningWorker: {BootingWorker, SpareWorker, ReadyWorker, DrainingWorker, KillingWorker, ExitedWorker},
	BootingWorker:  {SpareWorker, ReadyWorker, DrainingWorker, KillingWorker, ExitedWorker},
	SpareWorker:    {BootingWorker, DrainingWorker, KillingWorker, ExitedWorker},
	ReadyWorker:    {DrainingWorker, KillingWorker, ExitedWorker},
	DrainingWorker: {KillingWorker, ExitedWorker},
	KillingWorker:  {ExitedWorker},
}

// SlotState is what a slot has.
type SlotState int

// The states of a slot: vacant while it waits for a preloader to fork from, occupied
// with a worker in whatever state, backoff while it waits after early deaths, failed while it waits long
// after many of them, parked while it is to have none before a connection waits at its socket.
const (
	VacantSlot SlotState = iota
	OccupiedSlot
	WaitingSlot
	ParkedSlot
	FailedSlot
)

var slotNames = [...]string{"vacant", "occupied", "backoff", "parked", "failed"}

// String names the state in logs.
func (s SlotState) String() string { return slotNames[s] }

var slotTransitions = map[SlotState][]SlotState{
	VacantSlot:   {OccupiedSlot, ParkedSlot},
	OccupiedSlot: {VacantSlot, WaitingSlot, FailedSlot},
	WaitingSlot:  {VacantSlot, FailedSlot},
	FailedSlot:   {VacantSlot},
	ParkedSlot:   {VacantSlot, WaitingSlot},
}

type state interface {
	comparable
	fmt.Stringer
}

// transition moves a state along its table. A move that the table does not have is a
// fault of this package and changes nothing.
func transition[S state](table map[S][]S, from *S, to S) error {
	for _, allowed := range table[*from] {
		if allowed == to {
			*from = to
			return nil
		}
	}
	return fmt.Errorf("change state: %v to %v is not a transition", *from, to)
}
