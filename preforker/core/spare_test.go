package core

import (
	"testing"

	"launcher/preforker/ident"
)

// spared runs slots, all served, and a spare that is prepared.
func spared(t *testing.T, slots int) *script {
	t.Helper()
	s := newScript(t, slots)
	s.core.policy.Spare = SpareOne
	s.boot(s.load(1))
	s.prepared()
	return s
}

// prepared answers the spare that was asked for last.
func (s *script) prepared() ident.Key {
	s.t.Helper()
	w := s.core.spare.worker
	if w == nil {
		s.t.Fatal("no spare is asked for")
	}
	key := w.key
	s.ready(key)
	return key
}

// assigned is what the spare has become in these actions.
func (s *script) assigned(actions []Action) AssignSpare {
	s.t.Helper()
	given := find[AssignSpare](actions)
	if len(given) != 1 || len(find[SpawnWorker](actions)) != 0 {
		s.t.Fatalf("%d spares get a slot: %+v", len(given), actions)
	}
	return given[0]
}

func TestSpareTakesTheSlotOfOneThatDies(t *testing.T) {
	s := spared(t, 2)
	was := s.core.spare.worker.key
	given := s.assigned(s.dies(s.serving(1), 5))
	if want := (ident.Key{Slot: 1, Generation: 1, Serial: was.Serial}); given.Spare != was || given.Key != want {
		t.Fatalf("%+v, want %v", given, want)
	}
	if s.core.spare.worker != nil {
		t.Error("the next one is forked before that one serves")
	}
	after := s.event(WorkerReady{was, 1}) // as it was known when its channel was made
	if served := find[WorkerServes](after); len(served) != 1 || !served[0].Spare || served[0].Worker.Key != given.Key {
		t.Errorf("%+v", after)
	}
	if next := find[SpawnSpare](after); len(next) != 1 || next[0].Key.Serial == was.Serial {
		t.Errorf("the next spare: %+v", next)
	}
}

// TestSpareThatDiesIsForkedAgain, later and later.
func TestSpareThatDiesIsForkedAgain(t *testing.T) {
	s := spared(t, 1)
	if again := find[SpawnSpare](s.dies(s.core.spare.worker.key, 0)); len(again) != 1 {
		t.Fatalf("%d spares follow the first that dies", len(again))
	}
	s.prepared()
	actions := s.dies(s.core.spare.worker.key, 0)
	if waits := find[SpareWaits](actions); len(find[SpawnSpare](actions)) != 0 || len(waits) != 1 || waits[0].Wait != slotBackoff.min {
		t.Fatalf("%+v", actions)
	}
	if again := find[SpawnSpare](s.fire(TimerSpare)); len(again) != 1 {
		t.Fatalf("%d spares after the wait", len(again))
	}
	s.prepared()
	s.now += soundAfter
	if again := find[SpawnSpare](s.dies(s.core.spare.worker.key, 0)); len(again) != 1 || s.core.spare.deaths != 0 {
		t.Errorf("%d spares follow one that was there for long, %d deaths", len(again), s.core.spare.deaths)
	}
	if s.core.slots[0].deaths != 0 {
		t.Error("the slot has an early death")
	}
}

// TestSpareThatDoesNotTakeItsSlot is killed, and its slot filled by a fork at once.
func TestSpareThatDoesNotTakeItsSlot(t *testing.T) {
	s := spared(t, 2)
	waiting := s.core.spare.worker.key
	if actions := s.event(WorkerStuck{Key: waiting, Reason: ReasonTookNoSlot}); len(actions) != 0 {
		t.Fatalf("it has none: %+v", actions)
	}
	given := s.assigned(s.dies(s.serving(1), 5)).Key
	if actions := s.event(WorkerStuck{Key: given, Reason: ReasonTookNoSlot}); !killed(actions, given) || len(find[SpareTakesNoSlot](actions)) != 1 {
		t.Fatalf("%+v", actions)
	}
	actions := s.event(WorkerExited{Key: given, Exit: ident.ExitStatus{Signal: 9}})
	if died := find[WorkerDied](actions); len(died) != 1 || died[0].Reason != ReasonTookNoSlot || len(find[SpawnWorker](actions)) != 1 {
		t.Fatalf("%+v", actions)
	}
	s = spared(t, 2)
	given = s.assigned(s.dies(s.serving(1), 5)).Key
	s.ready(given)
	if actions := s.event(WorkerStuck{Key: given, Reason: ReasonTookNoSlot}); len(actions) != 0 {
		t.Fatalf("it has taken it: %+v", actions)
	}
}

