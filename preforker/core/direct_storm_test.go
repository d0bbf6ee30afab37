package core

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"launcher/preforker/ident"
)

// TestDirectStorm is TestStorm without preloaders.
func TestDirectStorm(t *testing.T) {
	for seed := range uint64(300) {
		s := newDirect(t, 4, 1+int(seed%3))
		random := rand.New(rand.NewPCG(seed, 2))
		s.core.random = random.Float64
		s.loads(s.newestKey()) // a failure before that would end it all
		for range 400 {
			s.now += time.Duration(random.Int64N(int64(300 * time.Millisecond)))
			s.event(s.randomDirectEvent(random))
			if n := s.core.count(SpawningWorker) + s.core.count(BootingWorker); n > s.core.policy.LoadsAtOnce {
				t.Fatalf("seed %d: %d loads at once", seed, n)
			}
		}
		s.calmDirect()
		for _, slot := range s.core.slots {
			w := slot.serving()
			if w == nil || w.state != ReadyWorker || w.key.Generation != s.core.newestSource().origin.Generation || !slot.open || w.binding != slot.binding {
				t.Fatalf("seed %d: slot %d is %v with %+v", seed, slot.number, slot.state, w)
			}
		}
		if len(s.core.preloaders) != 1 || s.kinds["core.Finish"] != 0 || t.Failed() {
			t.Fatalf("seed %d: %d generations", seed, len(s.core.preloaders))
		}
	}
}

func (s *script) randomDirectEvent(random *rand.Rand) Event {
	keys := s.spawned()
	key := keys[max(0, len(keys)-1-random.IntN(min(8, len(keys))))]
	switch random.IntN(12) {
	case 0, 1:
		return WorkerHello{key, Hello{Pid: 1000 + key.Serial}}
	case 2, 3:
		if _, w := s.core.worker(key); w != nil && w.pid != 0 {
			return WorkerLoaded{key, Load{}}
		}
		return nothing
	case 4, 5:
		if _, w := s.core.worker(key); w != nil && w.loaded {
			return WorkerReady{key, 1000 + key.Serial}
		}
		return nothing
	case 6:
		return WorkerExited{Key: key, Served: random.Uint64N(2)}
	case 7:
		return WorkerSpawnFailed{Key: key}
	case 8:
		return RestartAsked{"HUP"}
	case 9:
		return SocketsLost{[]int{random.IntN(4), random.IntN(4)}}
	case 10:
		return s.notBound()
	default:
		timers := find[SetTimer](s.acts)
		return TimerFired{timers[random.IntN(len(timers))].Timer}
	}
}

// calmDirect answers everything that is outstanding as healthy processes would.
func (s *script) calmDirect() {
	for range 200 {
		s.now += time.Minute
		for _, slot := range s.core.slots {
			for _, w := range slices.Clone(slot.workers) {
				switch w.state {
				case SpawningWorker, BootingWorker:
					s.serves(w.key)
				case DrainingWorker, KillingWorker:
					s.event(WorkerExited{Key: w.key, Served: 1})
				}
			}
			if slot.state == WaitingSlot {
				s.event(TimerFired{Timer{TimerSlot, ident.Key{Slot: slot.number, Serial: slot.waits}}})
			}
		}
	}
}
