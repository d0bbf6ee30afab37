package core

import (
	"slices"
	"testing"
	"time"

	"launcher/preforker/ident"
)

// limited is a core whose workers are all ready, with these limits.
func limited(t *testing.T, slots int, limits Limits) *script {
	t.Helper()
	s := &script{t: t, core: New(slots, Policy{BootTimeout: time.Minute, MeasurePeriod: testPeriod, DrainTimeout: 30 * time.Second, LoadsAtOnce: 2,
		Limits: limits}, func() float64 { return 0.5 }), kinds: map[string]int{}}
	s.event(Started{})
	s.boot(s.load(1))
	s.now += time.Minute
	return s
}

func overdue(key ident.Key) RequestOverdue {
	return RequestOverdue{Key: key, Request: "GET /slow", After: time.Minute}
}

// TestOverdueRequestEndsItsWorker: it says where it is, and its slot has another one at once.
func TestOverdueRequestEndsItsWorker(t *testing.T) {
	s := limited(t, 2, Limits{RequestTimeout: time.Minute})
	key := s.serving(1)
	actions := s.event(overdue(key))
	located, drained, spawned := find[LocateWorker](actions), find[DrainWorker](actions), find[SpawnWorker](actions)
	if len(located) != 1 || len(drained) != 1 || drained[0].Key != key || drained[0].Backlog || len(spawned) != 1 || spawned[0].Key.Slot != 1 {
		t.Fatalf("%+v", actions)
	}
	if slices.IndexFunc(actions, isA[LocateWorker]) > slices.IndexFunc(actions, isA[DrainWorker]) {
		t.Error("it is asked where it is once it may be on its way out")
	}
	told := find[ThreadLocated](s.event(WorkerLocated{key, []Thread{{Name: "serving", State: "sleep", Frames: []string{"a.rb:1"}}}}))
	if len(told) != 1 || told[0].Slow || told[0].Thread.Frames[0] != "a.rb:1" {
		t.Errorf("%+v", told)
	}
	if again := s.event(overdue(key)); len(again) != 0 {
		t.Errorf("the same again: %+v", again)
	}
	s.boot(asActions(spawned))
	actions = s.fire(TimerLimit)
	if !killed(actions, key) || len(find[WorkerNotLocated](actions)) != 0 {
		t.Errorf("%+v", actions)
	}
	actions = s.event(WorkerExited{Key: key, Exit: ident.ExitStatus{Signal: 9}, Request: "GET /slow"})
	died := find[WorkerDied](actions)
	if len(died) != 1 || died[0].Reason != ReasonRequestTimeout || died[0].Request != "GET /slow" || len(find[SpawnWorker](actions)) != 0 {
		t.Errorf("%+v", actions)
	}
}

func isA[A Action](a Action) bool { _, is := a.(A); return is }

func asActions(spawned []SpawnWorker) (actions []Action) {
	for _, spawn := range spawned {
		actions = append(actions, spawn)
	}
	return actions
}

// TestWorkerThatDoesNotSayWhereItIs hangs in C: the log says so, and it is killed all the same.
func TestWorkerThatDoesNotSayWhereItIs(t *testing.T) {
	s := limited(t, 1, Limits{RequestTimeout: time.Minute})
	key := s.serving(0)
	s.event(overdue(key))
	actions := s.fire(TimerLimit)
	if !killed(actions, key) || len(find[WorkerNotLocated](actions)) != 1 {
		t.Errorf("%+v", actions)
	}
	if late := s.event(WorkerLocated{key, []Thread{{Name: "serving"}}}); len(late) != 0 {
		t.Errorf("%+v", late)
	}
}

// TestRequestThatEndsWithinTheGrace: its worker leaves in order.
func TestRequestThatEndsWithinTheGrace(t *testing.T) {
	s := limited(t, 1, Limits{RequestTimeout: time.Minute})
	key := s.serving(0)
	s.boot(s.event(overdue(key)))
	actions := s.event(WorkerExited{Key: key, Served: 1})
	if left := find[WorkerLeft](actions); len(left) != 1 || left[0].Reason != ReasonRequestTimeout {
		t.Errorf("%+v", actions)
	}
	if late := s.fire(TimerLimit); len(late) != 0 {
		t.Errorf("%+v", late)
	}
}

