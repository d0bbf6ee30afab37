package sim

import (
	"fmt"
	"testing"
	"time"

	"launcher/preforker/core"
)

// scales asks for another number of slots.
func (w *world) scales() {
	w.post(w.latency(), core.ScaleAsked{By: "scale", Slots: 1 + w.below(8)})
}

// resize is what the supervisor does with its sockets.
func (w *world) resize(slots int) {
	for len(w.bound) < slots {
		w.bound, w.awaited, w.poisoned = append(w.bound, false), append(w.awaited, false), append(w.poisoned, false)
	}
	w.bound, w.awaited, w.poisoned = w.bound[:slots], w.awaited[:slots], w.poisoned[:slots]
}

// await has a connection told that waits at a slot's socket, at once where one does.
func (w *world) await(slot int) {
	w.awaited[slot] = w.bound[slot]
	if !w.calm && w.below(8) == 7 {
		w.connects(slot)
	}
}

// connections come to slots, some of which are parked. One that is told of late is of another time.
func (w *world) connections() {
	for slot := range w.awaited {
		if w.below(3) == 2 {
			w.connects(slot)
		}
	}
	if w.oneIn(8) {
		w.post(w.latency(), core.ConnectionWaits{Slot: w.below(len(w.bound) + 2)})
	}
}

func (w *world) connects(slot int) {
	if w.awaited[slot] && w.bound[slot] {
		w.awaited[slot] = false
		w.post(w.latency(), core.ConnectionWaits{Slot: slot})
	}
}

// hasPoison says whether somebody repeats a request at a slot that kills.
func (w *world) hasPoison(slot int) bool { return slot < len(w.poisoned) && w.poisoned[slot] }

// staysIdle says which slot on demand still has a worker that nobody needs, or "".
func (w *world) staysIdle() string {
	c := w.check
	if c.seeding() != nil {
		return ""
	}
	for i := range c.slots {
		if s := &c.slots[i]; c.onDemand(i) && s.accepting() != nil && !s.accepting().busy && len(s.accepting().borrowed) == 0 && len(s.workers) == 1 && c.hasShown(s.accepting()) {
			return "an idle worker has stayed in a slot on demand"
		}
	}
	return ""
}

// hasShown says whether a worker's preloader has shown that its workers serve, or is gone.
func (c *checker) hasShown(w *checkedWorker) bool {
	p := c.preloader(w.key.Origin())
	return p == nil || p.proven || p.maybe
}

// TestHistoriesScaleAndPark: what the invariants of slots that come and go are about happens in enough histories.
func TestHistoriesScaleAndPark(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(600) {
		_, problem := simulate(newChoices(seed), func(w *world) {
			w.watch = func(_ time.Duration, _ core.Event, actions []core.Action) {
				for _, a := range actions {
					switch a := a.(type) {
					case core.ScaleCompleted, core.SlotWoken, core.SlotParked:
						seen[fmt.Sprintf("%T", a)]++
					case core.WorkerLeft:
						seen[string(a.Reason)]++
					}
				}
			}
		})
		if problem != "" {
			t.Errorf("seed %d: %s", seed, problem)
		}
	}
	t.Logf("%v", seen)
	for _, kind := range []string{"core.ScaleCompleted", "core.SlotWoken", "core.SlotParked", string(core.ReasonRemoved), string(core.ReasonIdle)} {
		if seen[kind] < 20 {
			t.Errorf("%s %d times", kind, seen[kind])
		}
	}
}
