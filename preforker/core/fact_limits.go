package core

import "time"

// Of limits.
type (
	// RequestTimedOut says that a worker is to end because a request takes too long.
	RequestTimedOut struct {
		fact
		Worker  WorkerName
		Request string
		After   time.Duration
	}
	// RequestSlow says that a request takes long.
	RequestSlow struct {
		fact
		Worker  WorkerName
		Request string
		After   time.Duration
	}
	// MemoryExceeded says that a worker is to end because it has more memory of its own than it may.
	MemoryExceeded struct {
		fact
		Worker         WorkerName
		Request        string // in hand, or ""
		Private, Limit uint64 // bytes
	}
	// ThreadLocated says where a thread of a worker is.
	ThreadLocated struct {
		fact
		Worker WorkerName
		Thread Thread
		Slow   bool // nothing else follows from it
	}
	// ThreadsLeftOut says of how many threads nothing is told, for the sake of the log.
	ThreadsLeftOut struct {
		fact
		Worker  WorkerName
		Threads int
	}
	// WorkerNotLocated says that a worker has not said where its threads are.
	WorkerNotLocated struct {
		fact
		Worker WorkerName
	}
	// RecycleAsked says that an application wants another worker in the place of this one.
	RecycleAsked struct {
		fact
		Worker WorkerName
		Why    string
	}
)

// Thread is where a thread of Ruby's is.
type Thread struct {
	Name    string
	State   string
	Frames  []string
	LeftOut int // frames that are not told
}
