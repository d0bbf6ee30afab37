package core

import (
	"slices"
	"testing"
	"time"

	"launcher/preforker/ident"
)

func TestReadyMayOvertakeSpawned(t *testing.T) {
	s := newScript(t, 1)
	key := find[SpawnWorker](s.load(1))[0].Key
	s.event(WorkerReady{key, 77})
	s.event(WorkerSpawned{key, 77})
	if w := s.core.slots[0].serving(); w.state != ReadyWorker || w.pid != 77 {
		t.Errorf("%+v", w)
	}
}

func TestCrashedWorkerIsReplacedAtOnce(t *testing.T) {
	s := running(t, 3)
	for i := range 50 { // each has served: no life is young, no slot ever waits
		spawned := find[SpawnWorker](s.dies(s.serving(1), uint64(i+1)))
		if len(spawned) != 1 || spawned[0].Key.Slot != 1 {
			t.Fatalf("death %d: %+v", i, spawned)
		}
		s.ready(spawned[0].Key)
	}
	if s.kinds["core.CloseSlot"] != 0 {
		t.Error("a slot was closed")
	}
}

func TestLateEventsFindNobody(t *testing.T) {
	s := running(t, 1)
	dead := s.serving(0)
	s.boot(s.dies(dead, 1))
	before := s.serving(0)
	for _, e := range []Event{WorkerReady{dead, 5}, WorkerSpawned{dead, 5}, WorkerExited{Key: dead},
		TimerFired{Timer{TimerWorkerBoot, dead}}, TimerFired{Timer{TimerWorkerDrain, dead}},
		PreloaderLoaded{gen(9), Load{}}, PreloaderExited{Origin: gen(9)},
		WorkerReady{ident.Key{Slot: 99, Generation: 1, Serial: 1}, 5}} {
		if actions := s.event(e); len(actions) != 0 {
			t.Errorf("%T led to %+v", e, actions)
		}
	}
	if s.serving(0) != before {
		t.Error("the successor is gone")
	}
}

func TestWorkerThatDoesNotBootIsKilled(t *testing.T) {
	s := newScript(t, 1)
	key := find[SpawnWorker](s.load(1))[0].Key
	if sent := find[SignalPreloader](s.fire(TimerWorkerBoot)); len(sent) != 1 || sent[0].Signal != 9 {
		t.Errorf("no pid after the boot timeout: %+v, want the preloader killed", sent)
	}
	s.event(WorkerSpawned{key, 5})
	if killed := find[KillWorker](s.event(TimerFired{Timer{TimerWorkerBoot, key}})); len(killed) != 1 {
		t.Errorf("%+v", killed)
	}
}

func TestSpawnThatFailsWaits(t *testing.T) {
	s := newScript(t, 1)
	actions := s.load(1)
	for range 3 {
		spawned := find[SpawnWorker](actions)
		if len(spawned) != 1 {
			t.Fatalf("%+v", actions)
		}
		actions = s.event(WorkerSpawnFailed{spawned[0].Key, Failure{Class: "Errno::EAGAIN"}})
		if len(find[SpawnWorker](actions)) == 0 {
			actions = s.fire(TimerSlot)
		}
	}
	if s.core.slots[0].deaths != 3 {
		t.Errorf("%d deaths", s.core.slots[0].deaths)
	}
}

func TestWorkerDeathIsToldInFull(t *testing.T) {
	s := running(t, 1)
	first := s.serving(0)
	s.event(WorkerExited{Key: first, Exit: ident.ExitStatus{Signal: 9}, Served: 4, Request: "GET /crash"})
	key := find[SpawnWorker](s.acts)[1].Key
	s.event(WorkerSpawned{key, 7})
	failed := &Failed{Failure: Failure{Class: "KeyError", Message: "no key", AppFrames: []string{"config/launcher.rb:2"}}}
	s.event(WorkerExited{Key: key, Exit: ident.ExitStatus{Code: 1}, Failed: failed})
	want := []WorkerDied{
		{Worker: WorkerName{first, 1001}, Reason: ReasonCrashed, Exit: ident.ExitStatus{Signal: 9}, Served: 4, Request: "GET /crash"},
		{Worker: WorkerName{key, 7}, Reason: ReasonBootFailed, Exit: ident.ExitStatus{Code: 1}, Failed: failed},
	}
	if died := find[WorkerDied](s.acts); !slices.Equal(died, want) {
		t.Errorf("%+v, want %+v", died, want)
	}
}

// TestBootTimeoutOfAWorkerIsADeath: its slot counts it, though the launcher killed it.
func TestBootTimeoutOfAWorkerIsADeath(t *testing.T) {
	s := newScript(t, 1)
	key := find[SpawnWorker](s.load(1))[0].Key
	s.event(WorkerSpawned{key, 5})
	for range 2 { // the second finds it killed already
		s.event(TimerFired{Timer{TimerWorkerBoot, key}})
	}
	if n := s.kinds["core.KillWorker"]; n != 1 {
		t.Errorf("killed %d times", n)
	}
	s.event(WorkerReady{key, 5}) // too late
	if _, w := s.core.worker(key); w == nil || w.state != KillingWorker {
		t.Errorf("%+v", w)
	}
	s.dies(key, 0)
	if s.core.slots[0].deaths != 1 {
		t.Errorf("%d deaths", s.core.slots[0].deaths)
	}
}

// TestWorkerThatLeavesByItself: the slot has another at once, while exit handlers run; where they take too long it is killed.
func TestWorkerThatLeavesByItself(t *testing.T) {
	for _, late := range []bool{false, true} {
		s := running(t, 2)
		s.now += time.Minute
		key := s.serving(0)
		spawned := find[SpawnWorker](s.event(WorkerLeaving{key, 0}))
		if len(spawned) != 1 || spawned[0].Key.Slot != 0 {
			t.Fatalf("spawned %+v", spawned)
		}
		if again := s.event(WorkerLeaving{key, 0}); len(find[SpawnWorker](again)) != 0 {
			t.Errorf("%+v", again)
		}
		s.ready(spawned[0].Key)
		exit := ident.ExitStatus{}
		if late {
			s.fire(TimerWorkerDrain)
			if s.kinds["core.KillWorker"] != 1 {
				t.Errorf("%v", s.kinds)
			}
			exit.Signal = 9
		}
		if more := find[SpawnWorker](s.event(WorkerExited{Key: key, Served: 0, Exit: exit})); len(more) != 0 {
			t.Errorf("spawned once more: %+v", more)
		}
		if s.core.slots[0].deaths != 0 {
			t.Errorf("%d deaths", s.core.slots[0].deaths)
		}
		want := map[bool]Reason{false: ReasonLeft, true: ReasonCrashed}[late]
		if lines := find[WorkerDied](s.acts); len(lines) != 1 || lines[0].Reason != want {
			t.Errorf("%+v", lines)
		}
	}
}

// TestNewWorkerThatLeavesByItself dies young: its slot waits as ever.
func TestNewWorkerThatLeavesByItself(t *testing.T) {
	s := running(t, 1)
	for range 3 {
		key := s.serving(0)
		if spawned := find[SpawnWorker](s.event(WorkerLeaving{key, 0})); len(spawned) != 0 {
			t.Errorf("spawned %+v", spawned)
		}
		actions := s.event(WorkerExited{Key: key})
		if len(find[SpawnWorker](actions)) == 0 {
			break
		}
		s.boot(actions)
	}
	if s.core.slots[0].deaths < 2 {
		t.Errorf("%d deaths", s.core.slots[0].deaths)
	}
}
