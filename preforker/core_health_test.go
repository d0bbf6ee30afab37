package preforker

import (
	"slices"
	"testing"

	"launcher/preforker/internal/wire"
	"launcher/preforker/sys"
)

// killed says whether exactly this worker is killed.
func killed(actions []action, key wire.Key) bool {
	kills := find[killWorker](actions)
	return len(kills) == 1 && kills[0].key == key
}

func TestWorkerThatHasReplacedItsProgramIsReplaced(t *testing.T) {
	s := running(t, 2)
	key := s.serving(1)
	if s.event(workerChannelClosed{key}); s.kinds["preforker.killWorker"] != 0 {
		t.Fatal("a worker that may be ending was not given the time to")
	}
	if !killed(s.fire(timerWorkerChannel), key) {
		t.Fatal("it was not killed")
	}
	actions := s.event(workerExited{key: key, exit: sys.ExitStatus{Signal: 9}, served: 3, request: "GET /exec"})
	if spawned := find[spawnWorker](actions); len(spawned) != 1 || spawned[0].key.Slot != 1 {
		t.Errorf("its slot has %+v", spawned)
	}
	if attr := lastAttr(actions, keyReason); attr != string(ReasonChannelClosed) {
		t.Errorf("reason %q", attr)
	}
	if attr := lastAttr(actions, keyRequest); attr != "GET /exec" {
		t.Errorf("request %q", attr)
	}
}

// lastAttr is an attribute of a line among the actions, the last that has it.
func lastAttr(actions []action, key string) (value string) {
	for _, line := range find[logged](actions) {
		for _, attr := range line.attrs {
			if attr.Key == key {
				value = attr.Value.String()
			}
		}
	}
	return value
}

// TestEndOfAWorkerClosesItsChannelFirst: that is no news where its death follows.
func TestEndOfAWorkerClosesItsChannelFirst(t *testing.T) {
	s := running(t, 1)
	key := s.serving(0)
	s.event(workerChannelClosed{key})
	s.boot(s.dies(key, 1))
	if actions := s.fire(timerWorkerChannel); len(actions) != 0 {
		t.Errorf("after its death: %+v", actions)
	}
	if slices.Contains(s.log, "worker has closed its channel but not ended, as with exec, and is killed") {
		t.Error("it was told as news")
	}
}

// TestLeavingWorkerThatHasReplacedItsProgram does not stay for as long as a request may last.
func TestLeavingWorkerThatHasReplacedItsProgram(t *testing.T) {
	s := running(t, 1)
	old := s.serving(0)
	s.event(restartAsked{"HUP"})
	s.boot(s.load(2))
	_, w := s.core.worker(old)
	if w == nil || w.state != WorkerDraining {
		t.Fatalf("the old worker: %+v", w)
	}
	s.event(workerChannelClosed{old})
	if !killed(s.fire(timerWorkerChannel), old) {
		t.Error("it was not killed")
	}
	if actions := s.dies(old, 1); len(find[spawnWorker](actions)) != 0 || s.serving(0).Generation != 2 {
		t.Errorf("its successor is not the only one: %+v", actions)
	}
}

// TestWorkerWithoutAPidIsWaitedFor: it has closed its channel before its preloader has told of it.
func TestWorkerWithoutAPidIsWaitedFor(t *testing.T) {
	s := newScript(t, 1)
	key := find[spawnWorker](s.load(1))[0].key
	s.event(workerChannelClosed{key})
	if actions := s.fire(timerWorkerChannel); len(find[killWorker](actions)) != 0 {
		t.Fatalf("%+v", actions)
	}
	s.event(workerSpawned{key, 7})
	if !killed(s.fire(timerWorkerChannel), key) {
		t.Error("it was not killed")
	}
}
