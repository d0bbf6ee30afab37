package core

import (
	"slices"
	"testing"
	"time"

	"launcher/preforker/ident"
)

// why is the reason that a failed refork was told with.
func why(failed ReforkFailed) string {
	switch {
	case failed.StartError != nil:
		return failed.StartError.Text
	case failed.Failure != nil:
		return failed.Failure.Class + ": " + failed.Failure.Message
	case failed.Reason != "":
		return string(failed.Reason)
	default:
		return failed.Exit.String()
	}
}

// TestReforkFails in each way, twice: that is the end of it, and the preloader serves on.
func TestReforkFails(t *testing.T) {
	boom := Failure{Class: "RuntimeError", Message: "boom"}
	for name, test := range map[string]struct {
		fail func(*script, ident.Origin)
		told string
	}{
		"the worker says so": {func(s *script, origin ident.Origin) {
			s.event(WorkerNotReforked{origin, Refusal{Error: &boom}})
			s.event(PreloaderExited{Origin: origin})
		}, "RuntimeError: boom"},
		"the preloader says so": {func(s *script, origin ident.Origin) {
			s.event(WorkerReforked{origin, 201})
			s.event(PreloaderChannelClosed{origin})
			s.event(PreloaderExited{Origin: origin, Exit: ident.ExitStatus{Code: 1}, Failed: &Failed{Stage: "refork", Failure: boom}})
		}, "RuntimeError: boom"},
		"it is killed": {func(s *script, origin ident.Origin) {
			s.event(WorkerReforked{origin, 201})
			s.event(PreloaderExited{Origin: origin, Exit: ident.ExitStatus{Signal: 9}})
		}, "signal SIGKILL"},
		"the worker dies": {func(s *script, origin ident.Origin) {
			s.boot(s.dies(s.serving(0), 30))
			s.event(PreloaderExited{Origin: origin})
		}, "the worker left before it had begun"},
		"nobody could be asked": {func(s *script, origin ident.Origin) {
			s.event(PreloaderExited{Origin: origin, StartError: &StartError{Text: "too many open files"}})
		}, "too many open files"},
		"it takes too long": {func(s *script, origin ident.Origin) {
			sent := find[SignalPreloader](s.fire(TimerPreloaderBoot))
			if len(sent) != 1 || sent[0].Origin != origin || sent[0].Signal != 9 {
				s.t.Errorf("%+v", sent)
			}
			s.fire(TimerPreloaderKill)
			// What comes too late changes nothing.
			s.event(WorkerReforked{origin, 201})
			s.event(PreloaderLoaded{origin, Load{Pid: 201}})
			s.event(WorkerNotReforked{origin, Refusal{Error: &boom}})
			s.event(PreloaderExited{Origin: origin, Exit: ident.ExitStatus{Signal: 9}})
		}, "boot timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			s := reforking(t, 2, 10)
			for range maxReforkFailures {
				test.fail(s, s.asked(0, 40))
				s.all(gen(1))
			}
			failed := find[ReforkFailed](s.acts)
			if len(failed) != maxReforkFailures || why(failed[0]) != test.told {
				t.Errorf("%+v, want %d with %q", failed, maxReforkFailures, test.told)
			}
			s.now += reforkPause
			if asked := s.served(0, 1000); len(asked) != 0 {
				t.Errorf("asked once more: %+v", asked)
			}
			if s.kinds["core.StartPreloader"] != 1 || s.kinds["core.DrainWorker"] != 0 || slices.Contains(s.facts, "PreloaderDied") {
				t.Errorf("%v, %q", s.kinds, s.facts)
			}
			s.event(RestartAsked{"HUP"})
			s.rolled(s.load(2))
			s.exits()
			s.arrived(1, 10) // other code, another chance
		})
	}
}

// TestReforkOfAWorkerThatIsToLeave: it was replaced before it had begun, which is nobody's fault.
func TestReforkOfAWorkerThatIsToLeave(t *testing.T) {
	s := reforkingWith(t, 2, twenty, 10)
	s.event(PreloaderMeasured{gen(1), 60 * mB, 10 * mB})
	for range 3 {
		origin, old := s.asked(0, 40), s.serving(0)
		s.past(0, 21)
		s.ready(s.successor(s.event(WorkersMeasured{}), 0))
		s.leaves(old)
		s.event(PreloaderExited{Origin: origin})
		s.now += time.Minute
	}
	if slices.Contains(s.facts, "ReforkFailed") {
		t.Errorf("%q", s.facts)
	}
	// One that has begun all the same is as good as any.
	origin := s.asked(0, 40)
	s.past(0, 21)
	s.ready(s.successor(s.event(WorkersMeasured{}), 0))
	s.drained()
	s.rolled(s.event(WorkerAnsweredFirst{s.tried(origin), 200, "GET /"}))
	s.exits()
	s.all(origin)
}

// TestReforkWhoseFirstRequestFails goes back, also when the worker breaks off its answer.
func TestReforkWhoseFirstRequestFails(t *testing.T) {
	s := reforking(t, 3, 10)
	for _, status := range []int{500, 0} {
		key := s.tried(s.asked(1, 30))
		actions := s.event(WorkerAnsweredFirst{key, status, "GET /posts"})
		if retired := find[RetirePreloader](actions); len(retired) != 1 || retired[0] != (RetirePreloader{key.Origin(), false}) {
			t.Errorf("retired %+v", retired)
		}
		spawned := find[SpawnWorker](actions)
		if len(spawned) != 1 || spawned[0].Key.Origin() != gen(1) || spawned[0].Key.Slot != key.Slot {
			t.Fatalf("%+v", spawned)
		}
		s.event(WorkerAnsweredFirst{key, 500, "GET /again"}) // it is on its way out already
		s.rolled(actions)
		s.exits()
		s.all(gen(1))
	}
	givenUp := find[ReforkGivenUp](s.acts)
	if len(givenUp) != 2 || givenUp[0].Status != 500 || givenUp[0].Request != "GET /posts" {
		t.Errorf("%+v", givenUp)
	}
	s.now += reforkPause
	if asked := s.served(2, 100); len(asked) != 0 {
		t.Errorf("a third time: %+v", asked)
	}
}

