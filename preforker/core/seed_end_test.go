package core

import (
	"slices"
	"testing"
	"time"

	"launcher/preforker/ident"
)

// ended is why a generation does not grow from its seeds any more.
func (s *script) ended(generation int, want Reason) {
	s.t.Helper()
	ended := find[SeedingEnded](s.acts)
	if len(ended) != 1 || ended[0].Generation != generation || ended[0].Reason != want {
		s.t.Errorf("%+v, want that of generation %d: %s", ended, generation, want)
	}
}

// TestSeedTimeEndsUnderDemand: seeds that are busy and come to nothing have all slots filled when their time is over.
func TestSeedTimeEndsUnderDemand(t *testing.T) {
	s := seeded(t, 4)
	s.boot(s.press())
	s.all(gen(1))
	s.ended(1, ReasonSeedTime)
}

// TestSeedTimeOfSeedsThatAreShortOfCPUs is longer: more workers would serve no more. It ends all the same.
func TestSeedTimeOfSeedsThatAreShortOfCPUs(t *testing.T) {
	for name, test := range map[string]struct {
		share float64
		times int // that the time is set
	}{"short of CPUs": {0.9, maxSeedTimes}, "waiting for others": {0.5, 1}, "not known": {0, 1}} {
		t.Run(name, func(t *testing.T) {
			s := seeded(t, 4)
			since := s.now
			s.demand(true)
			for times := 1; times <= 2*maxSeedTimes; times++ {
				s.now += 900 * time.Millisecond
				var found []Measurement
				for slot := range 2 {
					found = append(found, Measurement{Key: s.serving(slot), Served: 5, Busy: true,
						Runnable: time.Duration(test.share * float64(s.now-since))})
				}
				s.event(WorkersMeasured{found})
				s.now = since + time.Duration(times)*time.Second
				spawned := s.event(TimerFired{Timer{TimerSeed, gen(1).Key()}})
				if len(find[SpawnWorker](spawned)) == 0 {
					continue
				}
				s.boot(spawned)
				if times != test.times {
					t.Errorf("it ends after %d times", times)
				}
				s.all(gen(1))
				s.ended(1, ReasonSeedTime)
				return
			}
			t.Error("the slots are not filled")
		})
	}
}

// TestSlotsDoNotWaitForARefusedRefork, where the next one would come when the time is over.
func TestSlotsDoNotWaitForARefusedRefork(t *testing.T) {
	for name, why := range map[string]Refusal{
		"it fails":           {Error: &Failure{Class: "Errno::EAGAIN"}},
		"a thread":           {Findings: []Finding{{Kind: "thread", Text: "a thread"}}},
		"unfit, and another": {Findings: []Finding{{Kind: KindDeclared, Text: "unfit"}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := seeded(t, 4)
			origin := s.served(0, 10)[0].Origin
			s.demand(true)
			actions := s.event(WorkerNotReforked{Origin: origin, Why: why})
			actions = append(actions, s.event(PreloaderExited{Origin: origin})...)
			if name == "unfit, and another" {
				if len(find[SpawnWorker](actions)) != 0 {
					t.Fatalf("%+v, and the other seed may be fit", actions)
				}
				origin = s.served(1, 10)[0].Origin
				actions = s.event(WorkerNotReforked{Origin: origin, Why: why})
				actions = append(actions, s.event(PreloaderExited{Origin: origin})...)
			}
			s.boot(actions)
			s.all(gen(1))
			s.ended(1, ReasonNoRefork)
		})
	}
}

// TestSlotsWaitForTheNextSeed where a refusal leaves time for another attempt.
func TestSlotsWaitForTheNextSeed(t *testing.T) {
	s := seededFor(t, 4, time.Minute)
	origin := s.served(0, 10)[0].Origin
	s.event(WorkerNotReforked{Origin: origin, Why: Refusal{Findings: []Finding{{Kind: "thread", Text: "a thread"}}}})
	if spawned := find[SpawnWorker](s.event(PreloaderExited{Origin: origin})); len(spawned) != 0 {
		t.Errorf("%+v", spawned)
	}
	s.now += refusalPause
	if asked := s.served(1, 10); len(asked) != 1 {
		t.Errorf("%+v", asked)
	}
}

