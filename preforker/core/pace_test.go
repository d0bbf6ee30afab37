package core

import (
	"testing"
	"time"

	"launcher/preforker/ident"
)

const tookInTest = 50 * time.Millisecond

// pacing has a refork that has taken one slot of so many, in some time, and whose worker has answered well now.
func pacing(t *testing.T, slots int, busy ...int) (s *script, origin ident.Origin, actions []Action) {
	t.Helper()
	s = reforking(t, slots, 10)
	origin = s.asked(0, 10)
	first := s.firstWorker(s.reforked(origin), origin)
	s.now += tookInTest
	s.ready(first)
	s.drained()
	for _, slot := range busy {
		s.busy(slot, true)
	}
	return s, origin, s.event(WorkerAnsweredFirst{first, 200, "GET /"})
}

func (s *script) busy(slot int, busy bool) []Action {
	return s.event(WorkersMeasured{[]Measurement{{Key: s.serving(slot), Served: 5, Busy: busy}}})
}

// passes lets some time pass, and something happen.
func (s *script) passes(wait time.Duration) []SpawnWorker {
	s.t.Helper()
	s.now += wait
	return find[SpawnWorker](s.event(WorkersMeasured{}))
}

// TestReforkRestsBetweenSlots for a multiple of what each replacement takes.
func TestReforkRestsBetweenSlots(t *testing.T) {
	s, origin, actions := pacing(t, 4)
	for slot := 1; slot < 4; slot++ {
		if spawned := find[SpawnWorker](actions); len(spawned) != 0 {
			t.Fatalf("at once: %+v", spawned)
		}
		want := ReforkView{Refork: 1, Left: 4 - slot, NextAt: s.now + paceTimes*tookInTest}
		if view := s.core.View(s.now).Generations[0].Refork; view == nil || *view != want {
			t.Fatalf("the view is %+v, want %+v", view, want)
		}
		if spawned := s.passes(paceTimes*tookInTest - 1); len(spawned) != 0 {
			t.Fatalf("a moment before its turn: %+v", spawned)
		}
		s.now++
		next := s.firstWorker(s.event(TimerFired{Timer{Kind: TimerPace}}), origin)
		s.now += tookInTest
		actions = append(s.ready(next), s.drained()...)
	}
	s.exits()
	s.all(origin)
	if view := s.core.View(s.now).Generations[0].Refork; view != nil {
		t.Errorf("afterwards: %+v", view)
	}
}

// TestReforkTakesWhoIsIdleFirst, and does not wait for ever for one.
func TestReforkTakesWhoIsIdleFirst(t *testing.T) {
	s, origin, _ := pacing(t, 4, 1, 3)
	s.now += paceTimes * tookInTest
	next := s.firstWorker(s.event(TimerFired{Timer{Kind: TimerPace}}), origin)
	if next.Slot != 2 {
		t.Fatalf("%v, and slot 2 was idle", next)
	}
	s.now += tookInTest
	s.ready(next)
	s.drained()
	if spawned := s.passes(paceTimes*tookInTest + idleWait - 1); len(spawned) != 0 {
		t.Fatalf("who has a request in hand: %+v", spawned)
	}
	if spawned := find[SpawnWorker](s.busy(3, false)); len(spawned) != 1 || spawned[0].Key.Slot != 3 {
		t.Fatalf("slot 3 became idle: %+v", spawned)
	}
	s.now += tookInTest
	s.ready(ident.Key{Slot: 3, Generation: 1, Refork: 1, Serial: s.core.serial})
	s.drained()
	if spawned := s.passes(paceTimes*tookInTest + idleWait); len(spawned) != 1 || spawned[0].Key.Slot != 1 {
		t.Fatalf("slot 1 is never idle: %+v", spawned)
	}
}

// TestReforkRestsForTheForkOfASpareToo: another one is forked in its place.
func TestReforkRestsForTheForkOfASpareToo(t *testing.T) {
	s, _, actions := pacing(t, 3)
	s.core.policy.Spare = SpareOne
	s.now++
	actions = append(actions, s.event(WorkersMeasured{})...)
	if len(find[SpawnSpare](actions)) != 1 {
		t.Fatalf("no spare: %+v", actions)
	}
	const forkTook, assignTook = 30 * time.Millisecond, time.Millisecond
	s.now += forkTook / 2
	spare := s.core.spare.worker.key
	s.event(WorkerSpawned{spare, 7})
	s.now += forkTook / 2
	s.event(WorkerReady{spare, 7})
	s.now += paceTimes * tookInTest
	given := s.assigned(s.event(TimerFired{Timer{Kind: TimerPace}}))
	s.now += assignTook
	s.event(WorkerReady{given.Key, 7})
	s.drained()
	s.prepared() // the next one, in no time
	s.now += paceTimes*(forkTook+assignTook) - 1
	if actions := s.event(TimerFired{Timer{Kind: TimerPace}}); len(find[AssignSpare](actions)) != 0 {
		t.Fatalf("too early: %+v", actions)
	}
	s.now++
	s.assigned(s.event(TimerFired{Timer{Kind: TimerPace}}))
}

// TestNewReleaseDoesNotRest where a refork does.
func TestNewReleaseDoesNotRest(t *testing.T) {
	s, _, _ := pacing(t, 3)
	s.event(RestartAsked{"HUP"})
	for actions := s.load(2); ; {
		spawned := find[SpawnWorker](actions)
		if len(spawned) == 0 {
			break
		}
		s.now += tookInTest
		actions = append(s.ready(spawned[0].Key), s.drained()...)
	}
	if slots := s.slotsOf(gen(2)); len(slots) != 3 {
		t.Errorf("slots %v serve it", slots)
	}
}

// TestWayBackFromARefork that was given up is not paced: its workers have failed.
func TestWayBackFromARefork(t *testing.T) {
	s := reforking(t, 3, 10)
	origin := s.asked(0, 10)
	first := s.firstWorker(s.reforked(origin), origin)
	s.now += tookInTest
	s.ready(first)
	s.drained()
	s.firstWorker(s.event(WorkerAnsweredFirst{first, 500, "GET /"}), gen(1))
}
