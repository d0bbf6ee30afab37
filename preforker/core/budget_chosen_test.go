package core

import (
	"fmt"
	"slices"
	"testing"
)

func TestBudgetChosen(t *testing.T) {
	s := renewing(t, 10, Renewal{Budget: Budget{Auto: true}})
	told := func() (found []string) {
		for _, changed := range find[MemoryBoundChanged](s.acts) {
			b := changed.Bound
			found = append(found, fmt.Sprintf("%d MB + %d MB = %d MB", megabytes(b.Preloader), megabytes(b.Each), megabytes(b.Total)))
		}
		return found
	}
	if spawned := find[SpawnWorker](s.measured(0, 40, 99)); len(spawned) != 0 {
		t.Errorf("replaced before anything is known: %+v", spawned)
	}
	s.measured(1, 4, 8)
	s.measured(1, 12, 100)
	if got, want := told(), []string{"60 MB + 30 MB = 370 MB", "60 MB + 12 MB = 190 MB"}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	// Three early replacements in a row are no accident: it grows.
	s.replaceAll()
	for range earlyServices - 1 {
		if actions := s.measured(2, 13, 20); len(find[SpawnWorker](actions)) != 1 {
			t.Fatalf("it stays: %+v", actions)
		}
		s.replaceAll()
	}
	if actions := s.measured(2, 13, 20); len(find[SpawnWorker](actions)) != 0 {
		t.Errorf("it is replaced all the same: %+v", actions)
	}
	if got := told(); len(got) != 3 || got[2] != "60 MB + 14 MB = 210 MB" {
		t.Errorf("then %q", got)
	}
}

// TestBudgetChosenLeavesRoom above what the first requests of any worker need.
func TestBudgetChosenLeavesRoom(t *testing.T) {
	s := renewing(t, 2, Renewal{Budget: Budget{Auto: true}})
	s.measured(0, 32, 8)
	if actions := s.measured(0, 34, 100); s.core.bound() != 40*mB || len(find[SetBudget](actions)) != 1 {
		t.Errorf("%d MB, %+v", s.core.bound()/mB, actions)
	}
	for _, example := range []struct{ private, budget uint64 }{{9, 40}, {41, 41}, {60, 41}} {
		s.core.slots[1].serving().sampled = false // as if it were another
		if s.measured(1, example.private, 300); s.core.bound() != example.budget*mB {
			t.Errorf("%d MB after a worker of %d", s.core.bound()/mB, example.private)
		}
		s.replaceAll()
	}
	s.event(RestartAsked{"HUP"})
	s.boot(s.load(2))
	s.event(PreloaderMeasured{gen(2), 62 * mB, 10 * mB})
	if b := s.core.memoryBound(); b.Each != 41*mB || !b.Provisional {
		t.Errorf("the new generation begins with a budget of %+v", b)
	}
	s.replaceAll()
	s.measured(1, 4, 8)
	if s.measured(1, 9, 100); s.core.bound() != 9*mB {
		t.Errorf("%d MB for the new generation", s.core.bound()/mB)
	}
}