// TestSeedTimeWhileTheNextReleaseLoads: the empty slots are left to that one, for twice as long as the last load took.
func TestSeedTimeWhileTheNextReleaseLoads(t *testing.T) {
	s := seeded(t, 5)
	s.core.loads[1] = LoadRecord{Load: Load{Seconds: 2}}
	s.event(RestartAsked{"HUP"})
	if spawned := find[SpawnWorker](s.press()); len(spawned) != 0 {
		t.Fatalf("spawned %+v", spawned)
	}
	for range 3 {
		if spawned := find[SpawnWorker](s.fire(TimerSeed)); len(spawned) != 0 {
			t.Fatalf("spawned %+v", spawned)
		}
	}
	s.boot(s.fire(TimerSeed))
	for number, slot := range s.core.slots {
		if w := slot.serving(); w == nil || w.state != ReadyWorker {
			t.Errorf("slot %d: %+v", number, w)
		}
	}
	s.ended(1, ReasonSeedTime)
}

// TestSeedTimeWhileTheNextReleasePrepares, which it does before it has workers: what the one before has done beside its own counts.
func TestSeedTimeWhileTheNextReleasePrepares(t *testing.T) {
	s := early(t, 5)
	s.core.loads[1] = LoadRecord{Load: Load{Seconds: 1}}
	s.boot(s.event(PreloaderPrepared{Origin: gen(1), Seconds: 1}))
	s.event(RestartAsked{"HUP"})
	s.demand(true)
	for range 4 {
		if spawned := find[SpawnWorker](s.fire(TimerSeed)); slices.ContainsFunc(spawned, func(a SpawnWorker) bool { return a.Key.Slot > 1 }) {
			t.Fatalf("spawned %+v", spawned)
		}
	}
	s.fire(TimerSeed)
	s.ended(1, ReasonSeedTime)
}

// TestReleaseThatFailsToLoad leaves no slot empty.
func TestReleaseThatFailsToLoad(t *testing.T) {
	s := seeded(t, 5)
	s.core.loads[1] = LoadRecord{Load: Load{Seconds: 60}}
	s.event(RestartAsked{"HUP"})
	s.press()
	s.event(PreloaderExited{Origin: gen(2)})
	s.boot(s.fire(TimerSeed))
	s.all(gen(1))
}

// TestReleaseWhileTheOneBeforeGrows takes the empty slots: none gets a worker of the older code.
func TestReleaseWhileTheOneBeforeGrows(t *testing.T) {
	s := seeded(t, 5)
	s.event(RestartAsked{"HUP"})
	actions := s.load(2)
	first := s.firstWorker(actions, gen(2))
	s.event(TimerFired{Timer{TimerSeed, gen(1).Key()}})
	s.boot(s.ready(first))
	s.drained()
	for _, a := range find[SpawnWorker](s.acts)[2:] {
		if a.Key.Generation != 2 {
			t.Errorf("%v", a.Key)
		}
	}
	if slots := s.slotsOf(gen(2)); len(slots) != 2 {
		t.Errorf("%v are seeds", slots)
	}
	lent := []int{}
	for _, a := range find[LendSockets](s.acts) {
		if a.Key.Generation == 2 {
			lent = append(lent, a.Slots...)
		}
	}
	if !slices.Contains(lent, 3) || !slices.Contains(lent, 4) {
		t.Errorf("lent %v", lent)
	}
}

// TestSlotThatNobodyHasIsNotLeftToTheRelease: it is filled with what serves.
func TestSlotThatNobodyHasIsNotLeftToTheRelease(t *testing.T) {
	s := seeded(t, 5)
	s.event(RestartAsked{"HUP"})
	s.load(2)
	if spawned := find[SpawnWorker](s.dies(s.serving(1), 20)); len(spawned) != 1 || spawned[0].Key.Slot != 1 || spawned[0].Key.Generation != 1 {
		t.Errorf("spawned %+v", spawned)
	}
}

