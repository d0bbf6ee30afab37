package core

import (
	"slices"
	"testing"

	"launcher/preforker/ident"
)

// killed says whether exactly this worker is killed.
func killed(actions []Action, key ident.Key) bool {
	kills := find[KillWorker](actions)
	return len(kills) == 1 && kills[0].Key == key
}

func TestWorkerThatHasReplacedItsProgramIsReplaced(t *testing.T) {
	s := running(t, 2)
	key := s.serving(1)
	if s.event(WorkerChannelClosed{key}); s.kinds["core.KillWorker"] != 0 {
		t.Fatal("a worker that may be ending was not given the time to")
	}
	if !killed(s.fire(TimerWorkerChannel), key) {
		t.Fatal("it was not killed")
	}
	actions := s.event(WorkerExited{Key: key, Exit: ident.ExitStatus{Signal: 9}, Served: 3, Request: "GET /exec"})
	if spawned := find[SpawnWorker](actions); len(spawned) != 1 || spawned[0].Key.Slot != 1 {
		t.Errorf("its slot has %+v", spawned)
	}
	if died := find[WorkerDied](actions); len(died) != 1 || died[0].Reason != ReasonChannelClosed || died[0].Request != "GET /exec" {
		t.Errorf("%+v", died)
	}
}

// TestEndOfAWorkerClosesItsChannelFirst: that is no news where its death follows.
func TestEndOfAWorkerClosesItsChannelFirst(t *testing.T) {
	s := running(t, 1)
	key := s.serving(0)
	s.event(WorkerChannelClosed{key})
	s.boot(s.dies(key, 1))
	if actions := s.fire(TimerWorkerChannel); len(actions) != 0 {
		t.Errorf("after its death: %+v", actions)
	}
	if slices.Contains(s.facts, "WorkerUnreachable") {
		t.Error("it was told as news")
	}
}

// TestLeavingWorkerThatHasReplacedItsProgram does not stay for as long as a request may last.
func TestLeavingWorkerThatHasReplacedItsProgram(t *testing.T) {
	s := running(t, 1)
	old := s.serving(0)
	s.event(RestartAsked{"HUP"})
	s.boot(s.load(2))
	_, w := s.core.worker(old)
	if w == nil || w.state != DrainingWorker {
		t.Fatalf("the old worker: %+v", w)
	}
	s.event(WorkerChannelClosed{old})
	if !killed(s.fire(TimerWorkerChannel), old) {
		t.Error("it was not killed")
	}
	if actions := s.dies(old, 1); len(find[SpawnWorker](actions)) != 0 || s.serving(0).Generation != 2 {
		t.Errorf("its successor is not the only one: %+v", actions)
	}
}

// TestWorkerWithoutAPidIsWaitedFor: it has closed its channel before its preloader has told of it.
func TestWorkerWithoutAPidIsWaitedFor(t *testing.T) {
	s := newScript(t, 1)
	key := find[SpawnWorker](s.load(1))[0].Key
	s.event(WorkerChannelClosed{key})
	if actions := s.fire(TimerWorkerChannel); len(find[KillWorker](actions)) != 0 {
		t.Fatalf("%+v", actions)
	}
	s.event(WorkerSpawned{key, 7})
	if !killed(s.fire(TimerWorkerChannel), key) {
		t.Error("it was not killed")
	}
}

func TestStuckWorkerIsReplaced(t *testing.T) {
	s := running(t, 2)
	key := s.serving(1)
	actions := s.event(WorkerStuck{key, ReasonServedNobody, 3})
	if told := find[WorkerServesNobody](actions); !killed(actions, key) || len(told) != 1 || told[0].Waiting != 3 {
		t.Fatalf("%+v", actions)
	}
	if actions := s.event(WorkerStuck{key, ReasonServedNobody, 3}); len(actions) != 0 {
		t.Errorf("the second time: %+v", actions)
	}
	actions = s.event(WorkerExited{Key: key, Exit: ident.ExitStatus{Signal: 9}, Served: 3})
	if died := find[WorkerDied](actions); len(find[SpawnWorker](actions)) != 1 || len(died) != 1 || died[0].Reason != ReasonServedNobody {
		t.Errorf("%+v", actions)
	}
}

// TestStuckWorkersBackOff: those that never serve anybody are early deaths of their slot.
func TestStuckWorkersBackOff(t *testing.T) {
	s := running(t, 1)
	for range 2 {
		key := s.serving(0)
		s.event(WorkerStuck{key, ReasonServedNobody, 1})
		s.boot(s.event(WorkerExited{Key: key, Exit: ident.ExitStatus{Signal: 9}}))
	}
	if s.core.slots[0].state != WaitingSlot || s.core.slots[0].deaths != 2 {
		t.Errorf("%v after %d deaths", s.core.slots[0].state, s.core.slots[0].deaths)
	}
}

