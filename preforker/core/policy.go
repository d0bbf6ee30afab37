package core

import "time"

// SpawnMethod is how workers come to be.
type SpawnMethod string

// How workers come to be: forked from a preloader that has the application loaded, or each
// a Ruby of its own that loads it by itself and shares nothing.
const (
	SpawnSmart  SpawnMethod = "smart"
	SpawnDirect SpawnMethod = "direct"
)

// Policy is what the user may choose, and what the machine allows.
type Policy struct {
	BootTimeout   time.Duration // of a preloader, and of a worker
	DrainTimeout  time.Duration
	Method        SpawnMethod
	LoadsAtOnce   int // of the application, with direct spawning; the CPUs
	Renewal       Renewal
	Limits        Limits
	Refork        Refork
	Seeds         int           // workers that a generation grows from; 0: all slots are filled from what was loaded
	Early         int           // workers that serve before a preloader prepares what keeps memory shared; 0: none does
	SeedTime      time.Duration // after which all slots are filled from what was loaded all the same
	Spare         Spare
	Min           int           // slots that have a worker at all times, the others on demand; 0: all have
	IdleTimeout   time.Duration // after which a worker that has nothing to do leaves a slot that is there on demand
	KeepsSockets  bool          // they are there when the launcher has stopped, and what waits there is the next one's
	MemoryLimit   uint64        // bytes that all processes together can have; 0: not known
	MeasurePeriod time.Duration // between two measurements of the same worker
}
