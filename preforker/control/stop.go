package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	"launcher/preforker/linux"
)

// stopPath is where the end of the launcher is asked for.
const stopPath = "/stop"

// StopRequest asks for the end of the launcher.
type StopRequest struct {
	Now    bool `json:"now"`     // kill: no request is finished
	NoWait bool `json:"no_wait"` // return as soon as it has begun
}

// The steps of a stop.
const (
	StopBegins = "begins" // or is under way already
	StopLeft   = "left"   // a worker
	StopKills  = "kills"  // what is left
)

// StopProgress is how far a stop is.
type StopProgress struct {
	Time     time.Time `json:"time"`
	Step     string    `json:"step"`
	Launcher int       `json:"launcher"`          // its pid
	Workers  int       `json:"workers"`           // that are left
	Seconds  float64   `json:"seconds,omitempty"` // that they have, at the most
	Slot     *int      `json:"slot,omitempty"`
	Pid      int       `json:"pid,omitempty"`
	Exit     string    `json:"exit,omitempty"`    // how it has ended
	Request  string    `json:"request,omitempty"` // that it had in hand then, and that is lost
	Text     string    `json:"text,omitempty"`    // what else there is to say
}

// StopResult is how a stop has ended.
type StopResult struct {
	Lost int `json:"lost"` // requests that were not finished
}

// StopVerb is POST /stop. Its last line comes when all workers are gone, just before the launcher itself is.
func StopVerb(stop func(context.Context, StopRequest, func(any)) (any, error)) Verb {
	return Follow(stopPath, stop)
}

// Stop has the launcher whose sockets are in a folder end, and tells its progress until its process is gone, as far as that can be
// seen from here.
func Stop(ctx context.Context, dir string, request StopRequest, tell func(StopProgress)) (result StopResult, err error) {
	process := launcherAt(dir)
	defer func() {
		if process != nil {
			_ = process.Close()
		}
	}()
	began, lost := false, 0
	err = follow(ctx, dir, stopPath, request, func(p StopProgress) {
		began = true
		if p.Request != "" {
			lost++
		}
		tell(p)
	}, &result)
	result.Lost = max(result.Lost, lost)
	switch {
	case began && errors.Is(err, errCutOff) && process != nil: // it may have had no time for its last line
	case err != nil || request.NoWait || process == nil:
		return result, err
	}
	return result, awaitEnd(ctx, process)
}

// launcherAt follows the process that listens at the control socket, nil where it cannot be seen from here.
func launcherAt(dir string) *linux.Process {
	pid, _, err := linux.SocketPeer(socketOf(dir))
	if err != nil || pid <= 0 {
		return nil
	}
	process, err := linux.FollowProcess(pid)
	if err != nil {
		return nil
	}
	return process
}

func awaitEnd(ctx context.Context, process *linux.Process) error {
	stop := context.AfterFunc(ctx, func() { _ = process.Deadline(time.Now()) })
	defer stop()
	if !process.AwaitEnd() {
		return fmt.Errorf("wait for the launcher's process %d: %w", process.Pid, context.Cause(ctx))
	}
	return nil
}