// TestSpareShortensNoWait of a slot whose workers die early.
func TestSpareShortensNoWait(t *testing.T) {
	s := spared(t, 2)
	s.assigned(s.dies(s.serving(1), 0))
	dead := s.core.slots[1].serving().key
	actions := s.dies(dead, 0) // the spare dies at once, in its slot
	if len(find[AssignSpare](actions))+len(find[SpawnWorker](actions)) != 0 || len(find[SlotWaits](actions)) != 1 {
		t.Fatalf("%+v", actions)
	}
	s.prepared() // while the slot waits
	s.assigned(s.fire(TimerSlot))
}

// TestSpareOfOldCode leaves when the first worker of a new generation serves, and takes no slot any more.
func TestSpareOfOldCode(t *testing.T) {
	s := spared(t, 2)
	old := s.core.spare.worker.key
	s.event(RestartAsked{"HUP"})
	s.now++
	given := s.assigned(s.dies(s.serving(1), 5)) // while the next one loads
	if given.Spare != old {
		t.Fatalf("%+v", given)
	}
	if again := find[SpawnSpare](s.event(WorkerReady{old, 1})); len(again) != 0 {
		t.Fatal("a spare is forked while a generation loads")
	}
	s = spared(t, 2)
	old = s.core.spare.worker.key
	s.event(RestartAsked{"HUP"})
	spawn := find[SpawnWorker](s.load(2))
	actions := s.ready(spawn[0].Key)
	if drained := find[DrainWorker](actions); len(drained) != 2 || drained[1].Key != old {
		t.Fatalf("%+v", drained)
	}
	if given := find[AssignSpare](append(actions, s.dies(s.serving(1), 5)...)); len(given) != 0 {
		t.Fatalf("older code: %+v", given)
	}
}

// TestSpareOfAPreloaderThatHasDied takes an empty slot while the next generation loads: nobody else can be had.
func TestSpareOfAPreloaderThatHasDied(t *testing.T) {
	s := spared(t, 2)
	spare := s.core.spare.worker.key
	s.event(PreloaderExited{Origin: gen(1), Exit: ident.ExitStatus{Signal: 9}})
	if given := s.assigned(s.dies(s.serving(1), 5)); given.Spare != spare || given.Key.Slot != 1 {
		t.Errorf("%+v", given)
	}
	if more := s.dies(s.serving(0), 5); len(find[AssignSpare](more)) != 0 {
		t.Errorf("a second time: %+v", more)
	}
}

// TestSpareBesideSeedsThatKeepUp: they may serve for ever, and one that dies is replaced as any worker is.
func TestSpareBesideSeedsThatKeepUp(t *testing.T) {
	s := seeded(t, 5)
	s.core.policy.Spare = SpareOne
	if spawned := find[SpawnSpare](s.demand(true)); len(spawned) != 0 {
		t.Fatal("a spare while slots are about to be filled")
	}
	s.demand(false)
	if spawned := find[SpawnSpare](s.fire(TimerSeed)); len(spawned) != 1 {
		t.Fatalf("%d spares when the time of the seeds is over", len(spawned))
	}
	spare := s.prepared()
	seed := s.serving(0)
	given := s.assigned(s.dies(seed, 3))
	if given.Spare != spare {
		t.Errorf("%+v", given)
	}
	s.ready(given.Key)
	spare = s.prepared() // the next one
	filled := s.press()
	if first := find[AssignSpare](filled); len(first) != 1 || first[0].Spare != spare || len(find[SpawnWorker](filled)) != 2 {
		t.Errorf("three slots are filled by %+v", filled)
	}
}

