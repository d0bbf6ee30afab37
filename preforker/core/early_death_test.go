package core

import (
	"slices"
	"testing"
	"time"
)

func TestEarlyDeathsBackOffAndCloseTheSocket(t *testing.T) {
	s := running(t, 2)
	var waits []time.Duration
	actions := s.dies(s.serving(0), 0)
	for range 12 {
		if spawn := find[SpawnWorker](actions); len(spawn) == 1 {
			s.ready(spawn[0].Key)
			actions = s.dies(spawn[0].Key, 0)
			continue
		}
		var wait time.Duration
		for _, set := range find[SetTimer](actions) {
			if set.Timer.Kind == TimerSlot {
				wait = set.After
			}
		}
		waits = append(waits, wait)
		if closed := len(find[CloseSlot](actions)) == 1; closed != (wait > closeAfter) {
			t.Errorf("waits %v: closed %v", wait, closed)
		}
		wasOpen := s.core.slots[0].open
		actions = s.fire(TimerSlot)
		if opened := len(find[OpenSlot](actions)) == 1; opened == wasOpen {
			t.Errorf("was open %v, opened %v", wasOpen, opened)
		}
	}
	want := []time.Duration{100, 200, 400, 800, 1600, 3200}
	for i := range want {
		want[i] *= time.Millisecond
	}
	if !slices.Equal(waits, want) {
		t.Errorf("waits %v, want %v", waits, want)
	}
	if w := s.core.slots[1].serving(); w == nil || w.state != ReadyWorker {
		t.Error("the other slot suffered")
	}
}

func TestRequestsThatKillDoNotCloseTheSocket(t *testing.T) {
	s := running(t, 1)
	actions := s.event(WorkerExited{Key: s.serving(0), Request: "GET /crash"})
	for range 30 {
		if spawn := find[SpawnWorker](actions); len(spawn) == 1 {
			s.ready(spawn[0].Key)
			actions = s.event(WorkerExited{Key: spawn[0].Key, Request: "GET /crash"})
			continue
		}
		before := s.now
		actions = s.fire(TimerSlot)
		if s.now-before > closeAfter || !s.core.slots[0].open {
			t.Fatalf("waited %v, open %v", s.now-before, s.core.slots[0].open)
		}
	}
}

func TestAServedRequestEndsEarlyDeathsInARow(t *testing.T) {
	s := running(t, 1)
	s.boot(s.dies(s.serving(0), 0))
	s.boot(s.dies(s.serving(0), 5))
	if deaths := s.core.slots[0].deaths; deaths != 0 {
		t.Errorf("%d deaths are remembered", deaths)
	}
	s.now += time.Minute // an old worker that nobody has asked anything is not young
	if spawned := find[SpawnWorker](s.dies(s.serving(0), 0)); len(spawned) != 1 {
		t.Errorf("%+v", spawned)
	}
}

func TestSlotWhoseSocketIsTakenKeepsTrying(t *testing.T) {
	s := running(t, 1)
	s.core.slots[0].deaths = 6
	s.dies(s.serving(0), 0)
	for range 5 {
		if n := len(find[OpenSlot](s.fire(TimerSlot))); n != 1 {
			t.Fatalf("%d openings", n)
		}
		s.event(SlotNotBound{Slot: 0, Error: "address in use"})
	}
	s.boot(s.fire(TimerSlot))
	if w := s.core.slots[0].serving(); w == nil || w.state != ReadyWorker {
		t.Error("the slot has not come back")
	}
}
