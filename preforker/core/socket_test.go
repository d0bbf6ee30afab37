package core

import (
	"slices"
	"testing"

	"launcher/preforker/ident"
)

func TestLostSocketIsBoundAnew(t *testing.T) {
	s := running(t, 3)
	old := s.serving(1)
	actions := s.event(SocketsLost{[]int{1}})
	if rebinds := find[RebindSlot](actions); !slices.Equal(rebinds, []RebindSlot{{1}}) {
		t.Errorf("bound anew: %v", rebinds)
	}
	// Its worker has the older socket, and serves what waits there.
	if drains := find[DrainWorker](actions); !slices.Equal(drains, []DrainWorker{{old, true, true}}) {
		t.Errorf("drains %+v", drains)
	}
	spawns := find[SpawnWorker](actions)
	if len(spawns) != 1 || spawns[0].Key.Slot != 1 {
		t.Fatalf("spawns %+v", spawns)
	}
	s.boot(actions)
	if s.serving(1) != spawns[0].Key || !s.core.slots[1].open {
		t.Errorf("slot 1 is served by %v", s.serving(1))
	}
	// Its last request takes as long as it takes.
	if actions := s.fire(TimerWorkerDrain); len(find[KillWorker](actions)) != 0 {
		t.Error("a worker was killed that did no wrong")
	}
	if actions := s.dies(old, 3); len(find[SpawnWorker](actions)) != 0 || s.core.slots[1].deaths != 0 {
		t.Errorf("its end led to %+v", actions)
	}
}

// TestAllSocketsLost is what cleaning the folder does: all slots come back at once.
func TestAllSocketsLost(t *testing.T) {
	s := running(t, 3)
	actions := s.event(SocketsLost{[]int{0, 1, 2}})
	if len(find[RebindSlot](actions)) != 3 || len(find[DrainWorker](actions)) != 3 || len(find[SpawnWorker](actions)) != 3 {
		t.Fatalf("%+v", actions)
	}
	if n := len(find[Fact](actions)); n != 1 {
		t.Errorf("%d lines are logged", n)
	}
	s.boot(actions)
	for slot := range 3 {
		if _, w := s.core.worker(s.serving(slot)); w.state != ReadyWorker || w.binding != 1 {
			t.Errorf("slot %d: %+v", slot, w)
		}
	}
}

// TestSocketLostWhileItsWorkerStarts: that one has the older socket, and gives way once it is ready.
func TestSocketLostWhileItsWorkerStarts(t *testing.T) {
	s := newScript(t, 1)
	spawn := find[SpawnWorker](s.load(1))[0]
	if actions := s.event(SocketsLost{[]int{0}}); len(find[RebindSlot](actions)) != 1 || len(find[DrainWorker](actions)) != 0 {
		t.Errorf("%+v", actions)
	}
	actions := s.ready(spawn.Key)
	if drains := find[DrainWorker](actions); !slices.Equal(drains, []DrainWorker{{spawn.Key, true, true}}) {
		t.Errorf("drains %+v", drains)
	}
	s.boot(actions)
	if _, w := s.core.worker(s.serving(0)); w == nil || w.key == spawn.Key || w.state != ReadyWorker {
		t.Errorf("served by %+v", w)
	}
}

// TestSocketLostWithoutAPreloader: what waits in the new socket is served once somebody can fork.
func TestSocketLostWithoutAPreloader(t *testing.T) {
	s := newScript(t, 1)
	if actions := s.event(SocketsLost{[]int{0}}); len(find[RebindSlot](actions)) != 1 || len(find[SpawnWorker](actions)) != 0 {
		t.Errorf("while it loads: %+v", actions)
	}
	s.boot(s.load(1))
	s.event(PreloaderExited{Origin: gen(1)})
	if actions := s.event(SocketsLost{[]int{0}}); len(find[RebindSlot](actions)) != 1 || len(find[SpawnWorker](actions)) != 0 {
		t.Errorf("between two: %+v", actions)
	}
	s.boot(s.load(2))
	if s.serving(0).Generation != 2 {
		t.Errorf("served by %v", s.serving(0))
	}
}

