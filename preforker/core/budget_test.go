package core

import (
	"slices"
	"testing"
	"time"

	"launcher/preforker/ident"
)

func TestBudgetReplacesBesideTheOldWorker(t *testing.T) {
	s := renewing(t, 3, twenty)
	if actions := s.measured(1, 15, 40); len(actions) != 0 {
		t.Fatalf("below the budget: %+v", actions)
	}
	old := s.serving(1)
	next := s.successor(s.measured(1, 21, 60), 1)
	if n := len(find[DrainWorker](s.event(WorkerSpawned{next, 9}))); n != 0 {
		t.Error("the old worker drains before the new one is ready")
	}
	drained := find[DrainWorker](s.event(WorkerReady{next, 9}))
	if len(drained) != 1 || drained[0] != (DrainWorker{Key: old, HandOver: true}) {
		t.Errorf("drained %+v, want %v without its backlog", drained, old)
	}
	s.leaves(old)
	left := find[WorkerLeft](s.acts)
	if len(left) != 1 || left[0].Reason != ReasonOverBudget || left[0].Exit != (ident.ExitStatus{}) || left[0].Private != 21*mB {
		t.Errorf("%+v", left)
	}
	crashed := s.serving(2)
	s.ready(s.successor(s.measured(2, 21, 60), 2))
	s.event(WorkerExited{Key: crashed, Served: 60, Exit: ident.ExitStatus{Signal: 11}})
	if left = find[WorkerLeft](s.acts); len(left) != 2 || left[1].Exit.Signal != 11 {
		t.Errorf("it crashed in its last request: %+v", left)
	}
	if s.core.slots[1].deaths != 0 || s.kinds["core.CloseSlot"] != 0 || s.kinds["core.Announce"] != 1 {
		t.Errorf("deaths %d, %v", s.core.slots[1].deaths, s.kinds)
	}
}

// TestBudgetIsSpread: ten workers pass it at once, and are replaced one after the other, the
// next when the last has given its memory back.
func TestBudgetIsSpread(t *testing.T) {
	s := renewing(t, 10, twenty)
	for slot := range 10 {
		s.past(slot, 20)
	}
	actions := s.measured(9, 20, 60)
	var order []int
	for range 10 {
		spawned := find[SpawnWorker](actions)
		if len(spawned) != 1 {
			t.Fatalf("%d started at once, after %v", len(spawned), order)
		}
		key := spawned[0].Key
		order = append(order, key.Slot)
		old := s.core.slots[key.Slot].workers[0].key
		if early := find[SpawnWorker](s.ready(key)); len(early) != 0 {
			t.Fatalf("%+v is started while %v still drains", early, old)
		}
		actions = s.leaves(old)
	}
	if slices.Sort(order); len(slices.Compact(order)) != 10 || len(find[SpawnWorker](actions)) != 0 {
		t.Errorf("replaced %v, then %+v", order, actions)
	}
}

// TestBudgetLooksAhead: of those that grow the one that passes it first goes first, and before it has passed.
func TestBudgetLooksAhead(t *testing.T) {
	s := renewing(t, 2, twenty)
	s.measured(0, 10, 10)
	s.measured(1, 10, 10)
	for step := uint64(1); ; step++ {
		if actions := s.measured(0, 10+step/4, 10+step); len(find[SpawnWorker](actions)) != 0 {
			t.Fatal("the one that grows slowly is replaced")
		}
		if private := s.core.slots[1].serving().private / mB; private >= 20 {
			t.Fatalf("a worker has %d MB", private)
		}
		if actions := s.measured(1, 10+step, 10+2*step); len(find[SpawnWorker](actions)) != 0 {
			s.successor(actions, 1)
			break
		}
	}
	if private := s.core.slots[1].serving(); private.state != SpawningWorker {
		t.Errorf("%v", private.state)
	}
}

func TestBudgetManyAtOnceBeyondTheBound(t *testing.T) {
	s := renewing(t, 4, twenty)
	for slot := range 4 {
		s.past(slot, 30)
	}
	if n := len(find[SpawnWorker](s.measured(0, 30, 60))); n != 2 {
		t.Errorf("%d at once, want as many as CPUs", n)
	}
}

