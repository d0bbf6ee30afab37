package core

import (
	"testing"

	"launcher/preforker/ident"
)

func TestStopDrainsThenKillsThenFinishes(t *testing.T) {
	s := running(t, 3)
	actions := s.event(StopAsked{By: "TERM"})
	drained := find[DrainWorker](actions)
	if len(drained) != 3 || len(find[HideSockets](actions)) != 1 || len(find[RetirePreloader](actions)) != 1 {
		t.Fatalf("%+v", actions)
	}
	for _, d := range drained {
		if !d.Backlog {
			t.Error("a worker leaves its queue behind")
		}
		if d.HandOver {
			t.Error("a worker hands its connections to nobody")
		}
	}
	s.event(WorkerExited{Key: drained[0].Key})
	s.event(PreloaderExited{Origin: gen(1)})
	if killed := find[KillWorker](s.event(StopAsked{"TERM", true})); len(killed) != 2 {
		t.Fatalf("%d killed, want 2", len(killed))
	}
	s.event(WorkerExited{Key: drained[1].Key})
	done := find[Finish](s.event(WorkerExited{Key: drained[2].Key}))
	if len(done) != 1 || done[0].Failure != nil {
		t.Errorf("%+v", done)
	}
}

// TestStopLeavesKeptQueues to the next launcher: whoever has connected waits for that one.
func TestStopLeavesKeptQueues(t *testing.T) {
	s := newScript(t, 1)
	policy := s.core.policy
	policy.KeepsSockets = true
	s.core = New(2, policy, func() float64 { return 0 })
	s.event(Started{})
	s.boot(s.load(1))
	s.event(FrontStopAsked{By: "TERM"})
	if closed := find[CloseSlot](s.event(WorkerExited{Key: s.serving(1)})); len(closed) != 0 {
		t.Errorf("a slot that nobody serves any more is closed: %+v", closed)
	}
	if drained := find[DrainWorker](s.event(FrontStopped{})); len(drained) != 1 || drained[0].Backlog {
		t.Errorf("%+v", drained)
	}
}

func TestDrainTimeoutKills(t *testing.T) {
	s := running(t, 2)
	s.event(StopAsked{By: "INT"})
	if killed := find[KillWorker](s.fire(TimerStop)); len(killed) != 2 {
		t.Errorf("%d killed, want 2", len(killed))
	}
}

func TestStopWhileLoading(t *testing.T) {
	s := newScript(t, 2)
	if sent := find[SignalPreloader](s.event(StopAsked{By: "INT"})); len(sent) != 1 || sent[0].Signal != 15 || !sent[0].Group {
		t.Fatalf("%+v", sent)
	}
	done := find[Finish](s.event(PreloaderExited{Origin: gen(1), Exit: ident.ExitStatus{Signal: 15}}))
	if len(done) != 1 || done[0].Failure != nil {
		t.Errorf("%+v", done)
	}
}

// TestStopFindsEveryState: what is on its way when the launcher stops leaves too.
func TestStopFindsEveryState(t *testing.T) {
	s := running(t, 2)
	s.event(RestartAsked{"HUP"})
	s.event(PreloaderHello{gen(2), Hello{}})
	old := s.serving(0)
	spawning := find[SpawnWorker](s.dies(old, 1))[0].Key
	actions := s.event(StopAsked{By: "TERM"})
	if n := len(find[DrainWorker](actions)); n != 2 {
		t.Errorf("%d drained, want the one that is there and the one that is spawning", n)
	}
	if retired, ended := find[RetirePreloader](actions), find[SignalPreloader](actions); len(retired) != 1 || retired[0].Origin != gen(1) ||
		len(ended) != 1 || ended[0].Origin != gen(2) || !ended[0].Group {
		t.Errorf("%+v, %+v", retired, ended)
	}
	s.event(PreloaderHello{gen(2), Hello{}}) // late words of the one that is told to go
	s.event(PreloaderLoaded{gen(2), Load{}})
	if actions := s.event(StopAsked{"TERM", true}); len(find[KillWorker](actions)) != 2 || len(find[SignalPreloader](actions)) != 2 {
		t.Errorf("%+v", actions)
	}
	// Its pid comes when it is to be killed already.
	if killed := find[KillWorker](s.event(WorkerSpawned{spawning, 9})); len(killed) != 1 {
		t.Errorf("%+v", killed)
	}
	s.dies(spawning, 0)
	s.dies(s.core.slots[1].workers[0].key, 0)
	s.event(PreloaderExited{Origin: gen(2), Exit: ident.ExitStatus{Signal: 9}})
	done := find[Finish](s.event(PreloaderExited{Origin: gen(1), Exit: ident.ExitStatus{Signal: 9}}))
	if len(done) != 1 || done[0].Failure != nil {
		t.Errorf("%+v", done)
	}
	for _, e := range []Event{StopAsked{"TERM", true}, TimerFired{Timer{Kind: TimerStop}}, RestartAsked{"HUP"}} {
		if actions := s.event(e); len(find[Fact](actions)) != len(actions) {
			t.Errorf("%T after the end led to %+v", e, actions)
		}
	}
}

// TestLateStopTimerKillsNobody: only a stop sets it, and only a stop may use it.
func TestLateStopTimerKillsNobody(t *testing.T) {
	s := running(t, 1)
	if actions := s.event(TimerFired{Timer{Kind: TimerStop}}); len(actions) != 0 {
		t.Errorf("%+v", actions)
	}
}
