package core

import (
	"fmt"
	"slices"
	"testing"

	"launcher/preforker/ident"
)

// kill asks for the end of a slot's worker, and returns the actions with the one reply among them.
func (s *script) kill(slot int, now bool, inHand ...InHand) []Action {
	s.t.Helper()
	actions := s.event(KillAsked{By: "kill", Slot: slot, Now: now, InHand: inHand})
	if replies := len(find[KillBegan](actions)) + len(find[KillNoted](actions)) + len(find[KillRefused](actions)); replies != 1 {
		s.t.Errorf("%d replies: %+v", replies, actions)
	}
	return actions
}

// TestKillNamesTheRequestAndFillsTheSlot: the worker finishes its request, and the next one does not wait for that.
func TestKillNamesTheRequestAndFillsTheSlot(t *testing.T) {
	s := running(t, 2)
	key := s.serving(1)
	actions := s.kill(1, false, InHand{Key: key, Request: "GET /slow"})
	began, drained, spawned, next := find[KillBegan](actions), find[DrainWorker](actions), find[SpawnWorker](actions), find[KillFollowed](actions)
	if len(began) != 1 || began[0].Request != "GET /slow" || began[0].Worker.Key != key || began[0].Now {
		t.Fatalf("%+v", actions)
	}
	if len(drained) != 1 || drained[0].Key != key || drained[0].Backlog || !drained[0].HandOver || len(find[KillWorker](actions)) != 0 {
		t.Errorf("%+v", drained)
	}
	if len(spawned) != 1 || spawned[0].Key.Slot != 1 || len(next) != 1 || next[0].Next != NextComes || next[0].Worker.Key != spawned[0].Key {
		t.Errorf("%+v, %+v", spawned, next)
	}
	s.boot(actions)
	actions = s.dies(key, 3)
	left := find[WorkerLeft](actions)
	if len(left) != 1 || left[0].Reason != ReasonKilled || len(find[SpawnWorker](actions)) != 0 || s.core.View(s.now).Slots[1].Deaths != 0 {
		t.Errorf("%+v", actions)
	}
}

// TestKillTwice: the second one is for the worker that leaves, which goes on leaving, or is killed; its successor serves on.
func TestKillTwice(t *testing.T) {
	s := running(t, 1)
	key := s.serving(0)
	s.boot(s.kill(0, false))
	newer := s.serving(0)
	again := s.kill(0, false, InHand{Key: newer, Request: "GET /new"}, InHand{Key: key, Request: "GET /slow"})
	noted, next := find[KillNoted](again), find[KillFollowed](again)
	if len(noted) != 1 || noted[0].Worker.Key != key || noted[0].Request != "GET /slow" || noted[0].Reason != ReasonKilled || next[0].Next != NextServes ||
		next[0].Worker.Key != newer {
		t.Fatalf("%+v", again)
	}
	now := s.kill(0, true)
	if !killed(now, key) || len(find[KillWorker](now)) != 1 || len(find[SpawnWorker](now)) != 0 {
		t.Errorf("%+v", now)
	}
	if noted := find[KillNoted](s.kill(0, true)); len(noted) != 1 || !noted[0].Killed || noted[0].Worker.Key != key {
		t.Errorf("%+v", noted)
	}
	s.dies(key, 0)
	if s.serving(0) != newer {
		t.Error("its successor serves no more")
	}
	if began := find[KillBegan](s.kill(0, false)); len(began) != 1 || began[0].Worker.Key != newer {
		t.Errorf("%+v", began)
	}
}

// TestKillThatDoesNotEnd is bounded by the drain timeout, as every other.
func TestKillThatDoesNotEnd(t *testing.T) {
	s := running(t, 1)
	key := s.serving(0)
	s.boot(s.kill(0, false))
	if actions := s.fire(TimerWorkerDrain); !killed(actions, key) {
		t.Errorf("%+v", actions)
	}
}