// TestBudgetTooSmallDoesNotLoop: each worker passes it with its first request. Nobody is replaced
// before a number of requests that grows, and the log says what would be enough.
func TestBudgetTooSmallDoesNotLoop(t *testing.T) {
	s := renewing(t, 1, twenty)
	lives := []uint64{}
	for served := uint64(1); len(lives) < 30; served++ {
		if served > 2*maxService {
			t.Fatalf("not replaced any more after lives of %v", lives)
		}
		if spawned := find[SpawnWorker](s.measured(0, 32, served)); len(spawned) == 1 {
			old := s.core.slots[0].workers[0].key
			s.ready(spawned[0].Key)
			s.leaves(old)
			lives = append(lives, served)
			served = 0
		}
	}
	s.now -= minServiceTime // the time that its requests took
	if s.core.slots[0].serving().since = s.now; len(find[SpawnWorker](s.measured(0, 32, 10*maxService))) != 0 {
		t.Error("a thousand requests in no time make it fork again")
	}
	if lives[0] != MinService || lives[29] != maxService {
		t.Errorf("lives of %v", lives)
	}
	warned := find[BudgetTooSmall](s.acts)
	if len(warned) != 3 || warned[0].Sensible != 40*mB {
		t.Errorf("%+v", warned)
	}
}

// TestBudgetSuccessorDoesNotComeUp: the old worker serves on, and the next attempts wait longer and longer.
func TestBudgetSuccessorDoesNotComeUp(t *testing.T) {
	s := renewing(t, 1, twenty)
	old := s.serving(0)
	actions := s.measured(0, 21, 60)
	var waits []time.Duration
	for range 6 {
		key := s.successor(actions, 0)
		s.event(WorkerSpawned{key, 9})
		actions = s.event(WorkerExited{Key: key, Exit: ident.ExitStatus{Code: 1}})
		if len(find[SpawnWorker](actions)) == 0 {
			for _, set := range find[SetTimer](actions) {
				waits = append(waits, set.After)
			}
			actions = s.fire(TimerSlot)
		}
		if w := s.core.slots[0].workers[0]; w.key != old || w.state != ReadyWorker {
			t.Fatalf("%+v", w)
		}
	}
	if want := []time.Duration{100, 200, 400, 800, 1600}; len(waits) != 5 || waits[4] != want[4]*time.Millisecond {
		t.Errorf("waits %v", waits)
	}
	if s.kinds["core.CloseSlot"] != 0 || s.core.budget.minServed != MinService {
		t.Errorf("%v, lives of %d", s.kinds, s.core.budget.minServed)
	}
	s.ready(s.successor(actions, 0))
	if s.core.slots[0].deaths != 0 {
		t.Error("the deaths of the successors stay")
	}
}

// TestBudgetInARoll: a slot that is past the budget is the first to be rolled, and nothing else is
// started meanwhile.
func TestBudgetInARoll(t *testing.T) {
	s := renewing(t, 3, twenty)
	s.event(RestartAsked{"HUP"})
	next := s.successor(s.measured(2, 21, 60), 2) // while the new release loads: a renewal as ever
	if spawned := find[SpawnWorker](s.load(2)); len(spawned) != 0 {
		t.Fatalf("two at once: %+v", spawned)
	}
	s.past(1, 25)
	rolled := find[SpawnWorker](s.ready(next))
	if len(rolled) != 1 || rolled[0].Key.Slot != 1 || rolled[0].Key.Generation != 2 {
		t.Fatalf("%+v, want slot 1 first", rolled)
	}
	actions := s.ready(rolled[0].Key)
	for _, drained := range find[DrainWorker](actions) {
		if _, w := s.core.worker(drained.Key); w.reason != ReasonRolled {
			t.Errorf("%v leaves: %v", drained.Key, w.reason)
		}
	}
	s.boot(actions)
	s.boot(s.drained()) // a slot with two workers gets no third one
	for slot := range 3 {
		if s.serving(slot).Generation != 2 {
			t.Errorf("slot %d is not rolled", slot)
		}
	}
}

