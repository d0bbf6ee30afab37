package core

import (
	"maps"
	"slices"
	"time"

	"launcher/preforker/ident"
)

// View is what the core knows, for whoever asks. Times are on the clock of the events.
type View struct {
	Phase       Phase
	Generations []GenerationView   // oldest first
	FailedLoad  *FailedLoad        // nil: the last load has succeeded, or is under way
	Failing     *GenerationFailure // nil: no load has failed, or not many in a row
	Slots       []SlotView         // in their order
	Removed     []SlotView         // that are not among them any more, with workers that leave
	Spare       *WorkerView        // nil: there is none
	MemoryBound *MemoryBound       // nil: there is none, or not yet
}

// GenerationView is a load of the application, and the preloaders that have it.
type GenerationView struct {
	Generation int
	Loaded     *LoadRecord     // nil: not yet
	Preloaders []PreloaderView // oldest first; none where only its workers are left
	Held       *HeldView       // nil: it is not held back
	Refork     *ReforkView     // nil: none is held up
}

// HeldView is why a generation is held back.
type HeldView struct {
	At     time.Duration // since when
	Errors uint64        // responses with 500, or that broke off; none had another status
	Deaths uint64        // of its workers
	Probes uint64        // that its workers have failed
}

// LoadRecord is a load that has succeeded.
type LoadRecord struct {
	At   time.Duration
	Load Load
}

// FailedLoad is the last load, which has not succeeded.
type FailedLoad struct {
	At      time.Duration
	Failure LoadFailure
}

// PreloaderView is a preloader as it is now.
type PreloaderView struct {
	Origin ident.Origin
	State  PreloaderState
	Since  time.Duration // of its state
}

// SlotView is a slot with its workers.
type SlotView struct {
	Slot    int
	State   SlotState
	Open    bool          // its socket is there
	Lent    bool          // to ready workers of other slots, while it has none
	Deaths  int           // early ones, in a row
	RetryAt time.Duration // no next worker before; 0 where it does not wait
	Failed  *SlotFailure  // nil: it has not
	Died    *Death        // the last worker that should have served on; nil: none
	Workers []WorkerView  // oldest first
}

// WorkerView is a worker as it is now.
type WorkerView struct {
	Key    ident.Key
	Pid    int // 0: not known yet
	State  WorkerState
	Since  time.Duration // of its state
	Reason Reason        // of leaving
	Served uint64        // requests, as last measured
	Given  bool          // it was a spare, and has been given a slot that it does not serve yet
}

// Serving is the newest worker that is not leaving, or nil.
func (s SlotView) Serving() *WorkerView {
	for i := len(s.Workers) - 1; i >= 0; i-- {
		if !s.Workers[i].State.leaving() {
			return &s.Workers[i]
		}
	}
	return nil
}

// MemoryBound is what all processes together have at most, in bytes: preloader + workers * each + launcher.
type MemoryBound struct {
	Total       uint64
	Preloader   uint64
	Workers     int // of the slots, and the spare
	Each        uint64
	Provisional bool // until requests have told what a worker needs
	Launcher    uint64
}

// Phase is where the supervisor is in its life.
func (c *Core) Phase() Phase { return c.phase }

// EachWorker calls with the workers of all slots, and the spare: for who asks often, since a View of hundreds of slots is much to make.
func (c *Core) EachWorker(do func(WorkerView)) {
	for _, slots := range [...][]*slot{c.slots, c.removed} {
		for _, s := range slots {
			for _, w := range s.workers {
				do(w.view())
			}
		}
	}
	if w := c.spare.worker; w != nil {
		do(w.view())
	}
}

// View tells what is known at a time, and changes nothing.
func (c *Core) View(now time.Duration) View {
	view := View{Phase: c.phase, Generations: []GenerationView{}, FailedLoad: c.failedLoad, Failing: c.crashingView(), Slots: make([]SlotView, 0, len(c.slots)),
		MemoryBound: c.memoryBound()}
	for _, generation := range c.generations() {
		view.Generations = append(view.Generations, c.generationView(generation))
	}
	for _, s := range c.slots {
		view.Slots = append(view.Slots, c.slotView(s, now))
	}
	for _, s := range c.removed {
		view.Removed = append(view.Removed, c.slotView(s, now))
	}
	if w := c.spare.worker; w != nil {
		spare := w.view()
		view.Spare = &spare
	}
	return view
}

func (c *Core) slotView(s *slot, now time.Duration) SlotView {
	view := SlotView{Slot: s.number, State: s.state, Open: s.open, Deaths: s.deaths, Workers: make([]WorkerView, 0, len(s.workers))}
	view.Lent = s.serving() == nil && c.isLent(s)
	view.Failed, view.Died = s.crashes.view()
	if s.retryAt > now && c.phase == PhaseRunning {
		view.RetryAt = s.retryAt
	}
	for _, w := range s.workers {
		view.Workers = append(view.Workers, w.view())
	}
	return view
}

func (w *worker) view() WorkerView {
	return WorkerView{w.key, w.pid, w.state, w.since, w.reason, w.served, w.given}
}

func (c *Core) generationView(generation int) GenerationView {
	view := GenerationView{Generation: generation, Preloaders: []PreloaderView{}, Refork: c.reforkView(generation)}
	if load, known := c.loads[generation]; known {
		view.Loaded = &load
	}
	if t := c.trialOf(generation); t != nil && t.held {
		view.Held = &HeldView{t.heldAt, t.errors, t.deaths, t.probes}
	}
	for _, p := range c.preloaders {
		if p.origin.Generation == generation {
			view.Preloaders = append(view.Preloaders, PreloaderView{p.origin, p.state, p.since})
		}
	}
	return view
}

// generations are those that have a preloader or a worker, oldest first.
func (c *Core) generations() []int {
	var found []int
	for _, p := range c.preloaders {
		found = append(found, p.origin.Generation)
	}
	for _, w := range c.all() {
		found = append(found, w.key.Generation)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// memoryBound is nil where there is none, or not yet.
func (c *Core) memoryBound() *MemoryBound {
	b := &c.budget
	if !c.renews() || b.bytes == 0 || b.preloader == 0 {
		return nil
	}
	return &MemoryBound{Total: b.total(c.maxWorkers()), Preloader: b.preloader, Workers: c.maxWorkers(), Each: b.bytes,
		Provisional: c.policy.Renewal.Budget.Auto && !c.learned(), Launcher: b.launcher}
}

// hasLoaded notes the first load of a generation, and forgets those that are gone.
func (c *Core) hasLoaded(p *preloader, loaded Load) {
	present := c.generations()
	maps.DeleteFunc(c.loads, func(generation int, _ LoadRecord) bool { return !slices.Contains(present, generation) })
	c.loads[p.origin.Generation] = LoadRecord{c.now, loaded}
	c.failedLoad = nil
}