func TestWorkerThatWasReplacedAndDoesNotLeave(t *testing.T) {
	s := running(t, 1)
	old := s.serving(0)
	if actions := s.event(WorkerStuck{old, ReasonNotLeaving, 0}); len(actions) != 0 {
		t.Fatalf("nobody asked it to: %+v", actions)
	}
	s.event(RestartAsked{"HUP"})
	s.boot(s.load(2))
	if actions := s.event(WorkerStuck{old, ReasonServedNobody, 1}); len(actions) != 0 {
		t.Fatalf("it may leave a queue to its successor: %+v", actions)
	}
	if !killed(s.event(WorkerStuck{old, ReasonNotLeaving, 0}), old) {
		t.Error("it was not killed")
	}
	if actions := s.dies(old, 1); len(find[SpawnWorker](actions)) != 0 {
		t.Errorf("after its death: %+v", actions)
	}
}

// TestStuckWorkerThatStops: whoever drains has a deadline.
func TestStuckWorkerThatStops(t *testing.T) {
	s := running(t, 1)
	key := s.serving(0)
	s.event(StopAsked{By: "TERM"})
	for _, reason := range []Reason{ReasonServedNobody, ReasonNotLeaving} {
		if actions := s.event(WorkerStuck{key, reason, 0}); len(actions) != 0 {
			t.Errorf("%s: %+v", reason, actions)
		}
	}
}

func TestStoppedProcessesAreContinued(t *testing.T) {
	s := running(t, 1)
	key := s.serving(0)
	actions := s.event(WorkerStopped{key, "GET /stop"})
	told := find[WorkerContinued](actions)
	if resumed := find[ContinueWorker](actions); len(resumed) != 1 || resumed[0].Key != key || len(told) != 1 || told[0].Request != "GET /stop" {
		t.Errorf("%+v", actions)
	}
	if sent := find[SignalPreloader](s.event(PreloaderStopped{gen(1)})); len(sent) != 1 || sent[0].Signal != ident.SIGCONT || sent[0].Group {
		t.Errorf("%+v", sent)
	}
	s.event(WorkerStuck{key, ReasonServedNobody, 1})
	late := append(s.event(WorkerStopped{key, ""}), s.event(WorkerStopped{ident.Key{Slot: 0, Serial: 99}, ""})...)
	if late = append(late, s.event(PreloaderStopped{gen(9)})...); len(late) != 0 {
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
	if actions := s.event(WorkerStuck{asked[0].Key, ReasonServedNobody, 4}); len(actions) != 0 {
		t.Errorf("%+v", actions)
	}
}

// TestAYoungWorkerThatLeavesHasTheDrainTimeout: its slot waits for its end, which its exit handlers may put off for ever.
func TestAYoungWorkerThatLeavesHasTheDrainTimeout(t *testing.T) {
	for name, meanwhile := range map[string]func(s *script){
		"it is all that the slot has": func(*script) {},
		"its socket is lost":          func(s *script) { s.event(SocketsLost{[]int{0}}) },
	} {
		t.Run(name, func(t *testing.T) {
			s := running(t, 1)
			key := s.serving(0)
			if actions := s.event(WorkerLeaving{key, 0}); len(find[SpawnWorker](actions)) != 0 {
				t.Errorf("%+v, want to wait for its end", actions)
			}
			meanwhile(s)
			if killed := find[KillWorker](s.fire(TimerWorkerDrain)); len(killed) != 1 || killed[0].Key != key {
				t.Errorf("%+v", killed)
			}
		})
	}
}

// TestAWorkerThatIsForkedAfterItsBootTimeoutHasAnother: its preloader was killed for it, and had it forked all the same.
func TestAWorkerThatIsForkedAfterItsBootTimeoutHasAnother(t *testing.T) {
	s := newScript(t, 1)
	key := find[SpawnWorker](s.load(1))[0].Key
	s.fire(TimerWorkerBoot)
	s.event(WorkerSpawned{key, 77})
	s.event(PreloaderExited{Origin: gen(1), Exit: ident.ExitStatus{Signal: 9}})
	if killed := find[KillWorker](s.fire(TimerWorkerBoot)); len(killed) != 1 || killed[0].Key != key {
		t.Errorf("killed %+v, want %v", killed, key)
	}
	set := 0
	for _, a := range s.acts {
		if timer, is := a.(SetTimer); is && timer.Timer == (Timer{TimerWorkerBoot, key}) {
			set++
		}
	}
	if set != 2 {
		t.Errorf("%d timers were set, want 2", set)
	}
}
