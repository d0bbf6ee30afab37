package core

import (
	"testing"
	"time"

	"launcher/preforker/ident"
)

// TestDirectWorkerOfAGenerationThatIsGivenUpServesNobody: it has loaded just after another one was asked where it is.
func TestDirectWorkerOfAGenerationThatIsGivenUpServesNobody(t *testing.T) {
	s := newDirect(t, 2, 2)
	for _, key := range s.spawned() {
		s.loads(key)
		s.fails(key) // in a hook: the first death costs no wait
	}
	for _, key := range s.spawned()[2:] {
		s.loads(key)
		s.fails(key)
	}
	s.event(RestartAsked{"HUP"})
	for _, slot := range s.core.slots {
		s.event(TimerFired{Timer{TimerSlot, ident.Key{Slot: slot.number, Serial: slot.waits}}})
	}
	keys := s.spawned()[4:]
	if len(keys) != 2 || keys[0].Generation != 2 || keys[1].Generation != 2 {
		t.Fatalf("%v", keys)
	}
	s.hello(keys[0])
	s.hello(keys[1])
	s.event(TimerFired{Timer{TimerWorkerBoot, keys[0]}})
	if drained := find[DrainWorker](s.event(WorkerLoaded{keys[1], Load{}})); len(drained) != 1 || drained[0].Key != keys[1] {
		t.Errorf("drained %+v, want %v", drained, keys[1])
	}
	// It may be gone before the one that took too long, and is not why the generation has failed.
	if failed := find[LoadFailed](s.event(WorkerExited{Key: keys[1]})); len(failed) != 1 || failed[0].Failure.Reason != ReasonBootTimeout {
		t.Errorf("told %+v, want the boot timeout", failed)
	}
}

// TestDirectWorkerThatWasNeverStartedEndsWithItsGeneration: its socket could not be bound, and another worker's load had
// ended the generation just before.
func TestDirectWorkerThatWasNeverStartedEndsWithItsGeneration(t *testing.T) {
	s := newDirect(t, 2, 2)
	s.serveAll(s.acts)
	s.core.slots[1].deaths = 10 // so that it waits, with its socket closed
	s.dies(s.serving(1), 0)
	loading := find[SpawnWorker](s.event(RestartAsked{"HUP"}))
	phantom := find[SpawnWorker](s.fire(TimerSlot))
	if len(loading) != 1 || len(phantom) != 1 || phantom[0].Key.Slot != 1 || phantom[0].Key.Generation != 2 {
		t.Fatalf("%+v, %+v", loading, phantom)
	}
	s.event(WorkerSpawnFailed{Key: loading[0].Key})
	if forgotten := find[ForgetWorker](s.event(SlotNotBound{Slot: 1, Error: "address in use"})); len(forgotten) != 1 || forgotten[0].Key != phantom[0].Key {
		t.Errorf("%+v", forgotten)
	}
	s.serveAll(s.fire(TimerSlot))
	if key := s.serving(1); key.Generation != 1 {
		t.Errorf("%v", key)
	}
}

// TestDirectWorkerThatClosesItsChannelIsKilled: also before it has said anything, as its pid is known from the start.
func TestDirectWorkerThatClosesItsChannelIsKilled(t *testing.T) {
	s := newDirect(t, 1, 1)
	key := s.newestKey()
	s.event(WorkerChannelClosed{key})
	if killed := find[KillWorker](s.fire(TimerWorkerChannel)); len(killed) != 1 || killed[0].Key != key {
		t.Fatalf("%+v", s.newest)
	}
	ends := find[Finish](s.event(WorkerExited{Key: key, Exit: ident.ExitStatus{Signal: 9}}))
	if len(ends) != 1 || ends[0].Failure == nil || ends[0].Failure.Reason != ReasonChannelClosed || ends[0].Failure.Was != StartingPreloader {
		t.Errorf("%+v", ends)
	}
}

// TestDirectSlotsTakeTurns: two whose workers die in their first requests do not keep the others from loading.
func TestDirectSlotsTakeTurns(t *testing.T) {
	s := newDirect(t, 3, 1)
	s.core.slots[2].deaths = 30 // however often it was so there before
	for range 12 {
		key := s.newestKey()
		if key.Slot == 2 {
			return
		}
		s.serves(key)
		s.event(WorkerExited{Key: key, Request: "GET /crash", Exit: ident.ExitStatus{Signal: 11}})
		s.now += 2 * time.Second
		for _, slot := range s.core.slots {
			s.event(TimerFired{Timer{TimerSlot, ident.Key{Slot: slot.number, Serial: slot.waits}}})
		}
	}
	t.Errorf("slot 2 has no worker: %v", s.spawned())
}

// TestDirectStopTakesBackAWorkerThatWasNeverStarted: the first load has failed in the same moment in which another one's socket could
// not be bound.
func TestDirectStopTakesBackAWorkerThatWasNeverStarted(t *testing.T) {
	s := newDirect(t, 1, 1)
	key := s.newestKey()
	s.hello(key)
	s.event(SocketsLost{[]int{0}})
	s.event(SlotNotBound{Slot: 0, Error: "no space left"})
	s.event(TimerFired{Timer{TimerWorkerBoot, key}})
	s.event(RestartAsked{"HUP"})
	actions := s.event(WorkerExited{Key: key, Exit: ident.ExitStatus{Signal: 9}})
	if len(find[SpawnWorker](actions)) != 1 || len(find[Finish](actions)) != 0 {
		t.Fatalf("%+v", actions)
	}
	if ends := find[Finish](s.event(SlotNotBound{Slot: 0, Error: "no space left"})); len(ends) != 1 || ends[0].Failure == nil {
		t.Errorf("%+v", s.newest)
	}
}
