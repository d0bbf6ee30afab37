package control

import (
	"context"
	"time"
)

// reforkPath is where the next preloader is asked for.
const reforkPath = "/refork"

// ReforkRequest asks for the next preloader to be forked from a worker now.
type ReforkRequest struct {
	NoWait bool `json:"no_wait"` // return as soon as a worker was asked
}

// The steps of a refork.
const (
	ReforkBegins  = "begins"  // a worker is asked
	ReforkForked  = "forked"  // the preloader is there
	ReforkServes  = "serves"  // a slot has a fork of it
	ReforkWaits   = "waits"   // the others have theirs when this one has answered a request, or was asked for none in time
	ReforkTrouble = "trouble" // that may be the end
)

// ReforkProgress is how far a refork is.
type ReforkProgress struct {
	Time    time.Time `json:"time"`
	Step    string    `json:"step"`
	Slot    *int      `json:"slot,omitempty"`
	Pid     int       `json:"pid,omitempty"`
	Served  uint64    `json:"served,omitempty"`  // requests, by the worker that is asked
	Seconds float64   `json:"seconds,omitempty"` // that the step has taken
	Serving int       `json:"serving"`           // slots that have a fork of it
	Slots   int       `json:"slots"`
	Text    string    `json:"text,omitempty"`
}

// ReforkResult is what a refork has come to.
type ReforkResult struct {
	Generation int    `json:"generation"`
	Refork     int    `json:"refork"` // its number
	End        string `json:"end"`    // completed, not forked, given up, stopped; "": nobody waits
	Before     uint64 `json:"before"` // bytes: the sum of PSS of all processes; 0: not known
	After      uint64 `json:"after"`
}

// ReforkVerb is POST /refork.
func ReforkVerb(refork func(context.Context, ReforkRequest, func(any)) (any, error)) Verb {
	return Follow(reforkPath, refork)
}

// Refork has the launcher whose sockets are in a folder fork the next preloader from a worker now, and tells its progress until
// all slots have forks of it.
func Refork(ctx context.Context, dir string, request ReforkRequest, tell func(ReforkProgress)) (result ReforkResult, err error) {
	err = follow(ctx, dir, reforkPath, request, tell, &result)
	return result, err
}
