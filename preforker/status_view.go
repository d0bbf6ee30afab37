package preforker

import (
	"strings"
	"time"

	"launcher/preforker/core"
)

// statusOf is what the core knows, as a status. Began is when its clock was 0. What only the kernel or the workers know is
// left open: requests, memory, queues, and the pids of preloaders.
func statusOf(view core.View, began time.Time, now time.Duration) Status {
	status := Status{Version: StatusVersion, Time: began.Add(now), Started: began, State: view.Phase.String(),
		Memory: MemoryStatus{Promise: promiseOf(view.MemoryBound)}, Generations: []GenerationStatus{}}
	if f := view.FailedLoad; f != nil {
		line, _, _ := strings.Cut(loadErrorOf(f.Failure).Error(), "\n")
		status.FailedLoad = &FailedLoad{f.Failure.Generation, began.Add(f.At), line}
	}
	for _, g := range view.Generations {
		status.Generations = append(status.Generations, generationStatusOf(g, began, now))
	}
	for _, s := range view.Slots {
		slot := SlotStatus{Slot: s.Slot, State: s.State.String(), Open: s.Open, Deaths: s.Deaths, Workers: []WorkerStatus{}}
		if s.RetryAt > now {
			slot.Retry = seconds(s.RetryAt - now)
		}
		for _, w := range s.Workers {
			slot.Workers = append(slot.Workers, WorkerStatus{key: w.Key, Generation: w.Key.Generation, Refork: w.Key.Refork, Pid: w.Pid,
				State: w.State.String(), Seconds: seconds(now - w.Since), Reason: w.Reason, Served: w.Served})
		}
		status.Slots = append(status.Slots, slot)
	}
	return status
}

func generationStatusOf(g core.GenerationView, began time.Time, now time.Duration) GenerationStatus {
	status := GenerationStatus{Generation: g.Generation, Preloaders: []PreloaderStatus{}}
	if g.Loaded != nil {
		at := began.Add(g.Loaded.At)
		status.Loaded, status.LoadTime = &at, g.Loaded.Load.Seconds
		status.Ruby, status.Rails, status.Rack = g.Loaded.Load.Ruby, g.Loaded.Load.Rails, g.Loaded.Load.Rack
	}
	for _, p := range g.Preloaders {
		status.Preloaders = append(status.Preloaders, PreloaderStatus{Refork: p.Origin.Refork, State: p.State.String(), Seconds: seconds(now - p.Since)})
	}
	return status
}

func promiseOf(bound *core.MemoryBound) *Promise {
	if bound == nil {
		return nil
	}
	return &Promise{Total: bound.Total, Preloader: bound.Preloader, Workers: bound.Workers, Each: bound.Each,
		Provisional: bound.Provisional, Launcher: bound.Launcher}
}
