package preforker

import (
	"slices"
	"time"

	"launcher/preforker/control"
	"launcher/preforker/core"
)

// statusOf is what the core knows, as a status. Began is when its clock was 0. What only the kernel or the workers know is
// left open: requests, memory, queues, and the pids of preloaders.
func statusOf(view core.View, began time.Time, now time.Duration) control.Status {
	status := control.Status{Version: control.StatusVersion, Time: began.Add(now), Started: began, State: view.Phase.String(),
		Memory: control.MemoryStatus{Bound: boundOf(view.MemoryBound)}, Generations: []control.GenerationStatus{}}
	if f := view.FailedLoad; f != nil {
		status.FailedLoad = &control.FailedLoad{Generation: f.Failure.Generation, Time: began.Add(f.At), Error: failureText(f.Failure)}
	}
	if f := view.Failing; f != nil {
		status.Failing = failingStatusOf(*f, began, now)
	}
	for _, g := range view.Generations {
		status.Generations = append(status.Generations, generationStatusOf(g, began, now))
	}
	for i, s := range slices.Concat(view.Slots, view.Removed) {
		slot := control.SlotStatus{Slot: s.Slot, State: s.State.String(), Open: s.Open, Deaths: s.Deaths, Workers: []control.WorkerStatus{}}
		if s.Lent && s.State == core.VacantSlot {
			slot.State = control.LentSlot
		}
		if i >= len(view.Slots) {
			slot.State = control.RemovedSlot
		}
		slot.Failed, slot.Died = slotFailureOf(s, began)
		if s.RetryAt > now {
			slot.Retry = seconds(s.RetryAt - now)
		}
		for _, w := range s.Workers {
			slot.Workers = append(slot.Workers, workerStatusOf(w, now))
		}
		status.Slots = append(status.Slots, slot)
	}
	if view.Spare != nil {
		spare := workerStatusOf(*view.Spare, now)
		status.Spare = &spare
	}
	return status
}

func limitsStatusOf(config Config) control.LimitsStatus {
	l := config.Limits
	return control.LimitsStatus{RequestTimeout: seconds(l.RequestTimeout), SlowLog: seconds(l.SlowLog), MaxAge: seconds(l.MaxAge), Memory: l.Memory,
		MaxRequests: config.Renewal.MaxRequests, DrainTimeout: seconds(config.DrainTimeout)}
}

func workerStatusOf(w core.WorkerView, now time.Duration) control.WorkerStatus {
	return control.WorkerStatus{Key: w.Key, Generation: w.Key.Generation, Refork: w.Key.Refork, Pid: w.Pid,
		State: w.State.String(), Seconds: seconds(now - w.Since), Reason: string(w.Reason), Served: w.Served}
}

func generationStatusOf(g core.GenerationView, began time.Time, now time.Duration) control.GenerationStatus {
	status := control.GenerationStatus{Generation: g.Generation, Preloaders: []control.PreloaderStatus{}, Findings: []control.FindingStatus{}}
	if g.Loaded != nil {
		at := began.Add(g.Loaded.At)
		status.Loaded, status.LoadTime = &at, g.Loaded.Load.Seconds
		status.Ruby, status.Rails, status.Rack = g.Loaded.Load.Ruby, g.Loaded.Load.Rails, g.Loaded.Load.Rack
		for _, f := range g.Loaded.Load.Findings {
			status.Findings = append(status.Findings, control.FindingStatus(f))
		}
	}
	if h := g.Held; h != nil {
		status.Held = &control.HeldStatus{Time: began.Add(h.At), Errors: h.Errors, Deaths: h.Deaths, Probes: h.Probes}
	}
	if r := g.Refork; r != nil {
		status.Refork = reforkStatusOf(*r, now)
	}
	for _, p := range g.Preloaders {
		status.Preloaders = append(status.Preloaders, control.PreloaderStatus{Refork: p.Origin.Refork, State: p.State.String(), Seconds: seconds(now - p.Since)})
	}
	return status
}

func reforkStatusOf(r core.ReforkView, now time.Duration) *control.ReforkStatus {
	if r.Refork == 0 {
		return &control.ReforkStatus{State: control.PutOffRefork, Gain: r.Gain, PaysFrom: r.From}
	}
	return &control.ReforkStatus{State: control.PacedRefork, Refork: r.Refork, Left: r.Left, Next: seconds(max(0, r.NextAt-now))}
}

func boundOf(bound *core.MemoryBound) *control.MemoryBound {
	if bound == nil {
		return nil
	}
	return &control.MemoryBound{Total: bound.Total, Preloader: bound.Preloader, Workers: bound.Workers, Each: bound.Each,
		Provisional: bound.Provisional, Launcher: bound.Launcher}
}

// slotFailureOf is why a slot has failed, and how the last worker of it has died.
func slotFailureOf(s core.SlotView, began time.Time) (failed *control.SlotFailure, died *control.DeathStatus) {
	if s.Failed != nil {
		failed = &control.SlotFailure{Time: began.Add(s.Failed.Since), Deaths: s.Failed.Deaths}
	}
	if d := s.Died; d != nil {
		died = &control.DeathStatus{Time: began.Add(d.At), Generation: d.Worker.Key.Generation, Refork: d.Worker.Key.Refork, Pid: d.Worker.Pid,
			Reason: string(d.Reason), Exit: d.Exit.String(), Error: errorText(d.Failed), Request: d.Request,
			Backtrace: listed(framesOf(d.Failed)), Lines: listed(d.Lines)}
	}
	return failed, died
}

func failingStatusOf(f core.GenerationFailure, began time.Time, now time.Duration) *control.GenerationFailure {
	return &control.GenerationFailure{Generation: f.Failure.Generation, Time: began.Add(f.Since), Failures: f.Failures,
		Retry: seconds(max(0, f.RetryAt-now)), Error: failureText(f.Failure), Backtrace: listed(framesOf(f.Failure.Failed)), Lines: listed(f.Failure.Lines)}
}

// listed has no null in the JSON.
func listed(lines []string) []string { return append([]string{}, lines...) }
