package core

import (
	"testing"
	"time"

	"launcher/preforker/ident"
)

// soonest is when the first of the slots that wait is tried.
func (s *script) soonest() (wait time.Duration) {
	wait = time.Hour
	for _, slot := range s.core.slots {
		if slot.state == WaitingSlot || slot.state == FailedSlot {
			wait = min(wait, slot.retryAt-s.now)
		}
	}
	return wait
}

// TestSlotsAreTriedSoonerWhereNobodyServes: one of them within some seconds, the others as late as ever.
func TestSlotsAreTriedSoonerWhereNobodyServes(t *testing.T) {
	const slots = 3
	for _, method := range []SpawnMethod{"", SpawnDirect} {
		s := running(t, slots)
		s.core.policy.Method, s.core.policy.LoadsAtOnce = method, slots
		retry := func(slot *slot) {
			s.now = max(s.now, slot.retryAt)
			s.event(TimerFired{Timer{TimerSlot, ident.Key{Slot: slot.number, Serial: slot.waits}}})
		}
		for range 20 {
			for _, slot := range s.core.slots[:2] {
				if slot.state == WaitingSlot || slot.state == FailedSlot {
					retry(slot)
				}
				s.dies(s.serving(slot.number), 0)
			}
		}
		if wait := s.core.slots[1].retryAt - s.now; wait != failedRetry {
			t.Errorf("%q: tried after %v while a slot is served", method, wait)
		}
		s.dies(s.serving(2), 1) // it has served, and so is replaced at once
		for attempts := range 100 {
			for s.core.count(SpawningWorker) > 0 {
				for _, slot := range s.core.slots {
					if w := slot.serving(); w != nil {
						s.dies(w.key, 0)
					}
				}
			}
			first := 0
			for number, slot := range s.core.slots {
				if slot.retryAt < s.core.slots[first].retryAt {
					first = number
				}
			}
			slot := s.core.slots[first]
			if wait := s.soonest(); wait > unservedBackoff.max {
				t.Fatalf("%q: after %d attempts the next one is after %v", method, attempts, wait)
			}
			retry(slot)
		}
		late := 0
		for _, slot := range s.core.slots {
			if slot.retryAt-s.now > unservedBackoff.max {
				late++
			}
		}
		if late == 0 {
			t.Errorf("%q: all slots are tried as often as one", method)
		}
	}
}

// TestASlotThatWaitsIsTriedThoughAnotherOfItsWorkersEnds: one that has served well, whose end takes back
// the early deaths of its successors.
func TestASlotThatWaitsIsTriedThoughAnotherOfItsWorkersEnds(t *testing.T) {
	s := running(t, 1)
	older := s.serving(0)
	spawned := find[SpawnWorker](s.event(WorkerLeaving{older, 5}))
	for len(spawned) == 1 {
		spawned = find[SpawnWorker](s.dies(spawned[0].Key, 0))
	}
	s.event(WorkerExited{Key: older, Served: 5})
	if spawned := find[SpawnWorker](s.fire(TimerSlot)); len(spawned) != 1 {
		t.Errorf("%+v, want a worker when the wait is over", spawned)
	}
}
