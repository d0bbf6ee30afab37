package core

import (
	"testing"
	"time"

	"launcher/preforker/ident"
)

// onDemand is a script of so many slots, of which some have a worker at all times.
func onDemand(t *testing.T, slots, filled int) *script {
	t.Helper()
	s := newScript(t, 1)
	policy := s.core.policy
	policy.Min, policy.IdleTimeout = filled, 10*time.Second
	s.core = New(slots, policy, func() float64 { return 0 })
	if awaited := find[AwaitConnection](s.event(Started{})); len(awaited) != slots-filled {
		t.Fatalf("%+v", awaited)
	}
	s.boot(s.load(1))
	return s
}

func (s *script) state(slot int) SlotState { return s.core.View(s.now).Slots[slot].State }

// TestParkedSlotsHaveNoWorker until a connection waits, and all that is announced holds without them.
func TestParkedSlotsHaveNoWorker(t *testing.T) {
	s := onDemand(t, 3, 1)
	if len(find[SpawnWorker](s.acts)) != 1 || len(find[Announce](s.acts)) != 1 || s.state(1) != ParkedSlot {
		t.Fatalf("%+v", s.acts)
	}
	spawned := find[SpawnWorker](s.event(ConnectionWaits{2}))
	if len(spawned) != 1 || spawned[0].Key.Slot != 2 || s.state(1) != ParkedSlot {
		t.Fatalf("%+v", spawned)
	}
	for _, slot := range []int{2, 0, 3, -1} { // it is told already, is no parked slot, or none
		if actions := s.event(ConnectionWaits{slot}); len(actions) > 0 {
			t.Errorf("%d: %+v", slot, actions)
		}
	}
}

// TestIdleWorkersLeave one after the other, those of the last slots first, and none of the slots that are to be filled.
func TestIdleWorkersLeave(t *testing.T) {
	s := onDemand(t, 4, 1)
	for slot := 1; slot < 4; slot++ {
		s.boot(s.event(ConnectionWaits{slot}))
	}
	s.now += 4 * time.Second
	s.event(WorkersMeasured{Workers: []Measurement{{Key: s.serving(3), Busy: true}, {Key: s.serving(2), Served: 4}}})
	gone := func(slot int) {
		t.Helper()
		drained := find[DrainWorker](s.newest)
		if len(drained) != 1 || drained[0].Key.Slot != slot || drained[0].Backlog || len(find[AwaitConnection](s.newest)) != 1 || s.state(slot) != ParkedSlot {
			t.Fatalf("%v: %+v", s.now, s.newest)
		}
		s.event(WorkerExited{Key: drained[0].Key, Served: 4})
	}
	s.fire(TimerIdle)
	gone(2) // both are idle for long enough
	s.fire(TimerIdle)
	gone(1)
	if s.now < 14*time.Second {
		t.Errorf("after %v", s.now)
	}
	s.event(WorkersMeasured{Workers: []Measurement{{Key: s.serving(3), Served: 1}}})
	s.fire(TimerIdle)
	gone(3)
	if s.kinds["core.SpawnWorker"] != 4 || s.state(0) != OccupiedSlot {
		t.Errorf("%v", s.kinds)
	}
}

// TestConnectionWhileAnIdleWorkerLeaves gets a worker of its own, though the older one is still there.
func TestConnectionWhileAnIdleWorkerLeaves(t *testing.T) {
	s := onDemand(t, 2, 1)
	s.boot(s.event(ConnectionWaits{1}))
	s.fire(TimerIdle)
	if spawned := find[SpawnWorker](s.event(ConnectionWaits{1})); len(spawned) != 1 || spawned[0].Key.Slot != 1 {
		t.Errorf("%+v", s.newest)
	}
}

// TestParkedSlotDoesNotSpin: where what is forked for it dies early it waits longer and longer, its connections are given to others,
// and it is filled again when one waits by then.
func TestParkedSlotDoesNotSpin(t *testing.T) {
	s := onDemand(t, 2, 1)
	var last time.Duration
	for deaths := range 8 {
		spawned := find[SpawnWorker](s.event(ConnectionWaits{1}))
		if len(spawned) != 1 {
			t.Fatalf("death %d: %+v", deaths, s.newest)
		}
		s.event(WorkerSpawned{spawned[0].Key, 500 + deaths})
		if s.dies(spawned[0].Key, 0); s.state(1) == ParkedSlot {
			continue // the first one is taken for an accident
		}
		if spawned := find[SpawnWorker](s.event(ConnectionWaits{1})); len(spawned) > 0 {
			t.Fatalf("death %d: %+v", deaths, s.newest)
		}
		before := s.now
		actions := s.fire(TimerSlot)
		if wait := s.now - before; wait <= last || len(find[AwaitConnection](actions)) != 1 || len(find[SpawnWorker](actions)) > 0 {
			t.Fatalf("death %d: after %v: %+v", deaths, wait, actions)
		}
		last = s.now - before
	}
	if s.kinds["core.CloseSlot"] == 0 {
		t.Error("its connections wait for ever")
	}
}

// TestParkedSlotWhoseSocketIsLost is parked again with another one; where that cannot be bound it is tried again.
func TestParkedSlotWhoseSocketIsLost(t *testing.T) {
	s := onDemand(t, 2, 1)
	if actions := s.event(SocketsLost{[]int{1}}); len(find[RebindSlot](actions)) != 1 || len(find[AwaitConnection](actions)) != 1 {
		t.Fatalf("%+v", actions)
	}
	s.event(SlotNotBound{Slot: 1, Error: "no room"})
	if actions := s.fire(TimerSlot); len(find[OpenSlot](actions)) != 1 || len(find[AwaitConnection](actions)) != 1 {
		t.Errorf("%+v", actions)
	}
}

