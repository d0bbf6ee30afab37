package control

import (
	"context"
	"time"
)

// backtracePath is where the backtraces of a slot's workers are asked for.
const backtracePath = "/backtrace"

// BacktraceRequest asks for the backtraces of the workers of a slot.
type BacktraceRequest struct {
	Slot *int `json:"slot"`
}

// BacktraceProgress comes at once: a worker that does not tell is waited for.
type BacktraceProgress struct {
	Time    time.Time `json:"time"`
	Step    string    `json:"step"`
	Slot    int       `json:"slot"`
	Pids    []int     `json:"pids"`
	Seconds float64   `json:"seconds"` // that they have, at the most
}

// BacktraceAsks is the only step: the workers are asked.
const BacktraceAsks = "asks"

// BacktraceResult is where the workers of a slot are.
type BacktraceResult struct {
	Workers []WorkerBacktrace `json:"workers"` // the oldest first: more than one while one takes the place of another
}

// WorkerBacktrace is where a worker is.
type WorkerBacktrace struct {
	Slot       int            `json:"slot"`
	Pid        int            `json:"pid"`
	Generation int            `json:"generation"`
	Refork     int            `json:"refork"`
	State      string         `json:"state"`   // as in the status
	Request    *RequestStatus `json:"request"` // nil: it has none in hand
	Threads    []ThreadStatus `json:"threads"` // of Ruby, the one that serves first; empty: it has not told
	Kernel     []KernelThread `json:"kernel"`  // what the kernel tells where Ruby does not; else empty
	Text       string         `json:"text"`    // why it has not told; "": it has
}

// ThreadStatus is where a thread of Ruby's is.
type ThreadStatus struct {
	Name    string   `json:"name"`
	State   string   `json:"state"`
	Frames  []string `json:"frames"`
	LeftOut int      `json:"left_out"` // frames that are not told
}

// KernelThread is a thread of a process as /proc has it. What may not be read, or is not there, is empty.
type KernelThread struct {
	Id    int      `json:"id"`
	Name  string   `json:"name"`
	State string   `json:"state"` // "sleeping", "running", "in a system call that nothing interrupts", …
	Waits string   `json:"waits"` // the function of the kernel that it waits in
	Call  string   `json:"call"`  // the number of the system call, and its arguments
	Stack []string `json:"stack"` // in the kernel
}

// BacktraceVerb is POST /backtrace.
func BacktraceVerb(backtrace func(context.Context, BacktraceRequest, func(any)) (any, error)) Verb {
	return Follow(backtracePath, backtrace)
}

// Backtrace asks the launcher whose sockets are in a folder where the workers of a slot are.
func Backtrace(ctx context.Context, dir string, slot int) (result BacktraceResult, err error) {
	err = follow(ctx, dir, backtracePath, BacktraceRequest{Slot: &slot}, func(BacktraceProgress) {}, &result)
	return result, err
}
