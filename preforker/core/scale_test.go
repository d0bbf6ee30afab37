package core

import (
	"slices"
	"testing"
	"time"
)

// TestScaleUpFillsNewSlots: their sockets are bound before their workers are forked.
func TestScaleUpFillsNewSlots(t *testing.T) {
	s := running(t, 2)
	actions := s.event(ScaleAsked{"scale", 4})
	opened, spawned := find[OpenSlot](actions), find[SpawnWorker](actions)
	if len(opened) != 2 || opened[0].Slot != 2 || len(spawned) != 2 || spawned[1].Key.Slot != 3 || find[SetSlots](actions)[0].Slots != 4 {
		t.Fatalf("%+v", actions)
	}
	s.boot(actions)
	if done := find[ScaleCompleted](s.acts); len(done) != 1 || done[0].Slots != 4 {
		t.Errorf("%+v", done)
	}
}

// TestScaleDownLosesNothing: nobody can connect to a slot before its worker is told to leave, which empties its queue first, and may take its time
// for that.
func TestScaleDownLosesNothing(t *testing.T) {
	s := running(t, 3)
	last := s.serving(2)
	actions := s.event(ScaleAsked{"TTOU", 2})
	if _, is := actions[1].(RemoveSlot); !is {
		t.Fatalf("%+v", actions)
	}
	if drained := find[DrainWorker](actions); len(drained) != 1 || drained[0].Key != last || !drained[0].Backlog {
		t.Fatalf("%+v", drained)
	}
	if killed := find[KillWorker](s.fire(TimerWorkerDrain)); len(killed) > 0 {
		t.Errorf("%+v", killed)
	}
	if removed := s.core.View(s.now).Removed; len(removed) != 1 || removed[0].Slot != 2 || len(find[ScaleCompleted](s.acts)) > 0 {
		t.Errorf("%+v", removed)
	}
	actions = s.dies(last, 5)
	if len(find[SpawnWorker](actions)) > 0 || len(find[ScaleCompleted](actions)) != 1 || len(s.core.View(s.now).Removed) > 0 {
		t.Errorf("%+v", actions)
	}
}

// TestScaleBackUpWhileWorkersLeave: the slot is another one with the same number, and what is late of the older one changes nothing in it.
func TestScaleBackUpWhileWorkersLeave(t *testing.T) {
	s := running(t, 2)
	older := s.serving(1)
	s.event(ScaleAsked{"scale", 1})
	s.boot(s.event(ScaleAsked{"scale", 2}))
	newer := s.serving(1)
	if newer == older {
		t.Fatal("the worker that leaves serves")
	}
	if actions := s.dies(older, 3); len(find[SpawnWorker](actions)) > 0 || s.serving(1) != newer {
		t.Errorf("%+v", actions)
	}
}

// TestScaleDownForgetsWhoIsNotThere: a fork that was asked for is not waited for.
func TestScaleDownForgetsWhoIsNotThere(t *testing.T) {
	s := newScript(t, 2)
	s.load(1)
	actions := s.event(ScaleAsked{"scale", 1})
	if forgotten := find[ForgetWorker](actions); len(forgotten) != 1 || forgotten[0].Key.Slot != 1 || !forgotten[0].MayLive {
		t.Errorf("%+v", actions)
	}
}

// TestScaleIsIgnored where there is nothing to change, or everything stops.
func TestScaleIsIgnored(t *testing.T) {
	s := running(t, 2)
	for _, stopping := range []bool{false, true} {
		actions := s.event(ScaleAsked{"scale", 2})
		if len(actions) != 1 || len(find[ScaleIgnored](actions)) != 1 || find[ScaleIgnored](actions)[0].Stopping != stopping {
			t.Errorf("%+v", actions)
		}
		s.event(StopAsked{By: "TERM"})
	}
	if actions := s.event(ScaleAsked{"scale", 3}); len(actions) != 1 {
		t.Errorf("%+v", actions)
	}
}