// TestBudgetOfAnotherPreloader: what forks of a warm worker need says nothing of those of a release that has just loaded, which have
// yet to build what the warm one had. They stay until they are learned from, and so does the next preloader's until it is.
func TestBudgetOfAnotherPreloader(t *testing.T) {
	s := reforkingWith(t, 2, Renewal{Budget: Budget{Auto: true}}, 10, 200)
	s.event(PreloaderMeasured{gen(1), 60 * mB, 10 * mB})
	origin := s.arrived(1, 10)
	s.event(PreloaderMeasured{origin, 60 * mB, 10 * mB})
	s.measured(0, 6, 8)
	if s.measured(0, 6, 100); s.core.bound() != 8*mB {
		t.Fatalf("%d MB with forks of a warm worker in view", s.core.bound()/mB)
	}
	again := s.arrived(1, 200)
	s.event(PreloaderMeasured{again, 60 * mB, 10 * mB})
	if b := s.core.memoryBound(); b.Each != 30*mB || !b.Provisional {
		t.Errorf("promised %+v when all are forks of the next warm worker", b)
	}
	s.event(RestartAsked{"HUP"})
	first := s.firstWorker(s.load(2), gen(2))
	rest := s.ready(first)
	_, w := s.core.worker(first)
	w.measured(s.now, Measurement{Private: 20 * mB, Served: 8})
	if _, near := s.core.timeLeft(w); near || s.core.overdue(w) {
		t.Errorf("the first worker of the new release is to be replaced: it may have %d MB", s.core.boundOf(w)/mB)
	}
	s.rolled(append(rest, s.drained()...))
	stays := func(slot int, private, served uint64) {
		t.Helper()
		if spawned := find[SpawnWorker](s.measured(slot, private, served)); len(spawned) != 0 {
			t.Errorf("after %d requests and with %d MB %+v, want the worker of the new release to stay", served, private, spawned)
		}
	}
	stays(0, 20, 8)
	s.event(PreloaderMeasured{gen(2), 60 * mB, 10 * mB})
	if b := s.core.memoryBound(); b.Each != 30*mB || !b.Provisional {
		t.Errorf("promised %+v, which says nothing of what is needed", b)
	}
	stays(1, 20, 8)
	stays(1, 24, 99)
	s.core.policy.Refork.After = nil
	s.measured(1, 24, 100)
	if b := s.core.memoryBound(); b.Each != 25*mB || b.Provisional {
		t.Errorf("promised %+v, want what a worker of the new release has turned out to need", b)
	}
}

func TestBudgetBounds(t *testing.T) {
	for _, test := range []struct{ preloader, limit, workers, most, start uint64 }{
		{60, 0, 10, 64, 30},
		{60, 4096, 10, 64, 30},
		{200, 4096, 10, 200, 100},
		{60, 512, 10, 40, 30},
		{60, 200, 10, 12, 12},
		{10, 4096, 10, 64, 8},
		{300, 100, 10, 0, 1}, // there is no room at all: whatever is said is wrong
	} {
		most := maxBudget(test.preloader*mB, test.limit*mB, int(test.workers))
		start := provisional(test.preloader*mB, most)
		if most/mB != test.most || start/mB != test.start {
			t.Errorf("%+v: at most %d MB, at first %d MB", test, most/mB, start/mB)
		}
	}
}

func TestMaxRequests(t *testing.T) {
	s := renewing(t, 2, Renewal{MaxRequests: 100})
	if actions := s.measured(0, 0, 99); len(actions) != 0 {
		t.Errorf("%+v", actions)
	}
	old := s.serving(0)
	s.ready(s.successor(s.measured(0, 0, 100), 0))
	s.leaves(old)
	if left := find[WorkerLeft](s.acts); len(left) != 1 || left[0].Reason != ReasonManyRequests {
		t.Errorf("%+v", left)
	}
	s.core.random = func() float64 { return 0.99 }
	next := s.successor(s.measured(0, 0, 100), 0)
	s.ready(next)
	if _, w := s.core.worker(next); w.maxServed != 88 {
		t.Errorf("by chance %d requests", w.maxServed)
	}
}

// TestBudgetOff: nothing is learned.
func TestBudgetOff(t *testing.T) {
	for name, p := range map[string]Policy{"off": {}, "direct": {Method: SpawnDirect, Renewal: twenty, LoadsAtOnce: 8}} {
		s := &script{t: t, core: New(1, p, func() float64 { return 0 }), kinds: map[string]int{}}
		actions := s.event(Started{})
		if p.Method != SpawnDirect {
			actions = s.load(1)
		}
		s.boot(actions)
		if s.core.slots[0].serving().state != ReadyWorker || s.kinds["core.SetBudget"]+s.kinds["core.MeasurePreloader"] != 0 {
			t.Errorf("%s: %v", name, s.kinds)
		}
	}
}
