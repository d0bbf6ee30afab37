package preforker

import (
	"context"
	"errors"
	"os"
	"time"

	"launcher/preforker/control"
	"launcher/preforker/core"
)

// Who asks for a stop at the control socket.
const (
	stopCommand    = "launcher stop"
	stopNowCommand = "launcher stop --now"
)

// followedStop is what whoever waits for the end has been told of.
type followedStop struct {
	tell   func(any)
	began  bool
	left   int // workers
	result control.StopResult
}

// stop ends the service for a client of the control socket. That the loop has ended is what is waited for.
func (s *Supervisor) stop(ctx context.Context, request control.StopRequest, tell func(any)) (any, error) {
	facts, end, err := s.follow(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer end()
	s.beginStop(ctx, request.Now)
	r := &followedStop{tell: tell}
	for {
		select {
		case fact, more := <-facts:
			if !more {
				return r.result, errBehind
			}
			r.takes(fact)
			if r.began && request.NoWait {
				return nil, nil
			}
		case <-s.done:
			return r.ends(facts), nil
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), control.ErrEnding) {
				return r.ends(facts), nil
			}
			return r.result, context.Cause(ctx)
		}
	}
}

// ends tells what was told before the end.
func (r *followedStop) ends(facts <-chan core.Fact) control.StopResult {
	for {
		select {
		case fact, more := <-facts:
			if more {
				r.takes(fact)
				continue
			}
		default:
		}
		return r.result
	}
}

// beginStop has whoever runs the service end all of it.
func (s *Supervisor) beginStop(ctx context.Context, now bool) {
	by := stopCommand
	if now {
		by = stopNowCommand
	}
	switch {
	case s.config.Stop != nil:
		s.config.Stop(ctx, by, now)
	case now:
		s.Kill(by)
	default:
		s.Stop(by)
	}
}

func (r *followedStop) takes(fact core.Fact) {
	switch f := fact.(type) {
	case core.StopBegan:
		r.began, r.left = true, f.Workers
		r.says(control.StopProgress{Step: control.StopBegins, Seconds: seconds(f.Timeout)})
	case core.StopNoted:
		r.began, r.left = true, f.Workers
		r.says(control.StopProgress{Step: control.StopBegins, Text: "it is under way already"})
	case core.SuccessorDismissed:
		r.began, r.left = true, f.Workers
		r.says(control.StopProgress{Step: control.StopBegins, Seconds: seconds(f.Timeout), Text: "no other launcher follows"})
	case core.KillingAll:
		r.began, r.left = true, f.Workers
		_, text, attrs := lineOf(fact)
		r.says(control.StopProgress{Step: control.StopKills, Text: sentence(text, attrs)})
	case core.WorkerLeft:
		r.leaves(f.Worker, f.Exit.String(), f.Request)
	case core.WorkerDied:
		r.leaves(f.Worker, f.Exit.String(), f.Request)
	case core.WorkerLost:
		r.leaves(f.Worker, "", "")
	}
}

// leaves tells that a worker is gone. One that was on its way when the stop began counts from then on.
func (r *followedStop) leaves(w core.WorkerName, exit, request string) {
	if !r.began {
		return
	}
	r.left = max(0, r.left-1)
	if request != "" {
		r.result.Lost++
	}
	p := control.StopProgress{Step: control.StopLeft, Pid: w.Pid, Exit: exit, Request: request}
	if slot := w.Key.Slot; slot >= 0 {
		p.Slot = &slot
	}
	r.says(p)
}

func (r *followedStop) says(p control.StopProgress) {
	p.Time, p.Launcher, p.Workers = time.Now(), os.Getpid(), r.left
	r.tell(p)
}
