package core

import (
	"testing"
	"time"

	"launcher/preforker/ident"
)

// failLoads has loads fail, each after the wait for it, and answers the longest wait.
func (s *script) failLoads(loads int) (longest time.Duration) {
	s.t.Helper()
	for range loads {
		s.event(PreloaderExited{Origin: gen(s.core.generation), Exit: ident.ExitStatus{Code: 1}})
		waits := find[SetTimer](s.newest)
		if len(waits) != 1 || waits[0].Timer.Kind != TimerReload {
			s.t.Fatalf("after the failure of generation %d: %+v", s.core.generation, s.newest)
		}
		longest = max(longest, waits[0].After)
		if started := find[StartPreloader](s.fire(TimerReload)); len(started) != 1 {
			s.t.Fatalf("%d loads after the wait", len(started))
		}
	}
	return longest
}

// TestLoadsThatFailAreTriedSoonerWhereNobodyServes: the site is down, and the cause may be gone.
func TestLoadsThatFailAreTriedSoonerWhereNobodyServes(t *testing.T) {
	s := running(t, 2)
	s.event(PreloaderExited{Origin: gen(1)})
	if longest := s.failLoads(10); longest != failedRetry {
		t.Errorf("%v while all slots are served", longest)
	}
	s.dies(s.serving(0), 1)
	if longest := s.failLoads(3); longest != failedRetry {
		t.Errorf("%v while one slot is served", longest)
	}
	s.dies(s.serving(1), 1)
	if longest := s.failLoads(10); longest != unservedBackoff.max {
		t.Errorf("%v while none is", longest)
	}
	s.boot(s.load(s.core.generation))
	if n := s.core.count(ReadyWorker); n != 2 {
		t.Errorf("%d ready in the end", n)
	}
}

// TestLoadThatWaitsIsBroughtForwardWhenNobodyServes any more, and begins once.
func TestLoadThatWaitsIsBroughtForwardWhenNobodyServes(t *testing.T) {
	s := running(t, 2)
	s.event(PreloaderExited{Origin: gen(1)})
	s.failLoads(10)
	generation := s.core.generation
	s.event(PreloaderExited{Origin: gen(generation), Exit: ident.ExitStatus{Code: 1}})
	late := find[SetTimer](s.newest)[0]
	if actions := s.dies(s.serving(0), 1); len(find[SetTimer](actions)) != 0 {
		t.Fatalf("one slot is served: %+v", actions)
	}
	sooner := find[SetTimer](s.dies(s.serving(1), 1))
	if len(sooner) != 1 || sooner[0].Timer.Kind != TimerReload || sooner[0].After != unservedBackoff.max {
		t.Fatalf("the last worker is gone: %+v", s.newest)
	}
	if started := find[StartPreloader](s.fire(TimerReload)); len(started) != 1 {
		t.Fatalf("%d loads after the wait", len(started))
	}
	for range 2 { // while it loads, and when it has failed
		if started := find[StartPreloader](s.event(TimerFired{late.Timer})); len(started) != 0 {
			t.Error("the older wait has begun a load, too")
		}
		s.event(PreloaderExited{Origin: gen(generation + 1), Exit: ident.ExitStatus{Code: 1}})
	}
}

// TestLoadThatWaitsIsLeftAlone where it comes soon anyway, and where the launcher stops.
func TestLoadThatWaitsIsLeftAlone(t *testing.T) {
	for name, test := range map[string]struct {
		failures int
		stop     bool
	}{"soon": {1, false}, "stopping": {10, true}} {
		s := running(t, 1)
		s.event(PreloaderExited{Origin: gen(1)})
		s.failLoads(test.failures - 1)
		s.event(PreloaderExited{Origin: gen(s.core.generation), Exit: ident.ExitStatus{Code: 1}})
		worker := s.serving(0)
		if test.stop {
			s.event(StopAsked{By: "TERM"})
		}
		if set := find[SetTimer](s.dies(worker, 1)); len(set) != 0 {
			t.Errorf("%s: %+v", name, set)
		}
	}
}

// TestALoadThatFollowsADeadPreloaderIsRepeated: nobody has asked for it, and slots are served with newer code than the
// preloader has that is left.
func TestALoadThatFollowsADeadPreloaderIsRepeated(t *testing.T) {
	for name, comes := range map[string]func(s *script, key ident.Key){
		"ready":   func(s *script, key ident.Key) { s.ready(key) },
		"booting": func(s *script, key ident.Key) { s.event(WorkerSpawned{key, 77}) },
	} {
		t.Run(name, func(t *testing.T) {
			s := running(t, 2)
			s.event(RestartAsked{"HUP"})
			comes(s, find[SpawnWorker](s.load(2))[0].Key)
			if loads := find[StartPreloader](s.event(PreloaderExited{Origin: gen(2), Exit: ident.ExitStatus{Signal: 9}})); len(loads) != 1 {
				t.Fatalf("%+v, want generation 3", loads)
			}
			actions := s.event(PreloaderExited{Origin: gen(3), Exit: ident.ExitStatus{Code: 1}})
			if waits := find[LoadWaits](actions); len(waits) != 1 || waits[0].Generation != 4 {
				t.Fatalf("%+v, want another load", actions)
			}
			if loads := find[StartPreloader](s.fire(TimerReload)); len(loads) != 1 {
				t.Errorf("%+v, want generation 4", loads)
			}
		})
	}
}

// TestALoadWaitsOnce: a refork that ends while a load waits has nothing to do with it.
func TestALoadWaitsOnce(t *testing.T) {
	s := reforking(t, 2, 10)
	s.event(PreloaderExited{Origin: gen(1), Exit: ident.ExitStatus{Signal: 9}})
	s.boot(s.load(2))
	s.drained()
	asked := s.served(0, 20)
	if len(asked) != 1 {
		t.Fatalf("asked %+v", asked)
	}
	if waits := find[LoadWaits](s.event(PreloaderExited{Origin: gen(2), Exit: ident.ExitStatus{Signal: 9}})); len(waits) != 1 {
		t.Fatalf("%+v", waits)
	}
	if waits := find[LoadWaits](s.event(PreloaderExited{Origin: asked[0].Origin})); len(waits) != 0 {
		t.Errorf("it waits again: %+v", waits)
	}
}

// TestARestartThatWasNotedIsOverWithTheNextLoad: whoever began it.
func TestARestartThatWasNotedIsOverWithTheNextLoad(t *testing.T) {
	s := running(t, 1)
	s.event(RestartAsked{"HUP"})
	if noted := find[RestartNoted](s.event(RestartAsked{"HUP"})); len(noted) != 1 {
		t.Fatalf("%+v", s.newest)
	}
	if told := find[SignalPreloader](s.newest); len(told) != 1 || told[0].Origin != gen(2) || len(find[StartPreloader](s.event(RestartAsked{"HUP"}))) != 0 {
		t.Fatalf("generation 2 is given up, and has yet to end: %+v", told)
	}
	if loads := find[StartPreloader](s.event(PreloaderExited{Origin: gen(2), Exit: ident.ExitStatus{Signal: 15}})); len(loads) != 1 {
		t.Fatalf("%+v, want generation 3", loads)
	}
	if loads := find[StartPreloader](s.event(PreloaderExited{Origin: gen(3), Exit: ident.ExitStatus{Code: 1}})); len(loads) != 0 {
		t.Errorf("%+v, though nobody has asked again", loads)
	}
}
