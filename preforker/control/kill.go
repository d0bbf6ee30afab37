package control

import (
	"context"
	"time"
)

// killPath is where the end of a slot's worker is asked for.
const killPath = "/kill"

// KillRequest asks for the end of the worker of a slot.
type KillRequest struct {
	Slot *int `json:"slot"`
	Now  bool `json:"now"` // kill it: its request is lost
}

// The steps of a kill.
const (
	KillBegins = "begins" // the worker is told to leave, or killed
	KillLeaves = "leaves" // it leaves already
	KillLeft   = "left"   // it is gone
	KillServes = "serves" // the next one
	KillNext   = "next"   // what the slot has instead
)

// KillProgress is how far it is.
type KillProgress struct {
	Time    time.Time `json:"time"`
	Step    string    `json:"step"`
	Slot    int       `json:"slot"`
	Pid     int       `json:"pid,omitempty"`
	Request string    `json:"request,omitempty"` // that it has in hand, or had
	Exit    string    `json:"exit,omitempty"`    // how it has ended
	Seconds float64   `json:"seconds,omitempty"` // until the next one was ready
	Text    string    `json:"text,omitempty"`    // what else there is to say
}

// KillResult is what has become of the worker, and of its slot.
type KillResult struct {
	Pid  int    `json:"pid"`
	Exit string `json:"exit"`
	Lost string `json:"lost"` // request, or ""
	Next int    `json:"next"` // pid of the worker that serves the slot now; 0: none does yet
}

// KillVerb is POST /kill.
func KillVerb(kill func(context.Context, KillRequest, func(any)) (any, error)) Verb {
	return Follow(killPath, kill)
}

// Kill has the launcher whose sockets are in a folder end the worker of a slot, and tells its progress until it is gone.
func Kill(ctx context.Context, dir string, request KillRequest, tell func(KillProgress)) (result KillResult, err error) {
	err = follow(ctx, dir, killPath, request, tell, &result)
	return result, err
}