// TestKillRefused says why, and does nothing.
func TestKillRefused(t *testing.T) {
	parked := onDemand(t, 2, 1)
	lent := seeded(t, 4)
	forked := newScript(t, 1)
	forked.load(1)
	booting := newScript(t, 1)
	booting.event(WorkerSpawned{find[SpawnWorker](booting.load(1))[0].Key, 77})
	loading := newScript(t, 1)
	stopping := running(t, 1)
	stopping.event(StopAsked{By: "TERM"})
	waiting, failed := running(t, 2), running(t, 2)
	for _, s := range []*script{waiting, failed} {
		for range 3 {
			s.diesEarly(1)
		}
	}
	for range slotCrashes {
		failed.diesEarly(1)
	}
	for _, test := range []struct {
		s    *script
		slot int
		want NoWorker
	}{{parked, 1, SlotIsParked}, {lent, 2, SlotIsLent}, {forked, 0, WorkerIsForked}, {booting, 0, WorkerComesUp}, {loading, 0, SlotIsVacant},
		{stopping, 0, EverybodyLeaves}, {waiting, 1, SlotIsWaiting}, {failed, 1, SlotIsFailed}, {running(t, 1), 1, NoSuchSlot}, {running(t, 1), -1, NoSuchSlot}} {
		actions := test.s.kill(test.slot, test.want == WorkerIsForked)
		if refused := find[KillRefused](actions); len(actions) != 1 || len(refused) != 1 || refused[0].Why != test.want || refused[0].Slots != len(test.s.core.slots) {
			t.Errorf("%q: %+v", test.want, actions)
		}
	}
	if actions := booting.kill(0, true); !killed(actions, find[KillBegan](actions)[0].Worker.Key) {
		t.Errorf("%+v", actions)
	}
}

// TestKillOfAWorkerThatIsNamed: another one that has taken its place is not meant, and neither is one that leaves beside it.
func TestKillOfAWorkerThatIsNamed(t *testing.T) {
	s := running(t, 1)
	meant := s.core.slots[0].serving()
	if refused := find[KillRefused](s.event(KillAsked{Slot: 0, Pid: meant.pid + 1, Now: true})); len(refused) != 1 || refused[0].Why != WorkerIsGone {
		t.Errorf("%+v", refused)
	}
	s.boot(s.kill(0, false)) // it leaves, and another one comes
	next := s.core.slots[0].serving()
	if began := find[KillBegan](s.event(KillAsked{Slot: 0, Pid: next.pid, Now: true})); len(began) != 1 || began[0].Worker.Pid != next.pid {
		t.Errorf("%+v", began)
	}
}

// diesEarly has the worker of a slot die before it has served anything, or the next one where it has none.
func (s *script) diesEarly(slot int) {
	s.t.Helper()
	if s.core.slots[slot].serving() == nil {
		s.fire(TimerSlot)
	}
	s.event(WorkerExited{Key: s.serving(slot), Exit: ident.ExitStatus{Code: 1}})
}

// TestKillOfARemovedSlot: its worker leaves already, and can be killed; nobody follows.
func TestKillOfARemovedSlot(t *testing.T) {
	s := running(t, 3)
	key := s.serving(2)
	s.event(ScaleAsked{"scale", 2})
	if noted := find[KillNoted](s.kill(2, false)); len(noted) != 1 || noted[0].Reason != ReasonRemoved || noted[0].Worker.Key != key {
		t.Fatalf("%+v", noted)
	}
	actions := s.kill(2, true)
	if next := find[KillFollowed](actions); !killed(actions, key) || next[0].Next != NextNone || len(find[SpawnWorker](actions)) != 0 {
		t.Errorf("%+v", actions)
	}
	s.dies(key, 0)
	if refused := find[KillRefused](s.kill(2, false)); len(refused) != 1 || refused[0].Why != NoSuchSlot {
		t.Errorf("%+v", refused)
	}
}

// TestKillOfARemovedSlotOnDemand does not park it: nobody can connect there.
func TestKillOfARemovedSlotOnDemand(t *testing.T) {
	s := onDemand(t, 3, 1)
	s.boot(s.event(ConnectionWaits{2}))
	s.event(ScaleAsked{"scale", 2})
	actions := s.kill(2, true)
	if len(find[AwaitConnection](actions))+len(find[OpenSlot](actions)) != 0 || find[KillFollowed](actions)[0].Next != NextNone {
		t.Errorf("%+v", actions)
	}
}

// TestKillParksASlotOnDemand: the next worker comes with the next connection.
func TestKillParksASlotOnDemand(t *testing.T) {
	s := onDemand(t, 2, 1)
	s.boot(s.event(ConnectionWaits{1}))
	actions := s.kill(1, false)
	if next := find[KillFollowed](actions); next[0].Next != NextParked || len(find[AwaitConnection](actions)) != 1 {
		t.Errorf("%+v", actions)
	}
}

// TestKillWithoutAPreloader: the slot has its next worker when one has loaded.
func TestKillWithoutAPreloader(t *testing.T) {
	s := running(t, 1)
	s.event(PreloaderExited{Origin: gen(1), Exit: ident.ExitStatus{Signal: 9}})
	if next := find[KillFollowed](s.kill(0, true)); next[0].Next != NextLater {
		t.Errorf("%+v", next)
	}
	if spawned := find[SpawnWorker](s.load(2)); len(spawned) != 1 {
		t.Errorf("%+v", spawned)
	}
}

