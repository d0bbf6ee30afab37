package preforker

import (
	"context"
	"errors"
	"time"

	"launcher/preforker/control"
	"launcher/preforker/core"
	"launcher/preforker/ident"
	"launcher/preforker/proc"
)

// backtraceCommand is who asks for backtraces at the control socket.
const backtraceCommand = "launcher backtrace"

// followedBacktrace is what is known of the workers that were asked.
type followedBacktrace struct {
	slot    int
	workers []core.WorkerName // that were asked; nil: not yet
	told    map[ident.Key]control.WorkerBacktrace
}

// backtrace asks the workers of a slot where they are. What does not tell is told of as the kernel sees it.
func (s *Supervisor) backtrace(ctx context.Context, request control.BacktraceRequest, tell func(any)) (any, error) {
	slot, err := slotOf("backtrace", request.Slot)
	if err != nil {
		return nil, err
	}
	facts, end, err := s.follow(ctx, core.BacktraceAsked{By: backtraceCommand, Slot: slot})
	if err != nil {
		return nil, err
	}
	defer end()
	r := &followedBacktrace{slot: slot, told: map[ident.Key]control.WorkerBacktrace{}}
	var shot snapshot
	for r.workers == nil || len(r.told) < len(r.workers) {
		select {
		case fact, more := <-facts:
			if !more {
				return nil, errBehind
			}
			if err := r.takes(fact); err != nil {
				return nil, err
			}
			if began, is := fact.(core.BacktraceBegan); is {
				tell(asksOf(began))
				if shot, err = s.askSnapshot(ctx); err != nil {
					return nil, err
				}
				shot.addRequests(s)
			}
		case <-s.done:
			return nil, control.ErrEnding
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return r.result(shot.status), nil
}

func asksOf(began core.BacktraceBegan) control.BacktraceProgress {
	asks := control.BacktraceProgress{Time: time.Now(), Step: control.BacktraceAsks, Slot: began.Slot, Seconds: seconds(began.Within)}
	for _, w := range began.Workers {
		asks.Pids = append(asks.Pids, w.Pid)
	}
	return asks
}

func (r *followedBacktrace) takes(fact core.Fact) error {
	switch f := fact.(type) {
	case core.BacktraceRefused:
		if r.workers == nil {
			return noWorkerError("backtrace", r.slot, f.Slots, 0, f.Why)
		}
	case core.BacktraceBegan:
		if r.workers == nil && f.Slot == r.slot {
			r.workers = f.Workers
		}
	case core.BacktraceTold:
		threads := []control.ThreadStatus{}
		for _, t := range f.Threads {
			threads = append(threads, control.ThreadStatus{Name: t.Name, State: t.State, Frames: listed(t.Frames), LeftOut: t.LeftOut})
		}
		r.tells(f.Worker, control.WorkerBacktrace{Threads: threads})
	case core.BacktraceMissing:
		r.tells(f.Worker, control.WorkerBacktrace{Kernel: kernelThreads(f.Worker.Pid),
			Text: "Ruby does not run in it: it hangs in C, or is stopped, or has no CPU; this is what the kernel tells"})
	case core.WorkerLeft:
		r.tells(f.Worker, control.WorkerBacktrace{Text: "it has ended meanwhile: " + f.Exit.String()})
	case core.WorkerDied:
		r.tells(f.Worker, control.WorkerBacktrace{Text: "it has ended meanwhile: " + f.Exit.String()})
	}
	return nil
}

// tells takes what is told first of a worker that was asked.
func (r *followedBacktrace) tells(w core.WorkerName, told control.WorkerBacktrace) {
	if _, known := r.told[w.Key]; known {
		return
	}
	for _, asked := range r.workers {
		if asked.Key.Same(w.Key) {
			r.told[asked.Key] = told
		}
	}
}

// result adds what the workers do.
func (r *followedBacktrace) result(status control.Status) (result control.BacktraceResult) {
	for _, w := range r.workers {
		told := r.told[w.Key]
		told.Slot, told.Pid, told.Generation, told.Refork = w.Key.Slot, w.Pid, w.Key.Generation, w.Key.Refork
		if told.Threads == nil {
			told.Threads = []control.ThreadStatus{}
		}
		if told.Kernel == nil {
			told.Kernel = []control.KernelThread{}
		}
		for _, slot := range status.Slots {
			for _, known := range slot.Workers {
				if known.Key.Same(w.Key) {
					told.State, told.Request = known.State, known.Request
				}
			}
		}
		result.Workers = append(result.Workers, told)
	}
	return result
}

// kernelThreads is what the kernel tells of a worker.
func kernelThreads(pid int) (threads []control.KernelThread) {
	for _, t := range proc.Threads(pid) {
		threads = append(threads, control.KernelThread{Id: t.ID, Name: t.Name, State: proc.StateWords(t.State), Waits: t.Waits, Call: t.Call, Stack: listed(t.Stack)})
	}
	return threads
}

// ends says whether a client is to be told that the launcher ends.
func ends(err error) bool { return errors.Is(err, control.ErrEnding) }
