package core

import (
	"slices"
	"testing"
	"time"

	"launcher/preforker/ident"
)

// TestSeedsOfAReleaseThatIsHeldBack: no slot waits for a refork from them, and they leave.
func TestSeedsOfAReleaseThatIsHeldBack(t *testing.T) {
	s := seeded(t, 5)
	s.boot(s.press())
	s.settle()
	s.answerWell()
	s.event(RestartAsked{"HUP"})
	s.load(2)
	s.settle()
	s.serve(2, 2, 1, 1, 1)
	s.answers(s.serving(0), 12, 12)
	if ended := find[SeedingEnded](s.newest); len(ended) != 1 || ended[0].Reason != ReasonHeld {
		t.Errorf("%+v", s.newest)
	}
	s.settle()
	s.serve(1, 1, 1, 1, 1)
	s.event(TimerFired{Timer{TimerSeed, ident.Key{Generation: 2}}})
	s.settle()
	s.serve(1, 1, 1, 1, 1)
	if n := s.kinds["core.ReforkWorker"]; n != 0 {
		t.Errorf("%d reforks", n)
	}
}

// TestSeedsTakeOverOnceTheyHaveAnsweredWell where they were asked at all, and once they are there for a while where not.
func TestSeedsTakeOverOnceTheyHaveAnsweredWell(t *testing.T) {
	loaded := func() *script {
		s := seeded(t, 5)
		s.boot(s.press())
		s.settle()
		s.answerWell()
		s.event(RestartAsked{"HUP"})
		s.load(2)
		s.now += 900 * time.Millisecond
		s.settle()
		s.now -= 900 * time.Millisecond
		if drained := find[DrainWorker](s.fire(TimerSeed)); len(drained) != 0 {
			t.Errorf("a moment after they have come up: %+v", drained)
		}
		return s
	}
	if drained := find[DrainWorker](loaded().fire(TimerSeed)); len(drained) != 3 {
		t.Errorf("nobody asks: %+v", drained)
	}
	s := loaded()
	s.busy(0, true)
	if drained := find[DrainWorker](s.fire(TimerSeed)); len(drained) != 0 {
		t.Errorf("a request is in hand: %+v", drained)
	}
	s.answers(s.serving(0), 1, 1)
	if drained := find[DrainWorker](s.fire(TimerSeed)); len(drained) != 0 {
		t.Errorf("it was answered with 500: %+v", drained)
	}
	s.answers(s.serving(0), 2, 0)
	if drained := find[DrainWorker](s.fire(TimerSeed)); len(drained) != 3 {
		t.Errorf("and the next one well: %+v", drained)
	}
	s = loaded()
	s.busy(0, true)
	s.now += 30 * time.Second
	if drained := find[DrainWorker](s.fire(TimerSeed)); len(drained) != 3 {
		t.Errorf("a request takes for ever: %+v", drained)
	}
}

// TestTheOlderReleaseStillGrows: it has its seeds again, and they serve the slots without a worker.
func TestTheOlderReleaseStillGrows(t *testing.T) {
	s := seeded(t, 5)
	s.answerWell()
	s.event(RestartAsked{"HUP"})
	s.load(2)
	s.settle()
	s.serve(2, 1, 2) // the third slot had no worker
	s.answers(s.serving(0), 3, 3)
	s.settle()
	s.serve(1, 1, 1, 1)
	for slot, lent := range map[int]bool{0: true, 1: true, 2: true, 3: true} {
		if has := s.core.slots[slot].serving().borrowed; slices.Contains(has, 4) != lent {
			t.Errorf("the worker of slot %d is lent %v", slot, has)
		}
	}
}

// TestTheOlderReleaseReforksWhileANewerOneIsHeldBack, and is the older one still.
func TestTheOlderReleaseReforksWhileANewerOneIsHeldBack(t *testing.T) {
	s := seeded(t, 5)
	s.event(RestartAsked{"HUP"})
	s.load(2)
	s.settle()
	s.answers(s.serving(1), 5, 0) // an older seed
	s.answers(s.serving(0), 4, 4)
	s.settle()
	asked := find[ReforkWorker](s.answers(s.serving(1), 20, 0))
	if len(asked) != 1 || asked[0].Origin != refork(1, 1) {
		t.Fatalf("%+v", s.newest)
	}
	s.reforked(asked[0].Origin)
	if !slices.IsSortedFunc(s.core.preloaders, func(a, b *preloader) int {
		if a.origin.Before(b.origin) {
			return -1
		}
		return 1
	}) || len(s.core.preloaders) != 3 {
		t.Errorf("%+v", s.core.preloaders)
	}
}

// TestWarmWorkersOfTheOlderReleaseReforkWhileANewerOneIsHeldBack: its preloader is no roll that is under way, and stays.
func TestWarmWorkersOfTheOlderReleaseReforkWhileANewerOneIsHeldBack(t *testing.T) {
	s := seeded(t, 5)
	s.boot(s.press())
	s.settle()
	s.answerWell()
	s.event(RestartAsked{"HUP"})
	s.load(2)
	s.settle()
	s.answers(s.serving(0), 3, 3)
	s.settle()
	s.serve(1, 1, 1, 1, 1)
	asked := find[ReforkWorker](s.answers(s.serving(1), 20, 0))
	if len(asked) != 1 || asked[0].Origin != refork(1, 1) {
		t.Fatalf("%+v", s.newest)
	}
	s.reforked(asked[0].Origin)
	s.settle()
	s.serve(1, 1, 1, 1, 1)
	if n := s.kinds["core.ReleaseLifted"]; n != 0 {
		t.Errorf("lifted %d times", n)
	}
}

// TestTheOnlyWorkerOfTheOlderReleaseStays until the seeds of the newer one have answered well: a slot without a worker tries that out.
func TestTheOnlyWorkerOfTheOlderReleaseStays(t *testing.T) {
	alone := func() *script {
		s := seededBy(t, 4, 1, time.Second)
		s.answerWell()
		s.event(RestartAsked{"HUP"})
		s.load(2)
		s.settle()
		s.serve(1, 2)
		return s
	}
	s := alone()
	s.answers(s.serving(1), 3, 3)
	s.heldAndLifted(1, 0)
	s.settle()
	s.serve(1, 1)
	s = alone()
	s.answers(s.serving(1), 3, 0)
	s.now += time.Second
	if drained := find[DrainWorker](s.fire(TimerSeed)); len(drained) != 1 || drained[0].Key.Generation != 1 {
		t.Errorf("the newer release answers well: %+v", drained)
	}
	s.settle()
	s.serve(2)
}

// TestAReleaseWhoseWorkersDoNotComeUp tries a slot without a worker once or twice, and takes none from the older release.
func TestAReleaseWhoseWorkersDoNotComeUp(t *testing.T) {
	s := seededBy(t, 4, 1, time.Second)
	s.answerWell()
	s.event(RestartAsked{"HUP"})
	s.load(2)
	for range 20 {
		s.dies(s.coming(), 0)
		if n := s.kinds["core.CloseSlot"] + s.kinds["core.DrainWorker"]; n != 0 {
			t.Fatalf("%v", s.kinds)
		}
		if len(find[SpawnWorker](s.newest)) == 0 {
			s.fire(TimerSlot)
		}
	}
	s.serve(1)
}
