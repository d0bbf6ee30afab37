package core

import (
	"slices"
	"testing"

	"launcher/preforker/ident"
)

// TestSlotsAreLentWhileNobodyCanFork, parked ones to which somebody connects and those that lose their worker: who waits there is not to
// wait for a load, which takes long, or fails.
func TestSlotsAreLentWhileNobodyCanFork(t *testing.T) {
	s := onDemand(t, 3, 2)
	s.boot(s.acts)
	s.event(PreloaderExited{Origin: gen(1), Exit: ident.ExitStatus{Signal: 9}})
	lent := find[LendSockets](s.event(ConnectionWaits{2}))
	if len(lent) != 2 || !slices.Equal(lent[0].Slots, []int{2}) || !slices.Equal(lent[1].Slots, []int{2}) {
		t.Fatalf("a slot that was parked: %+v", s.newest)
	}
	lent = find[LendSockets](s.dies(s.serving(1), 9))
	if len(lent) != 1 || lent[0].Key != s.serving(0) || !slices.Equal(lent[0].Slots, []int{1}) {
		t.Fatalf("one that has lost its worker: %+v", s.newest)
	}
	spawned := find[SpawnWorker](s.load(2))
	if len(spawned) != 2 {
		t.Fatalf("%+v", s.newest)
	}
	if returned := find[ReturnSockets](s.acts); len(returned) != 1 || returned[0].Key.Slot != 0 {
		t.Errorf("they are returned: %+v", returned)
	}
}

// TestHeldBackReleaseIsLentNothing where an older one serves.
func TestHeldBackReleaseIsLentNothing(t *testing.T) {
	s := newScript(t, 3)
	s.event(Started{})
	s.boot(s.load(1))
	for s.core.slots[2].serving() == nil {
		s.boot(s.newest)
	}
	s.core.slots[2].workers[0].key.Generation = 2
	s.core.trials = append(s.core.trials, &trial{generation: 2, held: true})
	if origin, lends := s.core.lastLender(); !lends || origin != gen(1) {
		t.Errorf("%v, %v", origin, lends)
	}
}