// TestSocketThatCannotBeBoundAnew is tried less and less often, and the log has each reason once.
func TestSocketThatCannotBeBoundAnew(t *testing.T) {
	s := running(t, 2)
	reason := "read-only file system"
	lines := func() (n int) {
		for _, name := range s.facts {
			if name == "SocketUnbound" || name == "SlotWaits" {
				n++
			}
		}
		return n
	}
	news, warnings := 0, 0
	refused := func(actions []Action, reason string) []Action {
		t.Helper()
		if len(find[RebindSlot](actions))+len(find[OpenSlot](actions)) != 1 {
			t.Fatalf("not tried: %+v", actions)
		}
		actions = s.event(SlotNotBound{0, reason, false})
		for _, unbound := range find[SocketUnbound](actions) {
			if !unbound.Known {
				news++
			}
		}
		for _, waits := range find[SlotWaits](actions) {
			if !waits.Unbound {
				warnings++
			}
		}
		return actions
	}
	actions := refused(s.event(SocketsLost{[]int{0}}), reason)
	actions = refused(actions, reason) // the first time costs no wait
	for range 20 {
		before := s.now
		if len(find[OpenSlot](actions)) != 0 {
			t.Fatalf("tried at once again: %+v", actions)
		}
		actions = refused(s.fire(TimerSlot), reason)
		if wait := s.now - before; wait <= 0 || wait > slotBackoff.max {
			t.Fatalf("tried after %v", wait)
		}
	}
	if s.core.slots[0].open || s.now < slotBackoff.max {
		t.Errorf("open %v after %v", s.core.slots[0].open, s.now)
	}
	if news != 1 || warnings != 0 || lines() < 20 {
		t.Errorf("%d new reasons, %d warnings of %d facts", news, warnings, lines())
	}
	refused(s.fire(TimerSlot), "no space left")
	if news != 2 {
		t.Errorf("another reason: %d", news)
	}
	s.boot(s.fire(TimerSlot))
	if w := s.core.slots[0].serving(); w == nil || w.state != ReadyWorker || s.core.slots[0].deaths != 0 || !s.core.slots[0].open {
		t.Errorf("served by %+v", w)
	}
	if !slices.Contains(s.facts, "SocketBound") {
		t.Error("nothing tells that it came back")
	}
}

func TestSocketsAreNotMissedWhileStopping(t *testing.T) {
	s := running(t, 1)
	s.event(StopAsked{"TERM", false})
	if actions := s.event(SocketsLost{[]int{0}}); len(actions) != 0 {
		t.Errorf("%+v", actions)
	}
}

// TestSocketOfAClosedSlotIsNotMissed: a slot that waits after early deaths has taken it away.
func TestSocketOfAClosedSlotIsNotMissed(t *testing.T) {
	s := running(t, 1)
	s.core.slots[0].deaths = 8
	s.dies(s.serving(0), 0)
	if actions := s.event(SocketsLost{[]int{0}}); s.core.slots[0].open || len(actions) != 0 {
		t.Errorf("open %v, %+v", s.core.slots[0].open, actions)
	}
}

// TestLostSocketDoesNotDoubtARefork: a socket that cannot be bound says nothing about the preloader.
func TestLostSocketDoesNotDoubtARefork(t *testing.T) {
	s := running(t, 1)
	p := s.core.preloaders[0]
	p.origin.Refork = 1
	s.core.preloaders = []*preloader{{origin: ident.Origin{Generation: 1}, state: ReadyPreloader, proven: true}, p}
	if spawns := find[SpawnWorker](s.event(SocketsLost{[]int{0}})); len(spawns) != 1 || spawns[0].Key.Refork != 1 {
		t.Fatalf("spawns %+v", spawns)
	}
	s.event(SlotNotBound{Slot: 0, Error: "no space left"})
	if s.core.reforksOf(1).failures != 0 {
		t.Error("a refork was given up")
	}
}