// TestSpareIsForkedWhenNothingElseIs.
func TestSpareIsForkedWhenNothingElseIs(t *testing.T) {
	s := newScript(t, 2)
	s.core.policy.Spare = SpareOne
	spawns := find[SpawnWorker](s.load(1))
	if first := s.ready(spawns[0].Key); len(find[SpawnSpare](first)) != 0 {
		t.Error("while another slot waits for its worker")
	}
	if last := s.ready(spawns[1].Key); len(find[SpawnSpare](last)) != 1 {
		t.Error("none once all are served")
	}
}

// TestNoSpareWhere nobody wants one, or nothing is forked.
func TestNoSpareWhere(t *testing.T) {
	for name, change := range map[string]func(*Policy){
		"none is wanted": func(*Policy) {},
		"direct":         func(p *Policy) { p.Spare, p.Method = SpareOne, SpawnDirect },
		"unknown bound":  func(p *Policy) { p.Spare = SpareAuto },
	} {
		s := newScript(t, 2)
		change(&s.core.policy)
		s.core.policy.LoadsAtOnce = 2
		if s.core.keepsSpare() {
			t.Error(name)
		}
	}
}

// TestSpareWhereThereIsMemory for one more than the slots need, which its bound counts.
func TestSpareWhereThereIsMemory(t *testing.T) {
	const slots, each, preloader, launcher = 4, 20 * bytesPerMB, 100 * bytesPerMB, 10 * bytesPerMB
	need := uint64(preloader + (slots+1)*each + launcher)
	for limit, want := range map[uint64]int{0: 1, need * 10 / 9 * 101 / 100: 1, need: 0} {
		s := newScript(t, slots)
		p := &s.core.policy
		p.Spare, p.MemoryLimit, p.Renewal.Budget.Bytes, s.core.budget.bytes = SpareAuto, limit, each, each
		s.boot(s.load(1))
		if len(find[SpawnSpare](s.acts)) != 0 {
			t.Fatal("before anything is known of memory")
		}
		s.event(PreloaderMeasured{gen(1), preloader, launcher})
		if forked := len(find[SpawnSpare](s.acts)); forked != want {
			t.Errorf("limit %d: %d spares, want %d", limit, forked, want)
		}
		if bound := s.core.memoryBound(); bound.Workers != slots+want || bound.Total != uint64(preloader+(slots+want)*each+launcher) {
			t.Errorf("limit %d: %+v", limit, bound)
		}
	}
}

// TestSpareTakesTheSlotOfOneThatIsReplaced: a worker past its number of requests makes room for the spare.
func TestSpareTakesTheSlotOfOneThatIsReplaced(t *testing.T) {
	s := newScript(t, 2)
	s.core.policy.Spare, s.core.policy.Renewal.MaxRequests = SpareOne, 50
	s.boot(s.load(1))
	s.prepared()
	old := s.serving(0)
	given := s.assigned(s.event(WorkersMeasured{[]Measurement{{Key: old, Served: 60}}}))
	if drained := find[DrainWorker](s.event(WorkerReady{given.Spare, 1})); len(drained) != 1 || drained[0].Key != old {
		t.Errorf("%+v", drained)
	}
}

// TestStopEndsTheSpare, and nothing ends before it.
func TestStopEndsTheSpare(t *testing.T) {
	s := spared(t, 1)
	spare, worker := s.core.spare.worker.key, s.serving(0)
	if drained := find[DrainWorker](s.event(StopAsked{By: "TERM"})); len(drained) != 2 {
		t.Fatalf("%+v", drained)
	}
	s.event(PreloaderExited{Origin: gen(1)})
	if len(find[Finish](s.dies(worker, 1))) != 0 {
		t.Error("it finishes before the spare")
	}
	if len(find[Finish](s.dies(spare, 0))) != 1 {
		t.Error("it does not finish after the spare")
	}
}

// TestSpareWithoutItsSocket: what could not be bound was not given to it, so it leaves, and the slot waits.
func TestSpareWithoutItsSocket(t *testing.T) {
	s := spared(t, 1)
	spare := s.core.spare.worker.key
	s.assigned(s.event(SocketsLost{[]int{0}}))
	actions := s.event(SlotNotBound{Slot: 0, Error: "no space left"})
	if drained := find[DrainWorker](actions); len(drained) != 1 || drained[0].Key.Serial != spare.Serial {
		t.Errorf("%+v", actions)
	}
}

