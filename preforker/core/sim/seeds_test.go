package sim

import (
	"slices"
	"testing"
	"time"

	"launcher/preforker/core"
)

// TestSeedsFillEachSlotOnce: where nothing goes wrong and requests come, a generation grows with one fork a slot.
func TestSeedsFillEachSlotOnce(t *testing.T) {
	grown, ended, alone := 0, 0, 0
	for seed := range uint64(30000) {
		w := newWorld(newChoices(seed))
		p := w.policy
		if p.Min > 0 || p.Seeds == 0 || p.Seeds >= len(w.bound) || p.Method == core.SpawnDirect || w.check.renews() || p.Limits != (core.Limits{}) {
			continue
		}
		w.faults = 0
		clear(w.poisoned)
		clear(w.barren)
		spawned, complete, late := make([]int, len(w.bound)), false, false
		w.watch = func(_ time.Duration, _ core.Event, actions []core.Action) {
			for _, a := range actions {
				switch a := a.(type) {
				case core.SpawnWorker:
					if !complete && !late {
						spawned[a.Key.Slot]++
					}
				case core.AssignSpare:
					if !complete && !late {
						spawned[a.Key.Slot]++
					}
				case core.MemoryPrepared:
					clear(spawned) // the early workers make room
				case core.ReforkCompleted:
					complete = true
				case core.SeedingEnded:
					late = true
				}
			}
		}
		w.post(0, core.Started{})
		w.requests(60)
		for w.next() && !complete && !late {
		}
		if w.check.problem != "" {
			t.Errorf("seed %d: %s", seed, w.check.problem)
		}
		if slices.Max(spawned) > 1 || complete && slices.Min(spawned) != 1 {
			t.Errorf("seed %d: %d slots, %+v, complete %v, late %v: forks by slot %v", seed, len(w.bound), p, complete, late, spawned)
		}
		switch {
		case complete:
			grown++
		case late:
			ended++
		default: // the seeds keep up
			alone++
		}
	}
	if t.Logf("%d have grown, %d were filled from what was loaded, in %d the seeds serve", grown, ended, alone); grown < 20 || ended < 20 || alone < 10 {
		t.Error("the histories are not what they should be")
	}
}

// requests come, so many times.
func (w *world) requests(left int) {
	if left > 0 {
		w.after(200*time.Millisecond, func() {
			w.traffic()
			w.requests(left - 1)
		})
	}
}