// TestRollLeavesParkedSlots alone: their next workers are of the newest generation anyway.
func TestRollLeavesParkedSlots(t *testing.T) {
	s := onDemand(t, 3, 1)
	s.event(RestartAsked{"HUP"})
	s.boot(s.load(2))
	if retired := find[RetirePreloader](s.acts); len(retired) != 1 || retired[0].Origin != gen(1) {
		t.Fatalf("%+v", retired)
	}
	if spawned := find[SpawnWorker](s.event(ConnectionWaits{2})); len(spawned) != 1 || spawned[0].Key.Generation != 2 {
		t.Errorf("%+v", spawned)
	}
}

// TestReforkDoesNotWaitForParkedSlots.
func TestReforkDoesNotWaitForParkedSlots(t *testing.T) {
	s := newScript(t, 1)
	policy := s.core.policy
	policy.Min, policy.IdleTimeout, policy.Refork = 1, time.Minute, AutoRefork()
	s.core = New(4, policy, func() float64 { return 0 })
	s.event(Started{})
	s.boot(s.load(1))
	if asked := find[ReforkWorker](s.event(WorkersMeasured{Workers: []Measurement{{Key: s.serving(0), Served: 20}}})); len(asked) != 1 {
		t.Errorf("%+v", s.newest)
	}
}

// TestIdleWorkersStayWhereNobodyCanFork: they could not come back.
func TestIdleWorkersStayWhereNobodyCanFork(t *testing.T) {
	s := onDemand(t, 2, 1)
	s.boot(s.event(ConnectionWaits{1}))
	s.event(PreloaderExited{Origin: gen(1), Exit: ident.ExitStatus{Signal: 9}})
	if s.fire(TimerIdle); s.state(1) != OccupiedSlot {
		t.Fatalf("%+v", s.newest)
	}
	s.boot(s.load(2))
	if s.fire(TimerIdle); s.state(1) != ParkedSlot {
		t.Errorf("%+v", s.newest)
	}
}

// TestParkedSlotIsNoHope: where nobody serves, no slot is waited for that is only filled on demand.
func TestParkedSlotIsNoHope(t *testing.T) {
	s := onDemand(t, 2, 1)
	worker := find[SpawnWorker](s.event(ConnectionWaits{1}))[0].Key
	for range 2 { // slot 1 waits
		s.dies(worker, 0)
		if more := find[SpawnWorker](append(s.newest, s.event(ConnectionWaits{1})...)); len(more) > 0 {
			worker = more[0].Key
		}
	}
	if s.state(1) != WaitingSlot {
		t.Fatalf("%v", s.state(1))
	}
	for range 12 {
		if w := s.core.slots[0].serving(); w != nil {
			s.dies(w.key, 0)
		}
		if s.state(0) == WaitingSlot {
			if wait := s.core.slots[0].retryAt - s.now; wait > unservedBackoff.max {
				t.Fatalf("nobody serves for %v", wait)
			}
			s.core.slots[1].retryAt = s.now + time.Millisecond // it is over soon, each time
			s.fire(TimerSlot)
		}
	}
}

// TestParkedSlotWaitsForNoLeaver: an idle worker that has to be killed says nothing against the slot that it has left, so whoever
// connects there has a worker at once, however often that was so.
func TestParkedSlotWaitsForNoLeaver(t *testing.T) {
	s := onDemand(t, 2, 1)
	for range slotCrashes + 1 {
		spawned := find[SpawnWorker](s.event(ConnectionWaits{1}))
		if len(spawned) != 1 {
			t.Fatalf("%+v", s.newest)
		}
		key := spawned[0].Key
		s.ready(key)
		if s.fire(TimerIdle); s.state(1) != ParkedSlot {
			t.Fatalf("%+v", s.newest)
		}
		s.event(WorkerStuck{Key: key, Reason: ReasonNotLeaving})
		actions := s.dies(key, 0)
		if s.state(1) != ParkedSlot || len(find[SetTimer](actions)) > 0 || len(find[SlotFailed](actions)) > 0 || s.core.slots[1].crashes.failed {
			t.Fatalf("%+v", actions)
		}
	}
}

// TestNeededWorkersStay however idle they are: one that has the sockets of other slots, and one whose preloader has yet to show that
// others will come up.
func TestNeededWorkersStay(t *testing.T) {
	for name, need := range map[string]func(*script, bool){
		"lent":     func(s *script, needed bool) { s.core.slots[1].serving().lent = needed },
		"unproven": func(s *script, needed bool) { s.core.preloader(gen(1)).proven = !needed },
	} {
		s := onDemand(t, 2, 1)
		s.boot(s.event(ConnectionWaits{1}))
		need(s, true)
		s.now += time.Minute
		if s.event(TimerFired{Timer{Kind: TimerIdle}}); s.state(1) != OccupiedSlot {
			t.Errorf("%s: %v", name, s.state(1))
		}
		need(s, false)
		if s.event(TimerFired{Timer{Kind: TimerIdle}}); s.state(1) != ParkedSlot {
			t.Errorf("%s: %v, and nothing needs it", name, s.state(1))
		}
	}
}
