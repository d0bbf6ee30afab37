package preforker

import (
	"maps"
	"slices"
	"strings"
	"time"

	"launcher/preforker/internal/wire"
)

// loadView is what is told of a load that has succeeded, for as long as anybody has its code.
type loadView struct {
	at                time.Duration
	seconds           float64
	ruby, rails, rack string
}

// hasLoaded notes the first load of a generation, and forgets those that are gone.
func (c *core) hasLoaded(p *preloader, loaded wire.Loaded) {
	present := c.generations()
	maps.DeleteFunc(c.loads, func(generation int, _ loadView) bool { return !slices.Contains(present, generation) })
	c.loads[p.origin.Generation] = loadView{c.now, loaded.Seconds, loaded.Ruby, loaded.Rails, loaded.Rack}
	c.failedLoad = nil
}

// generations are those that have a preloader or a worker, oldest first.
func (c *core) generations() []int {
	var found []int
	for _, p := range c.preloaders {
		found = append(found, p.origin.Generation)
	}
	for _, s := range c.slots {
		for _, w := range s.workers {
			found = append(found, w.key.Generation)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// failedLoad is a generation that is gone without having loaded.
type failedLoad struct {
	generation int
	at         time.Duration
	err        error
}

// view tells what the core knows, and changes nothing. Began is when its clock was 0. What only the kernel
// or the workers know is left open: requests, memory, queues, and the pids of preloaders.
func (c *core) view(began time.Time, now time.Duration) Status {
	status := Status{Version: StatusVersion, Time: began.Add(now), Started: began, State: c.phaseName(),
		Memory: MemoryStatus{Promise: c.promised()}, Generations: c.generationViews(began, now)}
	if f := c.failedLoad; f != nil {
		line, _, _ := strings.Cut(f.err.Error(), "\n")
		status.FailedLoad = &FailedLoad{f.generation, began.Add(f.at), line}
	}
	for _, s := range c.slots {
		view := SlotStatus{Slot: s.number, State: s.state.String(), Open: s.open, Deaths: s.deaths, Workers: []WorkerStatus{}}
		if s.retryAt > now && c.phase == phaseRunning {
			view.Retry = seconds(s.retryAt - now)
		}
		for _, w := range s.workers {
			view.Workers = append(view.Workers, WorkerStatus{key: w.key, Generation: w.key.Generation, Refork: w.key.Refork, Pid: w.pid,
				State: w.state.String(), Seconds: seconds(now - w.since), Reason: w.reason, Served: w.served})
		}
		status.Slots = append(status.Slots, view)
	}
	return status
}

func (c *core) phaseName() string {
	switch c.phase {
	case phaseBooting:
		return "loading"
	case phaseRunning:
		return "running"
	default:
		return "stopping"
	}
}

func (c *core) generationViews(began time.Time, now time.Duration) []GenerationStatus {
	views := []GenerationStatus{}
	for _, generation := range c.generations() {
		view := GenerationStatus{Generation: generation, Preloaders: []PreloaderStatus{}}
		if load, known := c.loads[generation]; known {
			at := began.Add(load.at)
			view.Loaded, view.LoadTime = &at, load.seconds
			view.Ruby, view.Rails, view.Rack = load.ruby, load.rails, load.rack
		}
		for _, p := range c.preloaders {
			if p.origin.Generation == generation {
				view.Preloaders = append(view.Preloaders, PreloaderStatus{Refork: p.origin.Refork,
					State: p.state.String(), Seconds: seconds(now - p.since)})
			}
		}
		views = append(views, view)
	}
	return views
}

// promised is the promise as it was logged last.
func (c *core) promised() *Promise {
	b := &c.budget
	if !c.renews() || b.bytes == 0 || b.preloader == 0 {
		return nil
	}
	return &Promise{Total: b.total(len(c.slots)), Preloader: b.preloader, Workers: len(c.slots), Each: b.bytes,
		Provisional: c.policy.renewal.Budget.Auto && !c.learned(), Launcher: b.launcher}
}
