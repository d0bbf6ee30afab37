package core

import (
	"testing"
	"time"

	"launcher/preforker/ident"
)

func TestReforkOneSlotFirst(t *testing.T) {
	s := reforking(t, 4, 10)
	if asked := s.served(2, 9); len(asked) != 0 {
		t.Fatalf("asked after 9 requests: %+v", asked)
	}
	origin := s.asked(2, 12)
	if origin != refork(1, 1) {
		t.Errorf("the first is %v", origin)
	}
	if asked := s.served(1, 30); len(asked) != 0 {
		t.Errorf("another is asked meanwhile: %+v", asked)
	}
	key := s.firstWorker(s.reforked(origin), origin)
	if again := find[SpawnWorker](s.ready(key)); len(again) != 0 {
		t.Errorf("%+v follow before the first has answered", again)
	}
	s.drained()
	if n := s.core.count(ReadyWorker); n != 4 {
		t.Errorf("%d ready", n)
	}
	for _, e := range []Event{WorkerAnsweredFirst{ident.Key{Slot: 0, Generation: 1, Serial: 1}, 200, "GET /"}, WorkerAnsweredFirst{ident.Key{Slot: 9, Generation: 4}, 200, ""}} {
		if actions := s.event(e); len(find[SpawnWorker](actions)) != 0 {
			t.Errorf("%+v is the first request of another", e)
		}
	}
	actions := s.rolled(s.event(WorkerAnsweredFirst{key, 404, "GET /nowhere"}))
	if n := len(find[SpawnWorker](actions)); n != 3 {
		t.Errorf("%d follow", n)
	}
	if retired := find[RetirePreloader](actions); len(retired) != 1 || retired[0] != (RetirePreloader{gen(1), false}) {
		t.Errorf("retired %+v", retired)
	}
	s.exits()
	s.all(origin)
	if len(find[PreloaderReforked](s.acts)) != 1 || len(find[ReforkCompleted](s.acts)) != 1 {
		t.Errorf("%q", s.facts)
	}
	if s.kinds["core.Announce"] != 1 || s.kinds["core.GenerationLoaded"] != 1 || s.kinds["core.StartPreloader"] != 1 {
		t.Errorf("a refork is no new generation: %v", s.kinds)
	}
}

// TestReforkThresholds: the second counts the requests of a worker of the first.
func TestReforkThresholds(t *testing.T) {
	s := reforking(t, 2, 10, 60)
	first := s.arrived(0, 10)
	for slot := range 2 {
		if asked := s.served(slot, 59); len(asked) != 0 {
			t.Fatalf("%+v", asked)
		}
	}
	second := s.arrived(1, 60)
	if first != refork(1, 1) || second != refork(1, 2) {
		t.Errorf("%v, %v", first, second)
	}
	if asked := s.served(0, 100_000); len(asked) != 0 {
		t.Errorf("a third: %+v", asked)
	}
	s.event(RestartAsked{"HUP"})
	s.rolled(s.load(2))
	s.exits()
	if third := s.arrived(0, 10); third != refork(2, 1) {
		t.Errorf("in the next generation: %v", third)
	}
}

func TestReforkIsAskedOfTheBusiestWorker(t *testing.T) {
	s := reforking(t, 3, 10)
	s.now += testPeriod
	asked := find[ReforkWorker](s.event(WorkersMeasured{[]Measurement{
		{Key: s.serving(0), Private: 0, Served: 11}, {Key: s.serving(1), Private: 0, Served: 25}, {Key: s.serving(2), Private: 0, Served: 20}}}))
	if len(asked) != 1 || asked[0].Key != s.serving(1) {
		t.Errorf("%+v", asked)
	}
}

func TestReforkNever(t *testing.T) {
	s := reforking(t, 2)
	if asked := s.served(0, 1_000_000); len(asked) != 0 {
		t.Errorf("%+v", asked)
	}
}

