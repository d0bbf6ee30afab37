package core

import (
	"slices"
	"testing"
	"time"
)

// TestOversizedWorkerGoesAtOnce: one request has blown a worker up to many times its budget, and the worker leaves after it,
// however few it has served.
func TestOversizedWorkerGoesAtOnce(t *testing.T) {
	for name, renewal := range map[string]Renewal{"given": twenty, "chosen": {Budget: Budget{Auto: true}}} {
		for _, served := range []uint64{0, 1, 7} { // 0: it is in its first request
			s := renewing(t, 2, renewal)
			old := s.serving(1)
			next := s.successor(s.measured(1, 478, served), 1)
			if drained := find[DrainWorker](s.ready(next)); len(drained) != 1 || drained[0] != (DrainWorker{Key: old, HandOver: true}) {
				t.Errorf("%s, after %d requests: drained %+v", name, served, drained)
			}
			s.leaves(old)
			if n := len(find[SpawnWorker](s.measured(1, 15, 1))); n != 0 || len(find[BudgetTooSmall](s.acts)) != 0 {
				t.Errorf("%s: one greedy request says something about others: %d, %+v", name, n, find[BudgetTooSmall](s.acts))
			}
		}
	}
}

// TestOversizedWorkerGoesFirst: before others that are past their budget, too.
func TestOversizedWorkerGoesFirst(t *testing.T) {
	s := renewing(t, 3, twenty)
	s.past(0, 20)
	s.past(1, 20)
	if spawned := find[SpawnWorker](s.measured(2, 100, 60)); len(spawned) == 0 || spawned[0].Key.Slot != 2 {
		t.Errorf("%+v", spawned)
	}
}

// TestOversizedWorkerByEveryRequest: where each worker needs that much from its first request on, it is no exception. Lives become
// longer, and the log says what would be enough.
func TestOversizedWorkerByEveryRequest(t *testing.T) {
	s := renewing(t, 1, twenty)
	lives := []uint64{}
	for served := uint64(1); len(lives) < 30; served++ {
		if served > 2*maxService {
			t.Fatalf("not replaced any more after lives of %v", lives)
		}
		if spawned := find[SpawnWorker](s.measured(0, 478, served)); len(spawned) == 1 {
			old := s.core.slots[0].workers[0].key
			s.ready(spawned[0].Key)
			s.leaves(old)
			lives = append(lives, served)
			served = 0
		}
	}
	if want := []uint64{1, 1, 1, 16}; !slices.Equal(lives[:4], want) || lives[29] != maxService {
		t.Errorf("lives of %v, want %v first and %d at last", lives, want, maxService)
	}
	s.now -= minServiceTime
	if s.core.slots[0].serving().since = s.now; len(find[SpawnWorker](s.measured(0, 478, 10*maxService))) != 0 {
		t.Error("a thousand requests in no time make it fork again")
	}
	warned := find[BudgetTooSmall](s.acts)
	if len(warned) != 3 || warned[0].Sensible != 598*mB {
		t.Errorf("%+v", warned)
	}
	// Something else again, and that goes at once.
	s.now += time.Hour
	s.successor(s.measured(0, 1000, 1), 0)
}

// TestOversizedWorkerNowAndThen: three in a row by chance, and later ones go at once again when somebody has lived well.
func TestOversizedWorkerNowAndThen(t *testing.T) {
	s := renewing(t, 1, twenty)
	replace := func(private, served uint64) {
		t.Helper()
		s.now += minServiceTime
		old := s.core.slots[0].workers[0].key
		s.ready(s.successor(s.measured(0, private, served), 0))
		s.leaves(old)
	}
	for range earlyServices {
		replace(478, 3)
	}
	if n := len(find[SpawnWorker](s.measured(0, 478, 3))); n != 0 {
		t.Error("it needs that much, and goes at once")
	}
	replace(478, 20)
	s.measured(0, 5, 8)
	replace(478, 90)
	replace(478, 1)
}
