package core

import (
	"testing"

	"launcher/preforker/ident"
)

func TestStartsAllAndAnnouncesOnce(t *testing.T) {
	s := running(t, 20)
	if s.kinds["core.SpawnWorker"] != 20 || s.kinds["core.Announce"] != 1 {
		t.Errorf("%v", s.kinds)
	}
	for _, slot := range s.core.slots {
		if slot.state != OccupiedSlot || slot.serving().state != ReadyWorker {
			t.Errorf("slot %d: %v", slot.number, slot.state)
		}
	}
}

func TestSpawnsAreBounded(t *testing.T) {
	s := newScript(t, 20)
	if n := len(find[SpawnWorker](s.load(1))); n != spawnsAtOnce {
		t.Errorf("%d spawns at once, want %d", n, spawnsAtOnce)
	}
}

func TestRollIsOneSlotAtATimeAndSuccessorFirst(t *testing.T) {
	s := running(t, 3)
	s.event(RestartAsked{"HUP"})
	actions := s.load(2)
	for range 3 {
		spawned := find[SpawnWorker](actions)
		if len(spawned) != 1 || len(find[DrainWorker](actions)) > 1 {
			t.Fatalf("%+v", actions)
		}
		if n := s.core.count(ReadyWorker); n != 3 {
			t.Errorf("%d ready while a slot is rolled", n)
		}
		actions = s.ready(spawned[0].Key)
		if d := find[DrainWorker](actions); len(d) != 1 || d[0].Key.Slot != spawned[0].Key.Slot || d[0].Key.Generation != 1 {
			t.Fatalf("%+v", d)
		}
	}
	if r := find[RetirePreloader](actions); len(r) != 1 || r[0].Origin != gen(1) {
		t.Errorf("%+v", r)
	}
}

func TestSuccessorThatDiesLeavesTheOldWorkerServing(t *testing.T) {
	s := running(t, 1)
	old := s.serving(0)
	s.event(RestartAsked{"HUP"})
	actions := s.load(2)
	for range 6 {
		spawned := find[SpawnWorker](actions)
		if len(spawned) != 1 {
			t.Fatalf("%+v", actions)
		}
		actions = s.event(WorkerExited{Key: spawned[0].Key, Exit: ident.ExitStatus{Code: 1}})
		if _, w := s.core.worker(old); w == nil || w.state != ReadyWorker || !s.core.slots[0].open {
			t.Fatal("the old worker or its socket is gone")
		}
		if len(find[SpawnWorker](actions)) == 0 {
			actions = s.fire(TimerSlot)
		}
	}
}
