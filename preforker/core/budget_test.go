package core

import (
	"fmt"
	"slices"
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
	return s.event(WorkersMeasured{[]Measurement{{s.serving(slot), private * mB, served}}})
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
	if len(drained) != 1 || drained[0] != (DrainWorker{old, false}) {
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

func TestBudgetManyAtOnceBeyondThePromise(t *testing.T) {
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

// TestBudgetSwollenGoesAtOnce: one request has blown a worker up to many times its budget, and the worker leaves after it,
// however few it has served.
func TestBudgetSwollenGoesAtOnce(t *testing.T) {
	for name, renewal := range map[string]Renewal{"given": twenty, "chosen": {Budget: Budget{Auto: true}}} {
		for _, served := range []uint64{0, 1, 7} { // 0: it is in its first request
			s := renewing(t, 2, renewal)
			old := s.serving(1)
			next := s.successor(s.measured(1, 478, served), 1)
			if drained := find[DrainWorker](s.ready(next)); len(drained) != 1 || drained[0] != (DrainWorker{old, false}) {
				t.Errorf("%s, after %d requests: drained %+v", name, served, drained)
			}
			s.leaves(old)
			if n := len(find[SpawnWorker](s.measured(1, 15, 1))); n != 0 || len(find[BudgetTooSmall](s.acts)) != 0 {
				t.Errorf("%s: one greedy request says something about others: %d, %+v", name, n, find[BudgetTooSmall](s.acts))
			}
		}
	}
}

// TestBudgetSwollenGoesFirst: before others that are past their budget, too.
func TestBudgetSwollenGoesFirst(t *testing.T) {
	s := renewing(t, 3, twenty)
	s.past(0, 20)
	s.past(1, 20)
	if spawned := find[SpawnWorker](s.measured(2, 100, 60)); len(spawned) == 0 || spawned[0].Key.Slot != 2 {
		t.Errorf("%+v", spawned)
	}
}

// TestBudgetSwollenByEveryRequest: where each worker needs that much from its first request on, it is no exception. Lives become
// longer, and the log says what would be enough.
func TestBudgetSwollenByEveryRequest(t *testing.T) {
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

// TestBudgetSwollenNowAndThen: three in a row by chance, and later ones go at once again when somebody has lived well.
func TestBudgetSwollenNowAndThen(t *testing.T) {
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
	if len(drained) != 3 || !slices.Contains(drained, DrainWorker{next, true}) {
		t.Errorf("%+v", drained)
	}
	if actions := s.event(WorkersMeasured{[]Measurement{{ident.Key{Slot: 1, Generation: 1, Serial: 2}, 90 * mB, 99}}}); len(actions) != 0 {
		t.Errorf("%+v", actions)
	}
}

func TestBudgetOfTheGone(t *testing.T) {
	s := renewing(t, 1, twenty)
	gone := s.serving(0)
	s.boot(s.dies(gone, 5))
	if actions := s.event(WorkersMeasured{[]Measurement{{gone, 90 * mB, 99}}}); len(actions) != 0 {
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

func TestBudgetChosen(t *testing.T) {
	s := renewing(t, 10, Renewal{Budget: Budget{Auto: true}})
	promises := func() (found []string) {
		for _, told := range find[MemoryBoundChanged](s.acts) {
			found = append(found, fmt.Sprintf("%d MB + %d MB = %d MB", megabytes(told.Bound.Preloader), megabytes(told.Bound.Each), megabytes(told.Bound.Total)))
		}
		return found
	}
	if spawned := find[SpawnWorker](s.measured(0, 40, 99)); len(spawned) != 0 {
		t.Errorf("replaced before anything is known: %+v", spawned)
	}
	s.measured(1, 4, 8)
	s.measured(1, 12, 100)
	if got, want := promises(), []string{"60 MB + 30 MB = 370 MB", "60 MB + 12 MB = 190 MB"}; !slices.Equal(got, want) {
		t.Errorf("promised %q, want %q", got, want)
	}
	// Three short lives in a row are no accident: it grows.
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
	if got := promises(); len(got) != 3 || got[2] != "60 MB + 14 MB = 210 MB" {
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
	if s.core.bound() != 41*mB {
		t.Error("the new generation begins without a budget")
	}
	s.replaceAll()
	s.measured(1, 4, 8)
	if s.measured(1, 9, 100); s.core.bound() != 9*mB {
		t.Errorf("%d MB for the new generation", s.core.bound()/mB)
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

// TestBudgetOff: nobody is even looked at.
func TestBudgetOff(t *testing.T) {
	for name, p := range map[string]Policy{"off": {}, "direct": {Method: SpawnDirect, Renewal: twenty, LoadsAtOnce: 8}} {
		s := &script{t: t, core: New(1, p, func() float64 { return 0 }), kinds: map[string]int{}}
		actions := s.event(Started{})
		if p.Method != SpawnDirect {
			actions = s.load(1)
		}
		s.boot(actions)
		if s.core.slots[0].serving().state != ReadyWorker || s.kinds["core.WatchWorker"]+s.kinds["core.MeasurePreloader"] != 0 {
			t.Errorf("%s: %v", name, s.kinds)
		}
	}
}
