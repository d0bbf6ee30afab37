package core

import (
	"testing"
	"time"

	"launcher/preforker/ident"
)

const mB = bytesPerMB

// renewing is a core whose workers are all ready and have a preloader of 60 MB.
func renewing(t *testing.T, slots int, renewal Renewal) *script {
	t.Helper()
	s := &script{t: t, core: New(slots, Policy{BootTimeout: time.Minute, MeasurePeriod: testPeriod, DrainTimeout: 30 * time.Second, LoadsAtOnce: 2,
		Renewal: renewal, MemoryLimit: 4096 * mB}, func() float64 { return 0 }), kinds: map[string]int{}}
	s.event(Started{})
	s.boot(s.load(1))
	s.event(PreloaderMeasured{gen(1), 60 * mB, 10 * mB})
	return s
}

// measured tells that a slot's worker has so many megabytes after so many requests.
func (s *script) measured(slot int, private, served uint64) []Action {
	s.t.Helper()
	s.now += testPeriod
	return s.event(WorkersMeasured{[]Measurement{{Key: s.serving(slot), Private: private * mB, Served: served}}})
}

// past has a slot's worker grow to so many megabytes, unnoticed so far.
func (s *script) past(slot int, private uint64) {
	w := s.core.slots[slot].serving()
	w.measured(s.now, Measurement{Private: 5 * mB, Served: MinService})
	w.measured(s.now, Measurement{Private: private * mB, Served: 60})
}

func (s *script) leaves(key ident.Key) []Action {
	s.t.Helper()
	s.now += 50 * time.Millisecond
	return s.event(WorkerExited{Key: key, Served: 50})
}

// replaceAll lets every replacement come to its end, one after the other.
func (s *script) replaceAll() {
	s.t.Helper()
	for found := true; found; {
		found = false
		for _, slot := range s.core.slots {
			if w := slot.serving(); w.state == SpawningWorker {
				found = true
				s.ready(w.key)
				s.leaves(slot.workers[0].key)
			}
		}
	}
}

// successor is the only spawn of the actions.
func (s *script) successor(actions []Action, slot int) ident.Key {
	s.t.Helper()
	spawned := find[SpawnWorker](actions)
	if len(spawned) != 1 || spawned[0].Key.Slot != slot || spawned[0].Key.Generation != s.core.slots[slot].workers[0].key.Generation {
		s.t.Fatalf("spawned %+v, want one worker of the same generation for slot %d", spawned, slot)
	}
	return spawned[0].Key
}

var twenty = Renewal{Budget: Budget{Bytes: 20 * mB}}