// TestReforkIsNotAskedAnewBeforeItsFailureIsCounted: its preloader dies while it forks the first worker.
func TestReforkIsNotAskedAnewBeforeItsFailureIsCounted(t *testing.T) {
	s := seededFor(t, 4, time.Minute)
	origin := s.asked(0, 10)
	s.firstWorker(s.reforked(origin), origin)
	if asked := find[ReforkWorker](s.event(PreloaderExited{Origin: origin})); len(asked) != 0 {
		t.Errorf("asked %+v", asked)
	}
}

// TestSeedTimeAfterStop ends nothing: that is not why the generation does not grow any more.
func TestSeedTimeAfterStop(t *testing.T) {
	s := seeded(t, 4)
	s.event(StopAsked{By: "TERM"})
	if late := find[SeedingEnded](s.fire(TimerSeed)); len(late) != 0 {
		t.Errorf("%+v", late)
	}
}

// TestSeedingEndsWhereAllSlotsAreFilled: a newer generation was there for a while, and its workers came to nothing.
func TestSeedingEndsWhereAllSlotsAreFilled(t *testing.T) {
	s := seeded(t, 3)
	s.core.policy.Seeds = 3
	s.boot(s.event(WorkersMeasured{}))
	s.core.policy.Seeds = 2
	s.event(WorkersMeasured{})
	if s.core.seeding() != nil {
		t.Error("it grows, and no slot is without a worker")
	}
	s.all(gen(1))
}

// TestASeedThatDiesWhileNothingCanFork: its socket is lent to the other one, and the status says that all slots are served.
func TestASeedThatDiesWhileNothingCanFork(t *testing.T) {
	s := seeded(t, 5)
	s.event(PreloaderExited{Origin: gen(1)})
	for range 2 { // also while it waits for the next load
		for _, slot := range s.core.View(s.now).Slots[2:] {
			if !slot.Lent {
				t.Errorf("slot %d is not lent", slot.Slot)
			}
		}
		s.event(PreloaderExited{Origin: gen(2)})
	}
	if lent := find[LendSockets](s.dies(s.serving(0), 4)); len(lent) != 1 || lent[0].Key.Slot != 1 || !slices.Equal(lent[0].Slots, []int{0}) {
		t.Fatalf("lent %+v", lent)
	}
	s.event(StopAsked{})
	if n := len(find[LendSockets](s.newest)); n != 0 {
		t.Errorf("lent %d times while it stops", n)
	}
}

// TestSlotsAreLentUntilANewReleaseServes, and the status says so: its first worker may take its time, or not come up.
func TestSlotsAreLentUntilANewReleaseServes(t *testing.T) {
	s := seeded(t, 5)
	s.event(RestartAsked{"HUP"})
	s.load(2)
	for _, slot := range s.core.View(s.now).Slots[2:] {
		if !slot.Lent {
			t.Errorf("slot %d is not lent", slot.Slot)
		}
	}
}

// TestReforkOfSeedsThatHaveAllSlots: its preloader has died, so the spare has taken the slot that was to show what the refork can do, and
// the next load fails. The refork takes the slots of the seeds then: it would never be thought sound, nor have a spare.
func TestReforkOfSeedsThatHaveAllSlots(t *testing.T) {
	s := seededBy(t, 2, 1, time.Second)
	s.core.policy.Spare = SpareOne
	s.fire(TimerSeed) // the seed serves alone
	s.prepared()
	asked := find[ReforkWorker](s.event(WorkersMeasured{[]Measurement{{Key: s.serving(0), Served: 20}}}))
	if len(asked) != 1 {
		t.Fatalf("%+v", s.newest)
	}
	given := s.assigned(s.event(PreloaderExited{Origin: gen(1), Exit: ident.ExitStatus{Signal: 9}}))
	s.event(WorkerReady{given.Spare, 500})
	s.reforked(asked[0].Origin)
	spawned := find[SpawnWorker](s.event(PreloaderExited{Origin: gen(2), Exit: ident.ExitStatus{Code: 1}}))
	if len(spawned) != 1 || spawned[0].Key.Origin() != asked[0].Origin {
		t.Fatalf("%+v", s.newest)
	}
}
