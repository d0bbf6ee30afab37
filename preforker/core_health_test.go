package preforker

import (
	"slices"
	"syscall"
	"testing"

	"launcher/preforker/ident"
)

// killed says whether exactly this worker is killed.
func killed(actions []action, key ident.Key) bool {
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
	actions := s.event(workerExited{key: key, exit: ident.ExitStatus{Signal: 9}, served: 3, request: "GET /exec"})
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

func TestStuckWorkerIsReplaced(t *testing.T) {
	s := running(t, 2)
	key := s.serving(1)
	actions := s.event(workerStuck{key, ReasonServedNobody, 3})
	if !killed(actions, key) || lastAttr(actions, keyWaiting) != "3" {
		t.Fatalf("%+v", actions)
	}
	if actions := s.event(workerStuck{key, ReasonServedNobody, 3}); len(actions) != 0 {
		t.Errorf("the second time: %+v", actions)
	}
	actions = s.event(workerExited{key: key, exit: ident.ExitStatus{Signal: 9}, served: 3})
	if spawned := find[spawnWorker](actions); len(spawned) != 1 || lastAttr(actions, keyReason) != string(ReasonServedNobody) {
		t.Errorf("%+v", actions)
	}
}

// TestStuckWorkersBackOff: those that never serve anybody are early deaths of their slot.
func TestStuckWorkersBackOff(t *testing.T) {
	s := running(t, 1)
	for range 2 {
		key := s.serving(0)
		s.event(workerStuck{key, ReasonServedNobody, 1})
		s.boot(s.event(workerExited{key: key, exit: ident.ExitStatus{Signal: 9}}))
	}
	if s.core.slots[0].state != SlotBackoff || s.core.slots[0].deaths != 2 {
		t.Errorf("%v after %d deaths", s.core.slots[0].state, s.core.slots[0].deaths)
	}
}

func TestWorkerThatWasReplacedAndDoesNotLeave(t *testing.T) {
	s := running(t, 1)
	old := s.serving(0)
	if actions := s.event(workerStuck{old, ReasonNotLeaving, 0}); len(actions) != 0 {
		t.Fatalf("nobody asked it to: %+v", actions)
	}
	s.event(restartAsked{"HUP"})
	s.boot(s.load(2))
	if actions := s.event(workerStuck{old, ReasonServedNobody, 1}); len(actions) != 0 {
		t.Fatalf("it may leave a queue to its successor: %+v", actions)
	}
	if !killed(s.event(workerStuck{old, ReasonNotLeaving, 0}), old) {
		t.Error("it was not killed")
	}
	if actions := s.dies(old, 1); len(find[spawnWorker](actions)) != 0 {
		t.Errorf("after its death: %+v", actions)
	}
}

// TestStuckWorkerThatStops: whoever drains has a deadline.
func TestStuckWorkerThatStops(t *testing.T) {
	s := running(t, 1)
	key := s.serving(0)
	s.event(stopAsked{by: "TERM"})
	for _, reason := range []Reason{ReasonServedNobody, ReasonNotLeaving} {
		if actions := s.event(workerStuck{key, reason, 0}); len(actions) != 0 {
			t.Errorf("%s: %+v", reason, actions)
		}
	}
}

func TestStoppedProcessesAreContinued(t *testing.T) {
	s := running(t, 1)
	key := s.serving(0)
	actions := s.event(workerStopped{key, "GET /stop"})
	if resumed := find[continueWorker](actions); len(resumed) != 1 || resumed[0].key != key || lastAttr(actions, keyRequest) != "GET /stop" {
		t.Errorf("%+v", actions)
	}
	if sent := find[signalPreloader](s.event(preloaderStopped{gen(1)})); len(sent) != 1 || sent[0].signal != syscall.SIGCONT || sent[0].group {
		t.Errorf("%+v", sent)
	}
	s.event(workerStuck{key, ReasonServedNobody, 1})
	late := append(s.event(workerStopped{key, ""}), s.event(workerStopped{ident.Key{Slot: 0, Serial: 99}, ""})...)
	if late = append(late, s.event(preloaderStopped{gen(9)})...); len(late) != 0 {
		t.Errorf("of those who are gone: %+v", late)
	}
}

// TestWorkerThatForksForARefork is between two requests, for as long as that takes.
func TestWorkerThatForksForARefork(t *testing.T) {
	s := reforking(t, 2, 10)
	asked := s.served(1, 10)
	if len(asked) != 1 {
		t.Fatalf("asked: %+v", asked)
	}
	if actions := s.event(workerStuck{asked[0].key, ReasonServedNobody, 4}); len(actions) != 0 {
		t.Errorf("%+v", actions)
	}
}
