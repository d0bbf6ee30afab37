package core

import "time"

// Of what has failed again and again.
type (
	// SlotFailed says that a slot gets its next worker much later, after many that have died before they served anything.
	SlotFailed struct {
		fact
		Slot   int
		Deaths int // in a row
		Wait   time.Duration
		Death  Death // the last one
		Served bool  // by an older worker
		Again  bool  // it had failed before
	}
	// SlotRecovered says that a slot has failed no more: a worker has come up.
	SlotRecovered struct {
		fact
		Worker WorkerName
		After  time.Duration // since it had failed
	}
	// GenerationFailed says that the next load comes much later, after many that have failed.
	GenerationFailed struct {
		fact
		Failure  LoadFailure // the last one
		Failures int         // in a row
		Wait     time.Duration
		Served   bool // slots are, by workers that are there
		Again    bool // loads had failed as often before
	}
)