// TestScaleKeepsTheMemoryBound: a budget that was chosen is such that all workers together have room, however many they are.
func TestScaleKeepsTheMemoryBound(t *testing.T) {
	s := newScript(t, 2)
	s.core.policy.Renewal.Budget.Auto, s.core.policy.MemoryLimit = true, 500*bytesPerMB
	s.boot(s.load(1))
	s.event(PreloaderMeasured{Origin: gen(1), Preloader: 100 * bytesPerMB, Launcher: 10 * bytesPerMB})
	s.boot(s.event(ScaleAsked{"scale", 20}))
	if bound := s.core.View(s.now).MemoryBound; bound == nil || bound.Workers != 20 || bound.Total > 460*bytesPerMB {
		t.Errorf("%+v", bound)
	}
}

// TestScaleDownOfALoad: with direct spawning, a worker that leaves as its slot is gone does not end the load of the others.
func TestScaleDownOfALoad(t *testing.T) {
	s := newScript(t, 2)
	s.core.policy.Method, s.core.policy.LoadsAtOnce = SpawnDirect, 2
	s.core = New(2, s.core.policy, func() float64 { return 0 })
	spawned := find[SpawnWorker](s.event(Started{}))
	if len(spawned) != 2 {
		t.Fatalf("%+v", spawned)
	}
	for _, spawn := range spawned {
		s.event(WorkerHello{Key: spawn.Key, Hello: Hello{Pid: 100 + spawn.Key.Serial}})
	}
	s.event(ScaleAsked{"scale", 1})
	s.dies(spawned[1].Key, 0)
	s.event(WorkerLoaded{Key: spawned[0].Key})
	if s.event(WorkerReady{spawned[0].Key, 101}); s.serving(0) != spawned[0].Key || s.core.Phase() != PhaseRunning {
		t.Errorf("%+v", s.newest)
	}
}

// TestTimerOfAnOlderSlot is not taken for one of the slot that has its number now.
func TestTimerOfAnOlderSlot(t *testing.T) {
	s := running(t, 2)
	wait := func() Timer {
		t.Helper()
		for range 3 {
			if w := s.core.slots[1].serving(); w != nil {
				s.dies(w.key, 0)
			}
		}
		set := find[SetTimer](s.newest)
		if s.core.slots[1].state != WaitingSlot || len(set) == 0 {
			t.Fatalf("%+v", s.newest)
		}
		return set[0].Timer
	}
	older := wait()
	s.event(ScaleAsked{"scale", 1})
	s.event(ScaleAsked{"scale", 2})
	wait()
	if actions := s.event(TimerFired{older}); len(find[SpawnWorker](actions)) > 0 {
		t.Errorf("%+v", actions)
	}
}

// TestScaleDownToTheSeeds: what is being forked from one of them has no slot to prove itself in, and takes theirs.
func TestScaleDownToTheSeeds(t *testing.T) {
	s := newScript(t, 3)
	policy := s.core.policy
	policy.Seeds, policy.SeedTime, policy.Refork = 1, time.Second, AutoRefork()
	s.core = New(3, policy, func() float64 { return 0 })
	s.event(Started{})
	s.boot(s.load(1))
	s.event(WorkersMeasured{Workers: []Measurement{{Key: s.serving(0), Served: 20}}})
	reforked := find[ReforkWorker](s.newest)
	if len(reforked) != 1 {
		t.Fatalf("%+v", s.newest)
	}
	s.event(ScaleAsked{"scale", 1})
	s.event(WorkerReforked{Origin: reforked[0].Origin, Pid: 300})
	if spawned := find[SpawnWorker](s.event(PreloaderLoaded{Origin: reforked[0].Origin, Loaded: Load{Pid: 300}})); len(spawned) != 1 || spawned[0].Key.Refork != 1 {
		t.Errorf("%+v", s.newest)
	}
}

// TestSlotsThatComeBackAreLentAnew: their sockets are others than those that the seeds had.
func TestSlotsThatComeBackAreLentAnew(t *testing.T) {
	s := seeded(t, 5)
	s.event(ScaleAsked{"scale", 3})
	for _, lent := range find[LendSockets](s.event(ScaleAsked{"scale", 5})) {
		if !slices.Equal(lent.Slots, []int{3, 4}) {
			t.Errorf("%+v", lent)
		}
	}
	if n := len(find[LendSockets](s.newest)); n != 2 {
		t.Errorf("sockets are lent %d times", n)
	}
}
