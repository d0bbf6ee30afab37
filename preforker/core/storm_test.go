package core

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"launcher/preforker/ident"
)

// TestStorm throws random events at a core, with workers that die at any moment. It
// must never contradict itself, and must end with every slot served.
func TestStorm(t *testing.T) {
	for seed := range uint64(200) {
		s := newScript(t, 4)
		random := rand.New(rand.NewPCG(seed, 1))
		s.core.random = random.Float64
		for range 400 {
			s.now += time.Duration(random.Int64N(int64(300 * time.Millisecond)))
			s.event(s.randomEvent(random))
		}
		s.calm()
		for _, slot := range s.core.slots {
			w := slot.serving()
			if w == nil || w.state != ReadyWorker || w.key.Generation != s.core.newestSource().origin.Generation || !slot.open || w.binding != slot.binding {
				t.Fatalf("seed %d: slot %d is %v with %+v", seed, slot.number, slot.state, w)
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func (s *script) randomEvent(random *rand.Rand) Event {
	key := ident.Key{}
	if spawns := find[SpawnWorker](s.acts); len(spawns) > 0 {
		key = spawns[max(0, len(spawns)-1-random.IntN(min(8, len(spawns))))].Key
	}
	generation := max(1, s.core.generation-random.IntN(2))
	switch random.IntN(16) {
	case 0, 1:
		return PreloaderHello{gen(generation), Hello{}}
	case 2, 3:
		return PreloaderLoaded{gen(generation), Load{}}
	case 4:
		if s.core.phase == PhaseBooting {
			return nothing
		}
		return PreloaderExited{Origin: gen(generation), Exit: ident.ExitStatus{Signal: 9}}
	case 5, 6:
		return WorkerSpawned{key, 1000 + key.Serial}
	case 7, 8:
		return WorkerReady{key, 1000 + key.Serial}
	case 9:
		if _, w := s.core.worker(key); w != nil && w.pid != 0 {
			return WorkerExited{Key: key, Served: random.Uint64N(2)}
		}
		return WorkerSpawnFailed{Key: key}
	case 10:
		return RestartAsked{"HUP"}
	case 11:
		return SocketsLost{[]int{random.IntN(4), random.IntN(4)}}
	case 12:
		return s.notBound()
	case 13:
		return WorkerChannelClosed{key}
	case 14:
		return WorkerStuck{key, []Reason{ReasonServedNobody, ReasonNotLeaving}[random.IntN(2)], random.IntN(3)}
	default:
		timers := find[SetTimer](s.acts)
		return TimerFired{timers[random.IntN(len(timers))].Timer}
	}
}

// notBound has the socket not be bound that was to be in the last step.
func (s *script) notBound() Event {
	for _, a := range s.newest {
		switch a := a.(type) {
		case OpenSlot:
			return SlotNotBound{Slot: a.Slot, Error: "no space left"}
		case RebindSlot:
			return SlotNotBound{Slot: a.Slot, Error: "no space left"}
		}
	}
	return nothing
}

// calm answers everything that is outstanding as healthy processes would.
func (s *script) calm() {
	for range 200 {
		s.now += time.Minute
		for _, p := range slices.Clone(s.core.preloaders) {
			switch p.state {
			case StartingPreloader:
				s.event(PreloaderHello{p.origin, Hello{}})
			case LoadingPreloader:
				s.event(PreloaderLoaded{p.origin, Load{}})
			case RetiringPreloader:
				s.event(PreloaderExited{Origin: p.origin})
			}
		}
		for _, slot := range s.core.slots {
			for _, w := range slices.Clone(slot.workers) {
				switch w.state {
				case SpawningWorker, BootingWorker:
					s.ready(w.key)
				case DrainingWorker, KillingWorker:
					s.event(WorkerExited{Key: w.key, Served: 1})
				}
			}
			if slot.state == WaitingSlot {
				s.event(TimerFired{Timer{TimerSlot, ident.Key{Slot: slot.number, Serial: slot.waits}}})
			}
		}
		s.event(TimerFired{Timer{TimerReload, ident.Key{Generation: s.core.generation}}})
	}
}