// TestReforkWaitsForQuietSlots: while one has two workers, or none of the source, nobody is asked.
func TestReforkWaitsForQuietSlots(t *testing.T) {
	s := reforking(t, 2, 10)
	s.event(RestartAsked{"HUP"})
	if asked := s.served(0, 50); len(asked) != 0 {
		t.Errorf("while the next generation loads: %+v", asked)
	}
	actions := s.load(2)
	if asked := s.served(1, 50); len(asked) != 0 {
		t.Errorf("while it is rolled: %+v", asked)
	}
	s.rolled(actions)
	if asked := s.served(1, 50); len(asked) != 0 {
		t.Errorf("while the older preloader retires: %+v", asked)
	}
	s.exits()
	if n := s.kinds["core.ReforkWorker"]; n != 1 {
		t.Errorf("asked %d times when it is gone", n)
	}
}

// TestReforkPausesAfterAFailure: what was in the way may be gone a little later.
func TestReforkPausesAfterAFailure(t *testing.T) {
	s := reforking(t, 2, 10)
	s.event(PreloaderExited{Origin: s.asked(0, 10)})
	for range int(reforkPause/testPeriod) - 1 {
		if asked := s.served(1, 50); len(asked) != 0 {
			t.Fatalf("asked again: %+v", asked)
		}
	}
	if asked := s.served(1, 50); len(asked) != 1 {
		t.Errorf("not asked again")
	}
}

// TestReforkWaitsForAllSlots: one that still starts would be a fork of the older preloader.
func TestReforkWaitsForAllSlots(t *testing.T) {
	s := newScript(t, 2)
	s.core.policy.Refork = Refork{After: []uint64{10}}
	keys := find[SpawnWorker](s.load(1))
	s.ready(keys[0].Key)
	if asked := s.served(0, 50); len(asked) != 0 {
		t.Errorf("while a slot starts: %+v", asked)
	}
	s.ready(keys[1].Key)
	if n := s.kinds["core.ReforkWorker"]; n != 1 {
		t.Errorf("asked %d times when all are ready", n)
	}
}

func TestReforkWaitsForARenewal(t *testing.T) {
	s := reforkingWith(t, 2, twenty, 10)
	s.event(PreloaderMeasured{gen(1), 60 * mB, 10 * mB})
	s.past(1, 21)
	old := s.serving(1)
	next := s.successor(s.event(WorkersMeasured{}), 1)
	if asked := s.served(0, 9); len(asked) != 0 {
		t.Fatalf("%+v", asked)
	}
	if asked := s.served(0, 50); len(asked) != 0 {
		t.Errorf("while a worker is replaced: %+v", asked)
	}
	s.ready(next)
	s.leaves(old)
	if n := s.kinds["core.ReforkWorker"]; n != 1 {
		t.Errorf("asked %d times when it is over", n)
	}
}

// TestReforkMayOvertake: what the new preloader says, and what the worker says that it is forked from, come in any order.
func TestReforkMayOvertake(t *testing.T) {
	s := reforking(t, 2, 10)
	origin := s.asked(0, 10)
	s.firstWorker(s.event(PreloaderLoaded{origin, Load{Pid: 201}}), origin)
	if actions := s.event(WorkerReforked{origin, 201}); len(actions) != 0 {
		t.Errorf("%+v", actions)
	}
}

// TestReforkWithOneSlot: that one has moved, and can go back all the same.
func TestReforkWithOneSlot(t *testing.T) {
	s := reforking(t, 1, 10)
	key := s.tried(s.asked(0, 10))
	if n := s.kinds["core.RetirePreloader"]; n != 0 {
		t.Error("the older preloader leaves before the first request")
	}
	s.rolled(s.event(WorkerAnsweredFirst{key, 502, "GET /"}))
	s.exits()
	s.all(gen(1))
	s.arrived(0, 20)
}

