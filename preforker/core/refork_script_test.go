package core

import (
	"slices"
	"testing"
	"time"

	"launcher/preforker/ident"
)

// reforking is a core whose workers are all ready, and one of which forks a preloader after
// so many requests.
func reforking(t *testing.T, slots int, after ...uint64) *script {
	t.Helper()
	return reforkingWith(t, slots, Renewal{}, after...)
}

func reforkingWith(t *testing.T, slots int, renewal Renewal, after ...uint64) *script {
	t.Helper()
	s := &script{t: t, core: New(slots, Policy{BootTimeout: time.Minute, MeasurePeriod: testPeriod, DrainTimeout: 30 * time.Second, LoadsAtOnce: 2,
		Renewal: renewal, Refork: Refork{After: after, Checked: true}, MemoryLimit: 4096 * mB}, func() float64 { return 0 }), kinds: map[string]int{}}
	s.event(Started{})
	s.boot(s.load(1))
	return s
}

func refork(generation, number int) ident.Origin {
	return ident.Origin{Generation: generation, Refork: number}
}

// served tells that a slot's worker has served so many requests by now, and answers who is asked to
// fork a preloader.
func (s *script) served(slot int, requests uint64) []ReforkWorker {
	s.t.Helper()
	s.now += testPeriod
	return find[ReforkWorker](s.event(WorkersMeasured{[]Measurement{{Key: s.serving(slot), Private: 5 * mB, Served: requests}}}))
}

// asked has a slot's worker be asked for a preloader, and answers its number.
func (s *script) asked(slot int, requests uint64) ident.Origin {
	s.t.Helper()
	s.now += reforkPause
	asked := s.served(slot, requests)
	if len(asked) != 1 || asked[0].Key != s.serving(slot) {
		s.t.Fatalf("asked %+v, want the worker of slot %d; log %q", asked, slot, s.facts)
	}
	return asked[0].Origin
}

// reforked is what worker and preloader say about a refork.
func (s *script) reforked(origin ident.Origin) []Action {
	s.t.Helper()
	pid := 200 + origin.Refork
	actions := s.event(WorkerReforked{origin, pid})
	return append(actions, s.event(PreloaderLoaded{origin, Load{Pid: pid}})...)
}

// firstWorker is the only worker that is started, of the preloader that was reforked.
func (s *script) firstWorker(actions []Action, origin ident.Origin) ident.Key {
	s.t.Helper()
	spawned := find[SpawnWorker](actions)
	if len(spawned) != 1 || spawned[0].Key.Origin() != origin {
		s.t.Fatalf("spawned %+v, want one worker of %v; log %q", spawned, origin, s.facts)
	}
	return spawned[0].Key
}

// tried has a first worker of a preloader come up in its slot.
func (s *script) tried(origin ident.Origin) ident.Key {
	s.t.Helper()
	key := s.firstWorker(s.reforked(origin), origin)
	s.ready(key)
	s.drained()
	return key
}

// drained lets all leave that are to.
func (s *script) drained() (all []Action) {
	s.t.Helper()
	for _, slot := range s.core.slots {
		for _, w := range slices.Clone(slot.workers) {
			if w.leaving() {
				all = append(all, s.event(WorkerExited{Key: w.key, Served: 20})...)
			}
		}
	}
	return all
}

// rolled boots every successor until there is none any more, and answers all actions.
func (s *script) rolled(actions []Action) []Action {
	s.t.Helper()
	all := slices.Clone(actions)
	for spawned := find[SpawnWorker](actions); len(spawned) > 0; spawned = find[SpawnWorker](actions) {
		if len(spawned) > 1 {
			s.t.Errorf("%d slots at once", len(spawned))
		}
		actions = append(s.ready(spawned[0].Key), s.drained()...)
		all = append(all, actions...)
	}
	return all
}

// arrived is a whole refork.
func (s *script) arrived(slot int, requests uint64) ident.Origin {
	s.t.Helper()
	origin := s.asked(slot, requests)
	retired := find[RetirePreloader](s.rolled(s.event(WorkerAnsweredFirst{s.tried(origin), 200, "GET /"})))
	if len(retired) != 1 || retired[0].Last {
		s.t.Fatalf("retired %+v, want the older preloader, without its exit handlers", retired)
	}
	s.event(PreloaderExited{Origin: retired[0].Origin})
	s.all(origin)
	return origin
}

// all checks that every slot serves with a fork of one preloader, the only one that there is.
func (s *script) all(origin ident.Origin) {
	s.t.Helper()
	for slot, c := range s.core.slots {
		if w := c.serving(); w == nil || w.state != ReadyWorker || w.key.Origin() != origin || len(c.workers) != 1 {
			s.t.Errorf("slot %d: %+v, want a worker of %v", slot, w, origin)
		}
	}
	if len(s.core.preloaders) != 1 || s.core.preloaders[0].origin != origin {
		s.t.Errorf("%d preloaders, the newest %+v", len(s.core.preloaders), s.core.preloaders[len(s.core.preloaders)-1])
	}
}

// exits are the exits of the preloaders that were told to go.
func (s *script) exits() {
	s.t.Helper()
	for _, p := range slices.Clone(s.core.preloaders) {
		if p.state == RetiringPreloader {
			s.event(PreloaderExited{Origin: p.origin})
		}
	}
}
