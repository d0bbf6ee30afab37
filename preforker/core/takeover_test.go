package core

import (
	"testing"
	"time"
)

// TestSeedsThatAreNotAsked serve alone for as long as that is so, and their time begins when all are busy.
func TestSeedsThatAreNotAsked(t *testing.T) {
	s := seeded(t, 4)
	if actions := s.fire(TimerSeed); len(actions) != 0 {
		t.Fatalf("%+v", actions)
	}
	s.now += time.Hour
	if actions := s.busy(0, true); len(actions) != 0 {
		t.Errorf("one of two is busy: %+v", actions)
	}
	if timers := find[SetTimer](s.busy(1, true)); len(timers) != 1 || timers[0].After != time.Second {
		t.Errorf("both are: %+v", timers)
	}
	s.demand(false)
	if actions := s.fire(TimerSeed); len(actions) != 0 {
		t.Errorf("they have kept up: %+v", actions)
	}
	actions := s.press()
	if len(find[SpawnWorker](actions)) != 2 || len(find[ReturnSockets](actions)) != 2 {
		t.Fatalf("%+v", actions)
	}
	s.boot(actions)
	s.all(gen(1))
	if s.kinds["core.Announce"] != 1 {
		t.Errorf("%v", s.kinds)
	}
	s.busy(0, false)
	s.busy(1, false)
	s.arrived(0, 10)
}

// TestSeedTimeBeginsWithTheDemand, also where there is some from the start on.
func TestSeedTimeBeginsWithTheDemand(t *testing.T) {
	s := seeded(t, 4)
	s.now += 300 * time.Millisecond
	s.demand(true)
	s.now += 700 * time.Millisecond
	timers := find[SetTimer](s.event(TimerFired{Timer{TimerSeed, gen(1).Key()}}))
	if len(timers) != 1 || timers[0].After != 300*time.Millisecond {
		t.Fatalf("%+v", timers)
	}
	s.boot(s.fire(TimerSeed))
	s.all(gen(1))
}

// TestSeedsThatCannotServeAllSlots: those that they have no socket of are filled in time.
func TestSeedsThatCannotServeAllSlots(t *testing.T) {
	s := seeded(t, maxBorrowed+3)
	if s.kinds["core.AnnounceServed"] != 0 {
		t.Error("slots that nobody serves are told to be served")
	}
	s.boot(s.fire(TimerSeed))
	s.all(gen(1))
	s.ended(1, ReasonManySlots)
	if s.kinds["core.AnnounceServed"] != 1 || s.kinds["core.Announce"] != 1 {
		t.Errorf("%v", s.kinds)
	}
}

// TestSeedsTakeOver the slots of the release before where nobody asks them for more, and that release is gone.
func TestSeedsTakeOver(t *testing.T) {
	s := seeded(t, 5)
	s.boot(s.press())
	s.event(RestartAsked{"HUP"})
	s.boot(s.load(2))
	s.drained()
	actions := s.fire(TimerSeed)
	drained := find[DrainWorker](actions)
	if len(drained) != 3 || len(find[SpawnWorker](actions)) != 0 {
		t.Fatalf("%+v", actions)
	}
	for _, lent := range find[LendSockets](actions) {
		if len(lent.Slots) != 3 {
			t.Errorf("%+v", lent)
		}
	}
	if s.kinds["core.AnnounceServed"] != 2 || s.kinds["core.Announce"] != 1 || len(find[RetirePreloader](actions)) != 1 {
		t.Errorf("%+v", actions)
	}
	for range 5 {
		s.drained()
	}
	s.exits()
	if n := len(find[SpawnWorker](s.press())); n != 3 {
		t.Errorf("%d workers under demand", n)
	}
}

// TestSeedsDoNotTakeOver while another release loads, which all slots will roll to.
func TestSeedsDoNotTakeOver(t *testing.T) {
	s := seeded(t, 5)
	s.boot(s.press())
	s.event(RestartAsked{"HUP"})
	s.boot(s.load(2))
	s.event(RestartAsked{"HUP"})
	if drained := find[DrainWorker](s.fire(TimerSeed)); len(drained) != 0 {
		t.Errorf("%+v", drained)
	}
	s.event(PreloaderExited{Origin: gen(3)})
	if drained := find[DrainWorker](s.fire(TimerSeed)); len(drained) != 3 {
		t.Errorf("%+v, and nothing loads any more", drained)
	}
}