// TestKillOfWhoLoads: nobody ends the first load of a generation that way.
func TestKillOfWhoLoads(t *testing.T) {
	s := newScript(t, 1)
	policy := s.core.policy
	policy.Method, policy.LoadsAtOnce = SpawnDirect, 1
	s.core = New(1, policy, func() float64 { return 0 })
	key := find[SpawnWorker](s.event(Started{}))[0].Key
	s.event(WorkerHello{Key: key, Hello: Hello{Pid: 77}})
	if refused := find[KillRefused](s.kill(0, true)); len(refused) != 1 || refused[0].Why != ApplicationLoads {
		t.Errorf("%+v", refused)
	}
}

// TestBacktraceAsked: each worker of the slot tells once, whoever has asked, and one that does not is told of.
func TestBacktraceAsked(t *testing.T) {
	s := running(t, 1)
	older := s.serving(0)
	s.boot(s.kill(0, false))
	newer := s.serving(0)
	actions := s.event(BacktraceAsked{By: "backtrace", Slot: 0})
	began := find[BacktraceBegan](actions)
	if len(began) != 1 || len(began[0].Workers) != 2 || began[0].Workers[0].Key != older || len(find[LocateWorker](actions)) != 2 {
		t.Fatalf("%+v", actions)
	}
	if again := s.event(BacktraceAsked{By: "backtrace", Slot: 0}); len(find[LocateWorker](again)) != 0 || len(find[BacktraceBegan](again)) != 1 {
		t.Errorf("%+v", again)
	}
	threads := []Thread{{Name: "serving", Frames: []string{"a.rb:1"}}}
	actions = s.event(WorkerLocated{newer, threads})
	if told := find[BacktraceTold](actions); len(actions) != 1 || len(told) != 1 || told[0].Worker.Key != newer || !slices.Equal(told[0].Threads[0].Frames, threads[0].Frames) {
		t.Errorf("%+v", actions)
	}
	var missing []Action
	for _, set := range find[SetTimer](s.acts) {
		if set.Timer.Kind == TimerBacktrace {
			s.now += set.After
			missing = append(missing, s.event(TimerFired{set.Timer})...)
		}
	}
	if len(missing) != 1 || fmt.Sprint(find[BacktraceMissing](missing)[0].Worker.Key) != fmt.Sprint(older) {
		t.Errorf("%+v", missing)
	}
	if late := s.event(WorkerLocated{older, threads}); len(late) != 0 {
		t.Errorf("%+v", late)
	}
}

// TestBacktraceWhileStopping is when it is of most interest.
func TestBacktraceWhileStopping(t *testing.T) {
	s := running(t, 1)
	s.event(StopAsked{By: "TERM"})
	if began := find[BacktraceBegan](s.event(BacktraceAsked{By: "backtrace", Slot: 0})); len(began) != 1 {
		t.Error("nobody is asked")
	}
	for slot, want := range map[int]NoWorker{5: NoSuchSlot, -1: NoSuchSlot} {
		if refused := find[BacktraceRefused](s.event(BacktraceAsked{By: "backtrace", Slot: slot})); len(refused) != 1 || refused[0].Why != want {
			t.Errorf("%d: %+v", slot, refused)
		}
	}
	parked := onDemand(t, 2, 1)
	if refused := find[BacktraceRefused](parked.event(BacktraceAsked{By: "backtrace", Slot: 1})); len(refused) != 1 || refused[0].Why != SlotIsParked {
		t.Errorf("%+v", refused)
	}
}

// TestStopIsToldTwice: who asks second hears how far it is.
func TestStopIsToldTwice(t *testing.T) {
	s := running(t, 3)
	began := find[StopBegan](s.event(StopAsked{By: "launcher stop"}))
	if len(began) != 1 || began[0].Workers != 3 {
		t.Fatalf("%+v", began)
	}
	s.event(WorkerExited{Key: find[DrainWorker](s.acts)[0].Key})
	again := s.event(StopAsked{By: "launcher stop"})
	if noted := find[StopNoted](again); len(again) != 1 || noted[0].Workers != 2 {
		t.Errorf("%+v", again)
	}
	if killing := find[KillingAll](s.event(StopAsked{By: "launcher stop --now", Now: true})); len(killing) != 1 || killing[0].Workers != 2 {
		t.Errorf("%+v", killing)
	}
}