// TestReforkLearnsItsBudgetAnew: its workers need less than those of the preloader before.
func TestReforkLearnsItsBudgetAnew(t *testing.T) {
	s := reforkingWith(t, 1, Renewal{Budget: Budget{Auto: true}}, 10)
	s.event(PreloaderMeasured{gen(1), 60 * mB, 10 * mB})
	old := s.serving(0)
	s.measured(0, 30, 9)
	s.past(0, 30)
	s.ready(s.successor(s.measured(0, 60, AimedService), 0))
	s.leaves(old)
	before := s.core.budget.bytes
	origin := s.asked(0, 10)
	s.rolled(s.event(WorkerAnsweredFirst{s.tried(origin), 200, "GET /"}))
	if measured := find[MeasurePreloader](s.acts); len(measured) != 2 || measured[1].Origin != origin {
		t.Errorf("%+v", measured)
	}
	s.event(PreloaderMeasured{origin, 70 * mB, 10 * mB})
	s.measured(0, 8, MinService)
	s.measured(0, 16, AimedService)
	if b := s.core.budget; b.learned != origin || b.bytes >= before || b.preloader != 70*mB {
		t.Errorf("%+v, before %d", b, before)
	}
}

// TestNobodyIsRenewedFromAReforkBeforeItsFirstAnswer: also where the older preloader has died.
func TestNobodyIsRenewedFromAReforkBeforeItsFirstAnswer(t *testing.T) {
	s := reforkingWith(t, 3, twenty, 10)
	s.now += reforkPause
	asked := find[ReforkWorker](s.event(WorkersMeasured{[]Measurement{{Key: s.serving(0), Private: 10 * mB, Served: 20}}}))
	if len(asked) != 1 {
		t.Fatalf("%+v", asked)
	}
	canary := s.tried(asked[0].Origin)
	s.drained()
	s.event(PreloaderExited{Origin: gen(1), Exit: ident.ExitStatus{Signal: 9}})
	s.now += time.Second
	if spawned := find[SpawnWorker](s.event(WorkersMeasured{[]Measurement{{Key: s.serving(1), Private: 50 * mB, Served: 60}}})); len(spawned) != 0 {
		t.Errorf("%+v, before the first answer", spawned)
	}
	if spawned := find[SpawnWorker](s.event(WorkerAnsweredFirst{canary, 200, "GET /"})); len(spawned) != 1 || spawned[0].Key.Slot != 1 {
		t.Errorf("%+v, want slot 1", spawned)
	}
}

// TestNoReforkWhereSlotsAreServedByOthers: by newer code, whose preloader is gone.
func TestNoReforkWhereSlotsAreServedByOthers(t *testing.T) {
	s := reforking(t, 2, 10)
	s.event(RestartAsked{"HUP"})
	s.ready(find[SpawnWorker](s.load(2))[0].Key)
	s.drained()
	s.event(PreloaderExited{Origin: gen(2), Exit: ident.ExitStatus{Signal: 9}})
	s.event(PreloaderExited{Origin: gen(3), Exit: ident.ExitStatus{Code: 1}})
	if asked := s.served(1, 20); len(asked) != 0 {
		t.Errorf("%+v, though slot 0 has generation 2", asked)
	}
}

// TestAReforkThatIsGivenUpIsKilledWhenItsPidIsTold: it was to be killed before that.
func TestAReforkThatIsGivenUpIsKilledWhenItsPidIsTold(t *testing.T) {
	for name, tell := range map[string]func(ident.Origin) Event{
		"by the worker": func(o ident.Origin) Event { return WorkerReforked{o, 77} },
		"by itself":     func(o ident.Origin) Event { return PreloaderLoaded{o, Load{Pid: 77}} },
	} {
		t.Run(name, func(t *testing.T) {
			s := reforking(t, 1, 10)
			origin := s.asked(0, 20)
			s.fire(TimerPreloaderBoot)
			s.fire(TimerPreloaderKill)
			if sent := find[SignalPreloader](s.event(tell(origin))); len(sent) != 1 || sent[0].Signal != ident.SIGKILL || sent[0].Origin != origin {
				t.Errorf("%+v", sent)
			}
		})
	}
}
