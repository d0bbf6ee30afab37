package preforker

import (
	"context"
	"time"

	"launcher/preforker/control"
	"launcher/preforker/core"
	"launcher/preforker/ident"
	"launcher/preforker/internal/scoreboard"
)

// Who asks for the end of a worker at the control socket.
const (
	killCommand    = "launcher kill"
	killNowCommand = "launcher kill --now"
)

// followedKill is what whoever waits for the end of a worker has been told of.
type followedKill struct {
	tell      func(any)
	slot      int
	begun     bool
	gone      bool
	key       ident.Key // of the worker
	next      core.NextWorker
	successor ident.Key // that comes
	failed    bool      // it has not come up
	result    control.KillResult
}

// kill ends the worker of a slot for a client of the control socket.
func (s *Supervisor) kill(ctx context.Context, request control.KillRequest, tell func(any)) (any, error) {
	slot, err := slotOf("kill", request.Slot)
	if err != nil {
		return nil, err
	}
	by := killCommand
	if request.Now {
		by = killNowCommand
	}
	facts, end, err := s.follow(ctx, core.KillAsked{By: by, Slot: slot, Now: request.Now})
	if err != nil {
		return nil, err
	}
	defer end()
	r := &followedKill{tell: tell, slot: slot}
	for !r.ended() {
		select {
		case fact, more := <-facts:
			if !more {
				return r.result, errBehind
			}
			if err := r.takes(fact); err != nil {
				return nil, err
			}
		case <-s.done:
			return r.result, control.ErrEnding
		case <-ctx.Done():
			return r.result, context.Cause(ctx)
		}
	}
	return r.result, nil
}

// KillWorker kills the worker of a slot, if it is the one with this pid still, and returns once that has begun. By names who asks.
func (s *Supervisor) KillWorker(ctx context.Context, by string, slot, pid int) error {
	facts, end, err := s.follow(ctx, core.KillAsked{By: by, Slot: slot, Pid: pid, Now: true})
	if err != nil {
		return err
	}
	defer end()
	r := &followedKill{tell: func(any) {}, slot: slot}
	for !r.begun {
		select {
		case fact, more := <-facts:
			if !more {
				return errBehind
			}
			if err := r.takes(fact); err != nil {
				return err
			}
		case <-s.done:
			return control.ErrEnding
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// ended says whether the worker is gone, and it is known what the slot has next.
func (r *followedKill) ended() bool {
	return r.gone && (r.next != core.NextComes || r.result.Next != 0 || r.failed)
}

func (r *followedKill) takes(fact core.Fact) error {
	switch f := fact.(type) {
	case core.KillRefused:
		if !r.begun {
			return noWorkerError("kill", r.slot, f.Slots, f.Worker.Pid, f.Why)
		}
	case core.KillBegan:
		r.begins(f.Worker, control.KillProgress{Step: control.KillBegins, Request: f.Request, Text: map[bool]string{true: "killed"}[f.Now]})
	case core.KillNoted:
		text := string(f.Reason)
		if f.Killed {
			text = "it was killed, and the kernel has not let go of it yet"
		}
		r.begins(f.Worker, control.KillProgress{Step: control.KillLeaves, Request: f.Request, Text: text})
	case core.KillFollowed:
		if r.next == "" {
			r.next, r.successor = f.Next, f.Worker.Key
			if f.Next == core.NextServes {
				r.result.Next = f.Worker.Pid
			}
		}
	case core.WorkerLeft:
		r.leaves(f.Worker, f.Exit.String(), f.Request)
	case core.WorkerDied:
		r.leaves(f.Worker, f.Exit.String(), f.Request)
	case core.WorkerLost:
		r.leaves(f.Worker, "", "")
	case core.WorkerNotStarted:
		r.leaves(f.Worker, "", "")
	case core.WorkerServes:
		if f.Worker.Key.Slot == r.slot && !f.Worker.Key.Same(r.key) && r.result.Next == 0 {
			r.result.Next = f.Worker.Pid
			r.says(control.KillProgress{Step: control.KillServes, Pid: f.Worker.Pid, Seconds: seconds(f.After)})
		}
	case core.ScaleBegan:
		r.failed = r.failed || f.To <= r.slot
	}
	return nil
}

func (r *followedKill) begins(w core.WorkerName, p control.KillProgress) {
	if !r.begun {
		r.begun, r.key, r.result.Pid = true, w.Key, w.Pid
		p.Pid = w.Pid
		r.says(p)
	}
}

// leaves takes the end of the worker, or of the one that was to follow it.
func (r *followedKill) leaves(w core.WorkerName, exit, request string) {
	switch {
	case w.Key.Same(r.key) && !r.gone:
		r.gone, r.result.Exit, r.result.Lost = true, exit, request
		r.says(control.KillProgress{Step: control.KillLeft, Pid: w.Pid, Exit: exit, Request: request})
		if text := nextWords[r.next]; text != "" {
			r.says(control.KillProgress{Step: control.KillNext, Text: text})
		}
	case w.Key.Same(r.successor) && r.result.Next == 0:
		r.failed = true
		r.says(control.KillProgress{Step: control.KillNext, Pid: w.Pid, Exit: exit, Text: "its next worker has not come up: launcher status"})
	}
}

// nextWords say what a slot has next that has no worker at once.
var nextWords = map[core.NextWorker]string{
	core.NextParked: "it is parked: a worker is forked when somebody connects",
	core.NextLent:   "workers of other slots serve it until its next one comes",
	core.NextLater:  "its next worker comes when it can be forked: launcher status",
	core.NextNone:   "it is not among the slots any more",
}

func (r *followedKill) says(p control.KillProgress) {
	p.Time, p.Slot = time.Now(), r.slot
	r.tell(p)
}

// withRequests adds the requests that the workers of the slot have in hand.
func (s *Supervisor) withRequests(e core.KillAsked) core.KillAsked {
	for key, w := range s.workers {
		if key.Slot != e.Slot || w.child == nil {
			continue
		}
		if entry, err := scoreboard.Read(s.mapped, w.record); err == nil && entry.Pid == w.child.Pid && entry.Request() != "" {
			e.InHand = append(e.InHand, core.InHand{Key: key, Request: entry.Request()})
		}
	}
	return e
}