// TestReforkWhoseWorkersDieEarly goes back, whether it is the first of them or a later one.
func TestReforkWhoseWorkersDieEarly(t *testing.T) {
	for _, proven := range []bool{false, true} {
		s := reforking(t, 3, 10)
		origin := s.asked(0, 10)
		key := s.firstWorker(s.reforked(origin), origin)
		first := key
		if proven {
			s.ready(key)
			s.drained()
			key = s.firstWorker(s.event(WorkerAnsweredFirst{key, 200, "GET /"}), origin)
		}
		actions := s.dies(key, 0)
		if retired := find[RetirePreloader](actions); len(retired) != 1 || retired[0].Origin != origin {
			t.Fatalf("proven %v: retired %+v", proven, retired)
		}
		if proven {
			actions = append(actions, s.dies(first, 0)...) // so does another
		}
		s.boot(actions)
		s.drained()
		s.exits()
		s.all(gen(1))
		if n := len(find[ReforkGivenUp](s.acts)); n != 1 {
			t.Errorf("proven %v: given up %d times", proven, n)
		}
	}
}

// TestReforkThatArrivedStays: a worker that dies young later is its slot's matter.
func TestReforkThatArrivedStays(t *testing.T) {
	s := reforking(t, 2, 10)
	origin := s.arrived(0, 10)
	s.boot(s.dies(s.serving(0), 0))
	s.boot(s.dies(s.serving(1), 0))
	s.event(WorkerAnsweredFirst{s.serving(0), 500, "GET /raise"})
	s.all(origin)
}

// TestReforkWithoutWayBack: the older preloader is gone meanwhile, and what there is serves.
func TestReforkWithoutWayBack(t *testing.T) {
	s := reforking(t, 2, 10)
	origin := s.asked(0, 10)
	key := s.tried(origin)
	actions := s.event(PreloaderExited{Origin: gen(1), Exit: ident.ExitStatus{Signal: 9}})
	if len(find[StartPreloader](actions)) != 0 {
		t.Errorf("loaded again, though workers can be had: %+v", actions)
	}
	s.rolled(s.event(WorkerAnsweredFirst{key, 500, "GET /raise"}))
	s.all(origin)
}

// TestReforkWhoseOlderPreloaderDies before it is there: the application is loaded anew, and what is reforked
// meanwhile fills a gap.
func TestReforkWhoseOlderPreloaderDies(t *testing.T) {
	s := reforking(t, 2, 10)
	origin := s.asked(0, 10)
	if started := find[StartPreloader](s.event(PreloaderExited{Origin: gen(1), Exit: ident.ExitStatus{Signal: 9}})); len(started) != 1 {
		t.Fatalf("%+v", started)
	}
	s.dies(s.serving(1), 5)
	gap := s.firstWorker(s.reforked(origin), origin)
	if gap.Slot != 1 {
		t.Errorf("%v", gap)
	}
	s.ready(gap)
	actions := s.rolled(s.load(2))
	if retired := find[RetirePreloader](actions); len(retired) != 1 || retired[0] != (RetirePreloader{origin, true}) {
		t.Errorf("retired %+v", retired)
	}
	s.exits()
	s.all(gen(2))
}

// TestReforkThatDiesBeforeItsWorkersAreEverywhere: the slots that have moved come back.
func TestReforkThatDiesBeforeItsWorkersAreEverywhere(t *testing.T) {
	for _, proven := range []bool{false, true} {
		s := reforking(t, 3, 10)
		origin := s.asked(0, 10)
		key := s.tried(origin)
		if proven {
			s.event(WorkerAnsweredFirst{key, 200, "GET /"})
		}
		actions := s.event(PreloaderExited{Origin: origin, Exit: ident.ExitStatus{Signal: 9}})
		if n := len(find[StartPreloader](actions)); n != 0 {
			t.Errorf("proven %v: %d loads", proven, n)
		}
		s.event(WorkerAnsweredFirst{key, 200, "GET /"}) // late
		s.rolled(actions)
		s.all(gen(1))
		again := s.asked(1, 10)
		if again != refork(1, 2) {
			t.Errorf("proven %v: %v", proven, again)
		}
		s.tried(again)
		s.rolled(s.event(PreloaderExited{Origin: again, Exit: ident.ExitStatus{Signal: 9}}))
		s.now += reforkPause
		s.served(1, 1000)
		if n := s.kinds["core.ReforkWorker"]; n != maxReforkFailures {
			t.Errorf("proven %v: asked %d times", proven, n)
		}
	}
}

// TestReforkIsTheLast: when it dies as the only one, the application is loaded anew.
func TestReforkIsTheLast(t *testing.T) {
	s := reforking(t, 2, 10)
	origin := s.arrived(0, 10)
	if started := find[StartPreloader](s.event(PreloaderExited{Origin: origin, Exit: ident.ExitStatus{Signal: 9}})); len(started) != 1 || started[0].Generation != 2 {
		t.Fatalf("%+v", started)
	}
	s.rolled(s.load(2))
	s.all(gen(2))
}