// TestTimeoutsAreNoEarlyDeaths: the first request of each worker takes too long, again and again, and no slot waits.
func TestTimeoutsAreNoEarlyDeaths(t *testing.T) {
	s := limited(t, 2, Limits{RequestTimeout: time.Second})
	for range 10 {
		key := s.serving(0)
		s.now += time.Second
		s.boot(s.event(overdue(key)))
		s.fire(TimerLimit)
		s.boot(s.event(WorkerExited{Key: key, Exit: ident.ExitStatus{Signal: 9}, Request: "GET /slow"}))
	}
	if slot := s.core.slots[0]; slot.deaths != 0 || slot.state != OccupiedSlot || slices.Contains(s.facts, "SlotWaits") {
		t.Errorf("%d deaths, %v", slot.deaths, slot.state)
	}
}

// TestOverdueRequestOfAWorkerThatLeaves: it was replaced, and may take its time for its last request, but not for ever.
func TestOverdueRequestOfAWorkerThatLeaves(t *testing.T) {
	s := renewing(t, 1, twenty)
	key := s.serving(0)
	s.ready(s.successor(s.measured(0, 21, 60), 0))
	if s.fire(TimerWorkerDrain); s.kinds["core.KillWorker"] != 0 {
		t.Fatal("it was killed though it may take its time")
	}
	actions := s.event(overdue(key))
	if len(find[SpawnWorker](actions)) != 0 || len(find[DrainWorker](actions)) != 0 || len(find[LocateWorker](actions)) != 1 {
		t.Errorf("%+v", actions)
	}
	if !killed(s.fire(TimerLimit), key) {
		t.Error("it was not killed")
	}
}

// TestNoLimitWhileItStops: all have a deadline.
func TestNoLimitWhileItStops(t *testing.T) {
	s := limited(t, 1, Limits{RequestTimeout: time.Minute, Memory: 100 * mB})
	key := s.serving(0)
	s.event(StopAsked{By: "TERM"})
	actions := append(s.event(overdue(key)), s.event(WorkersMeasured{[]Measurement{{Key: key, Own: 200 * mB}}})...)
	if len(actions) != 0 {
		t.Errorf("%+v", actions)
	}
}

// TestSlowRequestIsToldOnly, with where it is, or that this cannot be had.
func TestSlowRequestIsToldOnly(t *testing.T) {
	s := limited(t, 1, Limits{SlowLog: time.Second})
	key := s.serving(0)
	slow := overdue(key)
	slow.Slow = true
	actions := s.event(slow)
	if len(find[RequestSlow](actions)) != 1 || len(find[LocateWorker](actions)) != 1 || len(find[DrainWorker](actions)) != 0 {
		t.Fatalf("%+v", actions)
	}
	told := find[ThreadLocated](s.event(WorkerLocated{key, []Thread{{Name: "serving"}, {Name: "ticker"}}}))
	if len(told) != 2 || !told[0].Slow {
		t.Errorf("%+v", told)
	}
	if actions := s.fire(TimerLocate); len(actions) != 0 {
		t.Errorf("%+v", actions)
	}
	s.event(slow)
	if actions := s.fire(TimerLocate); len(find[WorkerNotLocated](actions)) != 1 || len(actions) != 1 {
		t.Errorf("%+v", actions)
	}
}

// TestSecondSlowRequestHasItsOwnTime: the timer of a first one, which has told where it was, says nothing of the second.
func TestSecondSlowRequestHasItsOwnTime(t *testing.T) {
	s := limited(t, 1, Limits{SlowLog: time.Second})
	key := s.serving(0)
	slow := overdue(key)
	slow.Slow = true
	first := find[SetTimer](s.event(slow))
	s.event(WorkerLocated{key, []Thread{{Name: "serving"}}})
	s.now += first[0].After - time.Millisecond
	second := find[SetTimer](s.event(slow))
	s.now += time.Millisecond
	if actions := s.event(TimerFired{first[0].Timer}); len(actions) != 0 {
		t.Errorf("after a millisecond: %+v", actions)
	}
	s.now += second[0].After
	if actions := s.event(TimerFired{second[0].Timer}); len(find[WorkerNotLocated](actions)) != 1 {
		t.Errorf("after its time: %+v", actions)
	}
}

