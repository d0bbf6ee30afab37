package control

import (
	"context"
	"time"
)

// restartPath is where a restart is asked for.
const restartPath = "/restart"

// RestartRequest asks for the application to be loaded anew, beside the one that serves.
type RestartRequest struct {
	NoWait bool `json:"no_wait"` // return as soon as it has begun, or waits for another load
}

// The steps of a restart.
const (
	RestartWaits   = "waits"   // for a load that is under way
	RestartLoads   = "loads"   // the generation
	RestartLoaded  = "loaded"  // which takes over the slots now
	RestartServes  = "serves"  // a slot
	RestartTrouble = "trouble" // that need not be the end
)

// RestartProgress is how far a restart is.
type RestartProgress struct {
	Time       time.Time `json:"time"`
	Step       string    `json:"step"`
	Generation int       `json:"generation"` // 0: not known yet
	Slot       *int      `json:"slot,omitempty"`
	Pid        int       `json:"pid,omitempty"`
	Seconds    float64   `json:"seconds,omitempty"` // that the step has taken
	Serving    int       `json:"serving"`           // slots that have a worker of this generation
	Slots      int       `json:"slots"`
	Text       string    `json:"text,omitempty"` // what the trouble is
}

// RestartResult is how a restart has ended, or that it has begun where nobody waits.
type RestartResult struct {
	Generation int    `json:"generation"` // 0: not known yet
	End        string `json:"end"`        // served, not loaded, held back, replaced, stopped; "": nobody waits
	Slots      int    `json:"slots"`      // that it serves
	Workers    int    `json:"workers"`    // that it has there; the other slots are served by these until their own ones come
}

// RestartVerb is POST /restart.
func RestartVerb(restart func(context.Context, RestartRequest, func(any)) (any, error)) Verb {
	return Follow(restartPath, restart)
}

// Restart has the launcher whose sockets are in a folder load its application anew, and tells its progress until the new
// generation serves all slots. An error says why it does not.
func Restart(ctx context.Context, dir string, request RestartRequest, tell func(RestartProgress)) (result RestartResult, err error) {
	err = follow(ctx, dir, restartPath, request, tell, &result)
	return result, err
}
