package preforker

import (
	"context"
	"slices"
	"time"

	"launcher/preforker/control"
	"launcher/preforker/core"
	"launcher/preforker/hint"
	"launcher/preforker/ident"
)

// reforkCommand is who asks for a refork at the control socket.
const reforkCommand = "launcher refork"

const (
	// gainPatience is how long those that make room have to be gone, before the memory is measured that was gained.
	gainPatience = 10 * time.Second
	// gainPeriod is the time between two measurements of that.
	gainPeriod = 200 * time.Millisecond
)

// followedRefork is what whoever waits for a refork has been told of.
type followedRefork struct {
	tell    func(any)
	origin  ident.Origin // of the preloader; none: not known yet
	slots   int
	serving map[int]bool
	trouble string // why it may come to nothing
	result  control.ReforkResult
}

// refork has the next preloader forked for a client of the control socket.
func (s *Supervisor) refork(ctx context.Context, request control.ReforkRequest, tell func(any)) (any, error) {
	before := s.pss(ctx)
	facts, end, err := s.follow(ctx, core.ReforkNowAsked{By: reforkCommand})
	if err != nil {
		return nil, err
	}
	defer end()
	r := &followedRefork{tell: tell, serving: map[int]bool{}}
	for {
		select {
		case fact, more := <-facts:
			if !more {
				return nil, errBehind
			}
			ended, err := r.takes(fact)
			switch {
			case ended && r.result.End == string(core.ReforkDone):
				r.result.Before, r.result.After = before, s.pssAfter(ctx, r.origin)
				return r.result, nil
			case ended || r.origin.Refork > 0 && request.NoWait:
				return r.result, err
			}
		case <-s.done:
			return nil, control.ErrEnding
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// takes returns true with the fact that is the end.
func (r *followedRefork) takes(fact core.Fact) (ended bool, err error) {
	switch f := fact.(type) {
	case core.ReforkNowRefused:
		if r.origin.Refork == 0 {
			return true, noReforkError(f.Why)
		}
	case core.ReforkNowBegan:
		if r.origin.Refork == 0 {
			r.origin, r.slots = f.Origin, f.Slots
			r.result.Generation, r.result.Refork = f.Origin.Generation, f.Origin.Refork
			r.says(control.ReforkProgress{Step: control.ReforkBegins, Slot: &f.Worker.Key.Slot, Pid: f.Worker.Pid, Served: f.Served})
		}
	case core.ReforkNowEnded:
		if f.Origin == r.origin {
			r.result.End = string(f.End)
			return true, r.failure(f.End)
		}
	default:
		r.follows(fact)
	}
	return false, nil
}

// follows tells what happens to the preloader on its way.
func (r *followedRefork) follows(fact core.Fact) {
	of := func(origin ident.Origin) bool { return r.origin.Refork > 0 && origin == r.origin }
	switch f := fact.(type) {
	case core.PreloaderReforked:
		if of(f.Origin) {
			r.says(control.ReforkProgress{Step: control.ReforkForked, Pid: f.Pid, Seconds: f.Seconds})
		}
	case core.WorkerServes:
		if slot := f.Worker.Key.Slot; of(f.Worker.Key.Origin()) && !r.serving[slot] {
			r.serving[slot] = true
			r.says(control.ReforkProgress{Step: control.ReforkServes, Slot: &slot, Pid: f.Worker.Pid, Seconds: seconds(f.After)})
			if len(r.serving) == 1 && r.slots > 1 {
				r.says(control.ReforkProgress{Step: control.ReforkWaits, Slot: &slot})
			}
		}
	case core.ReforkRefused:
		r.fails(fact, of(f.Origin))
		if of(f.Origin) {
			for _, finding := range f.Findings {
				r.trouble += "; " + finding.Text
				if finding.Where != "" {
					r.trouble += " (" + finding.Where + ")"
				}
			}
		}
	case core.WorkerUnfit:
		r.fails(fact, r.origin.Refork > 0 && f.Worker.Key.Generation == r.origin.Generation)
	case core.ReforkFailed:
		r.fails(fact, of(f.Origin))
	case core.ReforkTimedOut:
		r.fails(fact, of(f.Origin))
	case core.ReforkCancelled:
		r.fails(fact, of(f.Origin))
	case core.ReforkGivenUp:
		r.fails(fact, of(f.Origin))
	case core.PreloaderDied:
		r.fails(fact, of(f.Origin))
	case core.WorkerDied:
		if of(f.Worker.Key.Origin()) {
			delete(r.serving, f.Worker.Key.Slot)
			r.fails(fact, true)
		}
	}
}

// fails notes what may be the reason, as the log has it.
func (r *followedRefork) fails(fact core.Fact, is bool) {
	if is {
		_, text, attrs := lineOf(fact)
		r.trouble = sentence(text, attrs)
		r.says(control.ReforkProgress{Step: control.ReforkTrouble, Text: r.trouble})
	}
}

func (r *followedRefork) says(p control.ReforkProgress) {
	p.Time, p.Serving, p.Slots = time.Now(), len(r.serving), r.slots
	r.tell(p)
}

// failure is nil where all slots have forks of the preloader.
func (r *followedRefork) failure(end core.ReforkEnd) error {
	why := ""
	if r.trouble != "" {
		why = ": " + r.trouble
	}
	switch end {
	case core.ReforkDone:
		return nil
	case core.ReforkStopped:
		return control.ErrEnding
	case core.ReforkNotForked:
		return hint.Errorf("launcher doctor says what stands in the way of a fork; the workers serve on", "refork: no preloader was forked%s", why)
	default:
		return hint.Errorf("launcher events tells what has happened; the workers serve on", "refork: it is given up, and the slots have other workers%s", why)
	}
}

// noReforkError says why no worker is asked, and what to do.
func noReforkError(why core.NoRefork) error {
	try := "ask again in a while: launcher status tells how far it is"
	switch why {
	case core.NoReforkStops:
		return control.ErrEnding
	case core.NoReforkDirect, core.NoReforkOff:
		try = "start it with another --refork-after, such as auto, and without --spawn-method direct"
	case core.NoReforkDeclared:
		try = "see where the application calls PreforkLauncher.unfit_for_refork!"
	case core.NoReforkNoneWarm:
		try = "have it serve some requests, and ask again"
	}
	return hint.Errorf(try, "refork: %s", string(why))
}

// pss is the sum of PSS of all processes, 0 where not all could be measured.
func (s *Supervisor) pss(ctx context.Context) uint64 {
	patience := time.NewTimer(gainPeriod)
	defer patience.Stop()
	for {
		status, err := s.Status(ctx) // which waits for readings a moment itself
		if err != nil || status.Memory.Measured == status.Memory.Processes {
			return status.Memory.PSS
		}
		select {
		case <-patience.C:
			return 0
		default:
		}
	}
}

// pssAfter is the same once those are gone that have made room for a preloader and its workers, or have not for long.
func (s *Supervisor) pssAfter(ctx context.Context, origin ident.Origin) uint64 {
	patience := time.NewTimer(gainPatience)
	defer patience.Stop()
	ticker := time.NewTicker(gainPeriod)
	defer ticker.Stop()
	for {
		status, err := s.Status(ctx)
		if err != nil || !makesRoom(status, origin) && status.Memory.Measured == status.Memory.Processes {
			return status.Memory.PSS
		}
		select {
		case <-ticker.C:
		case <-patience.C:
			return s.pss(ctx)
		case <-s.done:
			return 0
		case <-ctx.Done():
			return 0
		}
	}
}

// makesRoom says whether a worker still leaves, or an older preloader of the generation.
func makesRoom(status control.Status, origin ident.Origin) bool {
	for _, g := range status.Generations {
		if g.Generation == origin.Generation && slices.ContainsFunc(g.Preloaders, func(p control.PreloaderStatus) bool { return p.Refork < origin.Refork }) {
			return true
		}
	}
	return slices.ContainsFunc(status.Slots, func(slot control.SlotStatus) bool {
		return slices.ContainsFunc(slot.Workers, func(w control.WorkerStatus) bool { return w.Reason != "" })
	})
}