// TestBacktracesOfAllWorkersAtOnce: a database does not respond. The log has where each of them is, but not all of it.
func TestBacktracesOfAllWorkersAtOnce(t *testing.T) {
	const slots = 100
	s := limited(t, slots, Limits{RequestTimeout: time.Minute})
	frames := make([]string, 120)
	lines, keys := 0, []ident.Key{}
	for slot := range slots {
		keys = append(keys, s.serving(slot))
	}
	for _, key := range keys {
		s.boot(s.event(overdue(key)))
		actions := s.event(WorkerLocated{key, []Thread{{Name: "serving", Frames: frames}, {Name: "ticker", Frames: frames[:10]}}})
		threads := find[ThreadLocated](actions)
		if len(threads) == 0 || len(threads[0].Thread.Frames) < traceLeast || len(threads[0].Thread.Frames)+threads[0].Thread.LeftOut != 120 {
			t.Fatalf("%v: %+v", key, threads)
		}
		if left := find[ThreadsLeftOut](actions); len(threads) == 1 && (len(left) != 1 || left[0].Threads != 1) {
			t.Fatalf("%v: nothing is told of the thread that is left out", key)
		}
		for _, thread := range threads {
			lines += 1 + len(thread.Thread.Frames)
		}
	}
	if most := traceBurst + slots*(traceLeast+1); lines > most || lines < traceBurst {
		t.Errorf("%d lines, want %d to %d", lines, traceBurst, most)
	}
	s.now += 10 * time.Minute
	key := s.serving(0)
	s.event(overdue(key))
	if threads := find[ThreadLocated](s.event(WorkerLocated{key, []Thread{{Frames: frames}}})); len(threads[0].Thread.Frames) != 120 {
		t.Error("later there is room again, and it is not used")
	}
}

// TestMemoryLimit ends a worker in the middle of a request as soon as it has said where it is, or could not.
func TestMemoryLimit(t *testing.T) {
	s := limited(t, 2, Limits{Memory: 100 * mB})
	for _, located := range []bool{true, false} {
		key := s.serving(0)
		if actions := s.event(WorkersMeasured{[]Measurement{{Key: key, Own: 100 * mB, Busy: true}}}); len(actions) != 0 {
			t.Fatalf("at the limit: %+v", actions)
		}
		actions := s.event(WorkersMeasured{[]Measurement{{Key: key, Own: 101 * mB, Busy: true, Request: "GET /grow"}}})
		exceeded := find[MemoryExceeded](actions)
		if len(exceeded) != 1 || exceeded[0].Request != "GET /grow" || len(find[LocateWorker](actions)) != 1 || len(find[SpawnWorker](actions)) != 1 {
			t.Fatalf("%+v", actions)
		}
		s.boot(actions)
		if located {
			actions = s.event(WorkerLocated{key, []Thread{{Name: "serving"}}})
		} else {
			actions = s.fire(TimerLimit)
		}
		if !killed(actions, key) {
			t.Errorf("%+v", actions)
		}
		actions = s.event(WorkerExited{Key: key, Exit: ident.ExitStatus{Signal: 9}, Request: "GET /grow"})
		if died := find[WorkerDied](actions); len(died) != 1 || died[0].Reason != ReasonMemoryLimit || s.core.slots[0].deaths != 0 {
			t.Errorf("%+v", actions)
		}
	}
}

// TestMemoryLimitOfAnIdleWorker lets it leave in order. One that has served nothing has too much by itself: that must not keep the machine
// forking.
func TestMemoryLimitOfAnIdleWorker(t *testing.T) {
	s := limited(t, 1, Limits{Memory: 100 * mB})
	for n := range 3 {
		key := s.serving(0)
		actions := s.event(WorkersMeasured{[]Measurement{{Key: key, Own: 101 * mB}}})
		if drained := find[DrainWorker](actions); len(drained) != 1 || len(find[LocateWorker](actions)) != 0 {
			t.Fatalf("%+v", actions)
		}
		s.boot(actions)
		s.fire(TimerLimit)
		s.boot(s.event(WorkerExited{Key: key, Exit: ident.ExitStatus{Signal: 9}}))
		if s.core.slots[0].deaths != n+1 {
			t.Fatalf("%d early deaths after %d", s.core.slots[0].deaths, n+1)
		}
	}
}