// TestSpareThatLeavesAsItGetsASlot, for a signal of somebody else's: it will never serve, and what it does at its end may take its
// time. The slot gets another one at once, and later where that happens again.
func TestSpareThatLeavesAsItGetsASlot(t *testing.T) {
	s := spared(t, 1)
	given := s.assigned(s.dies(s.serving(0), 5))
	first := s.event(WorkerLeaving{Key: given.Spare})
	if len(find[WorkerLeavesUnasked](first)) != 1 || len(find[SpawnWorker](first)) != 1 {
		t.Fatalf("%+v", first)
	}
	if late := s.event(WorkerReady{given.Spare, 1}); len(late) != 0 {
		t.Errorf("it is ready, and leaves: %+v", late)
	}
	s.boot(first)
	s.event(WorkerExited{Key: given.Key})
	s.prepared()
	given = s.assigned(s.dies(s.serving(0), 5))
	s.core.slots[0].deaths = 1
	again := s.event(WorkerLeaving{Key: given.Spare})
	if len(find[SpawnWorker](again)) != 0 || len(find[SlotWaits](again)) != 1 {
		t.Errorf("%+v", again)
	}
	s.event(WorkerExited{Key: given.Key})
	if s.core.slots[0].deaths != 2 {
		t.Errorf("its end makes the slot sound: %d deaths", s.core.slots[0].deaths)
	}
}

// TestTimeLimitOfTheSpare is not that of the worker that it becomes.
func TestTimeLimitOfTheSpare(t *testing.T) {
	s := newScript(t, 1)
	s.core.policy.Spare = SpareOne
	s.boot(s.load(1))
	var old Timer
	for _, set := range find[SetTimer](s.acts) {
		if set.Timer.Kind == TimerWorkerBoot {
			old = set.Timer
		}
	}
	s.prepared()
	given := s.assigned(s.dies(s.serving(0), 5))
	if killed := find[KillWorker](s.event(TimerFired{old})); len(killed) != 0 {
		t.Error("it is killed for what it was")
	}
	if killed := find[KillWorker](s.event(TimerFired{Timer{TimerWorkerBoot, given.Key}})); len(killed) != 1 {
		t.Error("it is not killed, and has taken too long")
	}
}

// TestSpareThatIsNotForkedYet is not waited for where it is not wanted any more: its preloader may never fork it, and there would be no
// other one for ever.
func TestSpareThatIsNotForkedYet(t *testing.T) {
	s := newScript(t, 2)
	s.core.policy.Spare = SpareOne
	s.core.budget.preloader, s.core.budget.bytes = 100*bytesPerMB, 50*bytesPerMB
	s.boot(s.load(1))
	asked := s.core.spare.worker.key
	s.event(MemoryAvailable{Bytes: 1})
	actions := s.event(RestartAsked{"HUP"})
	forgotten := find[ForgetWorker](actions)
	if len(find[RoomIsShort](actions)) != 1 || len(forgotten) != 1 || forgotten[0].Key != asked || !forgotten[0].MayLive || len(find[DrainWorker](actions)) > 0 {
		t.Fatalf("%+v", actions)
	}
	actions = s.event(PreloaderExited{Origin: gen(2), Exit: ident.ExitStatus{Code: 1}})
	if again := find[SpawnSpare](actions); len(again) != 1 || len(find[SpareWaits](s.acts)) > 0 {
		t.Errorf("%+v", actions)
	}
	if late := s.event(WorkerSpawned{asked, 500}); len(late) > 0 {
		t.Errorf("%+v", late)
	}
}

// TestSpareOfOldCodeThatIsNotForkedYet gives way to the newer one at once.
func TestSpareOfOldCodeThatIsNotForkedYet(t *testing.T) {
	s := newScript(t, 1)
	s.core.policy.Spare = SpareOne
	s.boot(s.load(1))
	asked := s.core.spare.worker.key
	s.event(RestartAsked{"HUP"})
	s.boot(s.load(2))
	forgotten, spares := find[ForgetWorker](s.acts), find[SpawnSpare](s.acts)
	if len(forgotten) != 1 || forgotten[0].Key != asked || len(spares) != 2 || spares[1].Key.Generation != 2 {
		t.Errorf("%+v %+v", forgotten, spares)
	}
}