// TestBudgetBesideABadRelease: its workers do not come up; those of the old one are still renewed.
func TestBudgetBesideABadRelease(t *testing.T) {
	s := renewing(t, 1, twenty)
	s.event(RestartAsked{"HUP"})
	actions := s.load(2)
	for spawned := find[SpawnWorker](actions); len(spawned) == 1 && spawned[0].Key.Generation == 2; spawned = find[SpawnWorker](actions) {
		actions = s.dies(spawned[0].Key, 0)
	}
	s.core.slots[0].retryAt = s.now + time.Minute // the next attempt of the roll
	old := s.serving(0)
	s.ready(s.successor(s.measured(0, 21, 60), 0))
	s.leaves(old)
	if deaths := s.core.slots[0].deaths; deaths != 2 {
		t.Errorf("%d deaths: the timer of the roll would find nobody", deaths)
	}
	s.now += time.Minute
	if spawned := find[SpawnWorker](s.fire(TimerSlot)); len(spawned) != 1 || spawned[0].Key.Generation != 2 {
		t.Errorf("the roll goes on with %+v", spawned)
	}
}

func TestBudgetWhileStopping(t *testing.T) {
	s := renewing(t, 2, twenty)
	next := s.successor(s.measured(0, 21, 60), 0)
	drained := find[DrainWorker](s.event(StopAsked{By: "TERM"}))
	if len(drained) != 3 || !slices.Contains(drained, DrainWorker{Key: next, Backlog: true}) {
		t.Errorf("%+v", drained)
	}
	if actions := s.event(WorkersMeasured{[]Measurement{{Key: ident.Key{Slot: 1, Generation: 1, Serial: 2}, Private: 90 * mB, Served: 99}}}); len(actions) != 0 {
		t.Errorf("%+v", actions)
	}
}

func TestBudgetOfTheGone(t *testing.T) {
	s := renewing(t, 1, twenty)
	gone := s.serving(0)
	s.boot(s.dies(gone, 5))
	if actions := s.event(WorkersMeasured{[]Measurement{{Key: gone, Private: 90 * mB, Served: 99}}}); len(actions) != 0 {
		t.Errorf("%+v", actions)
	}
	if actions := s.event(PreloaderMeasured{gen(7), 900 * mB, mB}); len(actions) != 0 {
		t.Errorf("%+v", actions)
	}
}

// TestBudgetNeverCutsARequest: a worker that was replaced has all the time for its last request,
// and meanwhile its slot gets no third worker.
func TestBudgetNeverCutsARequest(t *testing.T) {
	s := renewing(t, 2, twenty)
	s.ready(s.successor(s.measured(0, 21, 60), 0))
	if killed := find[KillWorker](s.fire(TimerWorkerDrain)); len(killed) != 0 {
		t.Errorf("%+v", killed)
	}
	if len(find[WorkerFinishesLate](s.acts)) != 1 {
		t.Error("nobody is told")
	}
	if spawned := find[SpawnWorker](s.measured(0, 22, 60)); len(spawned) != 0 {
		t.Errorf("a third worker: %+v", spawned)
	}
	s.successor(s.measured(1, 22, 60), 1) // the others are not held up
	s.event(StopAsked{By: "TERM"})
	if killed := find[KillWorker](s.fire(TimerStop)); len(killed) == 0 {
		t.Error("it outlives the launcher")
	}
}

// TestRenewalsLetARollBegin: also where the workers have more than the bound, so that several are renewed at once, and
// none of their successors comes up.
func TestRenewalsLetARollBegin(t *testing.T) {
	s := renewing(t, 3, twenty)
	for slot := range 3 {
		s.past(slot, 100)
	}
	spawned := find[SpawnWorker](s.event(WorkersMeasured{}))
	if len(spawned) != 2 {
		t.Fatalf("%+v, want two renewals at once", spawned)
	}
	s.event(RestartAsked{"HUP"})
	s.load(2)
	if more := find[SpawnWorker](s.dies(spawned[0].Key, 0)); len(more) != 0 {
		t.Errorf("%+v, though a roll waits", more)
	}
	if more := find[SpawnWorker](s.dies(spawned[1].Key, 0)); len(more) == 0 || more[0].Key.Generation != 2 {
		t.Errorf("%+v, want a worker of generation 2 first", more)
	}
}
