package core

import (
	"testing"

	"launcher/preforker/ident"
)

func TestDeadPreloaderIsReplacedAndSlotsRoll(t *testing.T) {
	s := running(t, 3)
	actions := s.event(PreloaderExited{Origin: gen(1), Exit: ident.ExitStatus{Signal: 9}})
	if n := len(find[StartPreloader](actions)); n != 1 {
		t.Fatalf("%d loads", n)
	}
	// While nobody can fork, a dead worker's slot keeps its socket: requests wait.
	if actions := s.dies(s.serving(0), 3); len(find[CloseSlot](actions))+len(find[SpawnWorker](actions)) != 0 {
		t.Errorf("%+v", actions)
	}
	s.boot(s.load(2))
	drained := find[DrainWorker](s.acts)
	if len(drained) != 2 {
		t.Errorf("%d drained, want the 2 of generation 1", len(drained))
	}
	for _, d := range drained {
		if d.Backlog {
			t.Error("a rolled worker was told to empty a queue that its successor serves")
		}
		s.event(WorkerExited{Key: d.Key})
	}
	for slot := range 3 {
		if key := s.serving(slot); key.Generation != 2 {
			t.Errorf("slot %d: %v", slot, key)
		}
	}
	if s.kinds["core.Announce"] != 2 {
		t.Errorf("announced %d times", s.kinds["core.Announce"])
	}
}

func TestPreloaderThatDiesWhileForkingLosesNoSlot(t *testing.T) {
	s := newScript(t, 3)
	s.load(1)
	actions := s.event(PreloaderExited{Origin: gen(1), Exit: ident.ExitStatus{Signal: 9}})
	if n := len(find[ForgetWorker](actions)); n != 3 {
		t.Errorf("%d forgotten, want 3", n)
	}
	s.boot(s.load(2))
	if n := s.core.count(ReadyWorker); n != 3 {
		t.Errorf("%d ready", n)
	}
}