// TestMaxAge replaces workers that started together one after the other, each beside its successor.
func TestMaxAge(t *testing.T) {
	s := limited(t, 3, Limits{MaxAge: 16 * time.Minute})
	if timers := find[SetTimer](s.acts); !slices.ContainsFunc(timers, func(a SetTimer) bool {
		return a.Timer.Kind == TimerAge && a.After == 15*time.Minute
	}) {
		t.Fatal("its age has no timer, or always the same one")
	}
	for slot := range 3 {
		old := s.core.slots[slot].workers[0].key
		var actions []Action
		if slot == 0 {
			actions = s.fire(TimerAge)
		} else {
			actions = s.newest
		}
		next := s.successor(actions, slot)
		if drained := find[DrainWorker](s.ready(next)); len(drained) != 1 || drained[0].Key != old {
			t.Fatalf("%+v", drained)
		}
		s.leaves(old)
	}
	if left := find[WorkerLeft](s.acts); len(left) != 3 || left[0].Reason != ReasonTooOld {
		t.Errorf("%+v", left)
	}
}

// TestRecycle replaces the worker for which the application asks, once, and nobody else.
func TestRecycle(t *testing.T) {
	for name, s := range map[string]*script{"forked": limited(t, 2, Limits{}), "direct": runningDirect(t, 2)} {
		t.Run(name, func(t *testing.T) {
			old := s.serving(1)
			actions := s.event(WorkerRecycles{old, "it has grown"})
			if asked := find[RecycleAsked](actions); len(asked) != 1 || asked[0].Why != "it has grown" {
				t.Fatalf("%+v", actions)
			}
			next := s.successor(actions, 1)
			if again := s.event(WorkerRecycles{old, "it has grown"}); len(again) != 0 {
				t.Errorf("%+v", again)
			}
			if name == "direct" {
				actions = s.serves(next)
			} else {
				actions = s.ready(next)
			}
			if drained := find[DrainWorker](actions); len(drained) != 1 || drained[0].Key != old {
				t.Fatalf("%+v", actions)
			}
			actions = s.leaves(old)
			if left := find[WorkerLeft](actions); len(left) != 1 || left[0].Reason != ReasonRecycled || len(find[SpawnWorker](actions)) != 0 {
				t.Errorf("%+v", actions)
			}
		})
	}
}

// TestLimitsWithDirectSpawning: it is killed and loaded anew, and nothing of memory or requests alone replaces anybody.
func TestLimitsWithDirectSpawning(t *testing.T) {
	s := runningDirect(t, 2)
	s.core.policy.Renewal = Renewal{Budget: Budget{Bytes: 20 * mB}, MaxRequests: 5}
	s.core.recycling = true
	if actions := s.measured(0, 500, 1000); len(actions) != 0 {
		t.Errorf("%+v", actions)
	}
	key := s.serving(0)
	actions := s.event(overdue(key))
	if spawned := find[SpawnWorker](actions); len(spawned) != 1 || spawned[0].Key.Slot != 0 {
		t.Errorf("%+v", actions)
	}
	if !killed(s.fire(TimerLimit), key) {
		t.Error("it was not killed")
	}
}

// TestAReleaseThatHangs: requests that take too long are failures of the release, as those are that end their worker.
func TestAReleaseThatHangs(t *testing.T) {
	s := limited(t, 2, Limits{RequestTimeout: time.Minute})
	s.event(RestartAsked{"HUP"})
	for _, spawn := range find[SpawnWorker](s.load(2)) {
		s.ready(spawn.Key)
	}
	key := s.serving(0)
	s.event(overdue(key))
	s.fire(TimerLimit)
	s.event(WorkerExited{Key: key, Exit: ident.ExitStatus{Signal: 9}, Request: "GET /slow"})
	if trial := s.core.trialOf(2); key.Generation != 2 || trial == nil || trial.deaths != 1 {
		t.Errorf("%v: %+v", key, trial)
	}
}
