package core

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"launcher/preforker/ident"
)

// TestReforkStorm is TestStorm with workers that preloaders are forked from. It must never contradict itself, and must end with
// every slot served by forks of one preloader.
func TestReforkStorm(t *testing.T) {
	arrived := 0
	for seed := range uint64(300) {
		s := reforkingWith(t, 4, Renewal{MaxRequests: 50}, 2, 4, 6)
		random := rand.New(rand.NewPCG(seed, 3))
		s.core.random = random.Float64
		for range 500 {
			s.now += time.Duration(random.Int64N(int64(300 * time.Millisecond)))
			s.event(s.randomReforkEvent(random))
		}
		s.calm()
		s.calmReforks()
		arrived += len(find[ReforkCompleted](s.acts))
		s.all(s.core.newestSource().origin)
		if s.kinds["core.Finish"] != 0 || t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if arrived < 20 {
		t.Errorf("only %d reforks arrived: the storm is too rough to tell anything", arrived)
	}
}

func (s *script) randomReforkEvent(random *rand.Rand) Event {
	if len(s.core.preloaders) == 0 {
		return s.randomEvent(random)
	}
	p := s.core.preloaders[0]
	if n := len(s.core.preloaders); n > 1 {
		p = s.core.preloaders[n-1-random.IntN(2)]
	}
	slot := s.core.slots[random.IntN(4)]
	switch random.IntN(14) {
	case 0, 1:
		if w := slot.serving(); w != nil {
			return WorkersMeasured{[]Measurement{{Key: w.key, Private: random.Uint64N(20) * mB, Served: random.Uint64N(60)}}}
		}
	case 2:
		return WorkerReforked{p.origin, 300 + p.origin.Refork}
	case 3, 4:
		if p.origin.Refork > 0 {
			return PreloaderLoaded{p.origin, Load{}}
		}
	case 5:
		if random.IntN(4) == 0 && p.state == StartingPreloader && p.origin.Refork > 0 {
			return WorkerNotReforked{p.origin, Refusal{Findings: []Finding{{Kind: KindDeclared}}}}
		}
	case 6, 7:
		if w := slot.serving(); w != nil {
			return WorkerAnsweredFirst{w.key, []int{200, 200, 404, 500}[random.IntN(4)], "GET /"}
		}
	case 8:
		if p.origin.Refork > 0 && random.IntN(4) == 0 {
			return PreloaderExited{Origin: p.origin, Exit: ident.ExitStatus{Signal: 9}}
		}
	case 9:
		if len(s.core.preloaders) > 1 && s.core.preloaders[0].state == RetiringPreloader {
			return PreloaderExited{Origin: s.core.preloaders[0].origin}
		}
	default:
		if random.IntN(20) > 0 {
			for _, w := range slot.workers {
				switch w.state {
				case SpawningWorker, BootingWorker:
					return WorkerReady{w.key, 1000 + w.key.Serial}
				case DrainingWorker:
					return WorkerExited{Key: w.key, Served: 1}
				}
			}
			return nothing
		}
		return s.randomEvent(random)
	}
	return nothing
}

// calmReforks lets no time pass any more, so that nothing is loaded anew.
func (s *script) calmReforks() {
	for range 100 {
		s.settled()
		for _, p := range slices.Clone(s.core.preloaders) {
			switch {
			case p.loads():
				s.event(PreloaderHello{p.origin, Hello{}})
				s.event(PreloaderLoaded{p.origin, Load{}})
			case p.state == ReadyPreloader && !p.proven:
				for _, slot := range s.core.slots {
					s.event(WorkerAnsweredFirst{slot.serving().key, 200, "GET /"})
				}
			}
		}
	}
}
