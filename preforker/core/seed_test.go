package core

import (
	"slices"
	"testing"
	"time"

	"launcher/preforker/ident"
)

// seeded is a core of so many slots whose application has loaded, and whose two seeds are ready.
func seeded(t *testing.T, slots int) *script {
	t.Helper()
	return seededFor(t, slots, time.Second)
}

func seededFor(t *testing.T, slots int, seedTime time.Duration) *script {
	t.Helper()
	return seededBy(t, slots, 2, seedTime)
}

func seededBy(t *testing.T, slots, seeds int, seedTime time.Duration) *script {
	t.Helper()
	s := &script{t: t, core: New(slots, Policy{BootTimeout: time.Minute, DrainTimeout: 30 * time.Second, MeasurePeriod: testPeriod,
		Refork: Refork{After: []uint64{10, 60}}, Seeds: seeds, SeedTime: seedTime}, func() float64 { return 0 }), kinds: map[string]int{}}
	s.event(Started{})
	s.boot(s.load(1))
	return s
}

// press has all seeds busy until their time is over.
func (s *script) press() []Action {
	s.t.Helper()
	s.demand(true)
	return s.fire(TimerSeed)
}

// demand has each seed of the newest generation that grows busy, or idle.
func (s *script) demand(busy bool) []Action {
	s.t.Helper()
	var found []Measurement
	for _, slot := range s.slotsOf(s.core.seeding().origin) {
		w := s.core.slots[slot].serving()
		found = append(found, Measurement{Key: w.key, Served: w.served, Busy: busy})
	}
	return s.event(WorkersMeasured{found})
}

// has says whether the workers of a generation serve exactly these slots.
func (s *script) slotsOf(origin ident.Origin) (slots []int) {
	for _, slot := range s.core.slots {
		if w := slot.serving(); w != nil && w.state == ReadyWorker && w.key.Origin() == origin {
			slots = append(slots, slot.number)
		}
	}
	return slots
}

func TestSeedsServeAllSlots(t *testing.T) {
	s := seeded(t, 5)
	if slots := s.slotsOf(gen(1)); !slices.Equal(slots, []int{0, 1}) || s.kinds["core.SpawnWorker"] != 2 {
		t.Fatalf("%v are seeds; %v", slots, s.kinds)
	}
	lent := find[LendSockets](s.acts)
	if len(lent) != 2 || !slices.Equal(lent[0].Slots, []int{2, 3, 4}) || !slices.Equal(lent[1].Slots, []int{2, 3, 4}) {
		t.Errorf("lent %+v", lent)
	}
	if s.kinds["core.AnnounceServed"] != 1 || s.kinds["core.Announce"] != 0 {
		t.Errorf("%v, want word that all slots are served, and none that each has a worker", s.kinds)
	}
}

// TestSeedsAreLentSoManySockets as a message and a process can have, at most.
func TestSeedsAreLentSoManySockets(t *testing.T) {
	s := seeded(t, maxBorrowed+50)
	for _, lent := range find[LendSockets](s.acts) {
		if len(lent.Slots) != maxBorrowed {
			t.Errorf("%v is lent %d", lent.Key, len(lent.Slots))
		}
	}
	if n := s.kinds["core.LendSockets"]; n != 2 {
		t.Errorf("lent %d times", n)
	}
}

// TestSlotsAreFilledFromWhatTheSeedsHaveServed once each, the first of them before the others, and the seeds stay.
func TestSlotsAreFilledFromWhatTheSeedsHaveServed(t *testing.T) {
	s := seeded(t, 5)
	origin := s.asked(1, 10)
	actions := s.reforked(origin)
	first := find[SpawnWorker](actions)
	if len(first) != 1 || first[0].Key.Origin() != origin || first[0].Key.Slot != 2 {
		t.Fatalf("spawned %+v, want one that shows what it can do", first)
	}
	if more := find[SpawnWorker](s.ready(first[0].Key)); len(more) != 0 {
		t.Errorf("before its first answer: %+v", more)
	}
	answered := s.event(WorkerAnsweredFirst{first[0].Key, 200, "GET /"})
	if len(find[RetirePreloader](answered)) != 1 || len(find[ReturnSockets](answered)) != 0 {
		t.Errorf("%+v, want the preloader of the seeds to leave, and them to serve all slots until those are filled", answered)
	}
	s.boot(answered)
	if cold, warm := s.slotsOf(gen(1)), s.slotsOf(origin); !slices.Equal(cold, []int{0, 1}) || !slices.Equal(warm, []int{2, 3, 4}) {
		t.Errorf("seeds %v, forks of a warm one %v", cold, warm)
	}
	if s.kinds["core.SpawnWorker"] != 5 || s.kinds["core.DrainWorker"] != 0 || s.kinds["core.Announce"] != 1 || s.kinds["core.ReturnSockets"] != 2 {
		t.Errorf("%v", s.kinds)
	}
	if retired := find[RetirePreloader](s.acts); len(retired) != 1 || retired[0].Origin != gen(1) {
		t.Errorf("retired %+v", retired)
	}
	s.exits()
	if timers := find[SetTimer](s.acts); !slices.ContainsFunc(timers, func(a SetTimer) bool { return a.Timer.Kind == TimerSeed }) {
		t.Fatal("the seeds have no time")
	}
	if late := s.fire(TimerSeed); len(late) != 0 {
		t.Errorf("the time of seeds that have done their part: %+v", late)
	}
	s.arrived(3, 60) // and once more, with all
}

// TestSeedTimeWaitsForARefork once.
func TestSeedTimeWaitsForARefork(t *testing.T) {
	s := seeded(t, 4)
	s.asked(0, 10)
	if actions := s.press(); len(find[SpawnWorker](actions)) != 0 {
		t.Errorf("%+v", actions)
	}
	if actions := s.fire(TimerSeed); len(find[SpawnWorker](actions)) != 2 {
		t.Errorf("%+v", actions)
	}
}

// TestSeedThatDies is replaced by another, which the sockets are lent to.
func TestSeedThatDies(t *testing.T) {
	s := seeded(t, 4)
	actions := s.dies(s.serving(0), 3)
	spawned := find[SpawnWorker](actions)
	if len(spawned) != 1 || spawned[0].Key.Slot != 2 {
		t.Fatalf("%+v", actions)
	}
	if lent := find[LendSockets](actions); len(lent) != 1 || !slices.Equal(lent[0].Slots, []int{0}) {
		t.Errorf("to the other seed %+v", lent)
	}
	if lent := find[LendSockets](s.ready(spawned[0].Key)); len(lent) != 1 || lent[0].Key != spawned[0].Key || !slices.Equal(lent[0].Slots, []int{0, 3}) {
		t.Errorf("%+v", lent)
	}
}

// TestSeedWhosePreloaderFails: the first fork of the warm one answers badly, so the slots are filled from what was loaded.
func TestSeedWhosePreloaderFails(t *testing.T) {
	s := seeded(t, 4)
	origin := s.asked(0, 10)
	first := find[SpawnWorker](s.reforked(origin))
	s.ready(first[0].Key)
	s.demand(true)
	s.boot(s.event(WorkerAnsweredFirst{first[0].Key, 500, "GET /"}))
	s.drained()
	s.exits()
	s.all(gen(1))
}

// TestSeedsOfANewRelease: one after the other takes a slot, the others roll once, to warm forks.
func TestSeedsOfANewRelease(t *testing.T) {
	s := seeded(t, 5)
	s.boot(s.press())
	s.event(RestartAsked{"HUP"})
	s.boot(s.load(2))
	s.drained()
	if slots := s.slotsOf(gen(2)); len(slots) != 2 {
		t.Fatalf("%v are seeds", slots)
	}
	origin := s.asked(0, 10)
	first := find[SpawnWorker](s.reforked(origin))
	s.ready(first[0].Key)
	s.boot(s.event(WorkerAnsweredFirst{first[0].Key, 200, "GET /"}))
	for range 5 {
		s.drained()
	}
	if seeds, warm := s.slotsOf(gen(2)), s.slotsOf(origin); len(seeds) != 2 || len(warm) != 3 {
		t.Errorf("seeds %v, warm %v", seeds, warm)
	}
	if s.kinds["core.Announce"] != 2 {
		t.Errorf("%v", s.kinds)
	}
}

// TestReforkThatComesAfterSeedTime takes all slots, those of the seeds too: all of them were filled from what was loaded.
func TestReforkThatComesAfterSeedTime(t *testing.T) {
	s := seeded(t, 4)
	origin := s.asked(0, 10)
	s.press()
	s.boot(s.fire(TimerSeed))
	s.busy(0, false)
	s.busy(1, false)
	if cold := s.slotsOf(gen(1)); len(cold) != 4 {
		t.Fatalf("slots %v were filled", cold)
	}
	first := find[SpawnWorker](s.reforked(origin))
	if len(first) != 1 {
		t.Fatalf("spawned %+v, want one that shows what it can do", first)
	}
	s.ready(first[0].Key)
	s.drained()
	s.boot(s.event(WorkerAnsweredFirst{first[0].Key, 200, "GET /"}))
	for range 4 {
		s.boot(s.drained())
	}
	s.exits()
	s.all(origin)
}

// TestLentSocketIsAnotherOne: the seeds get the new one.
func TestLentSocketIsAnotherOne(t *testing.T) {
	s := seeded(t, 4)
	lent := find[LendSockets](s.event(SocketsLost{Slots: []int{3}}))
	if len(lent) != 2 || !slices.Equal(lent[0].Slots, []int{3}) || !slices.Equal(lent[1].Slots, []int{3}) {
		t.Errorf("lent %+v", lent)
	}
}

// TestLentSocketIsNotBound: it is lent once it is there.
func TestLentSocketIsNotBound(t *testing.T) {
	s := seeded(t, 4)
	s.event(SocketsLost{Slots: []int{3}})
	if opened := find[OpenSlot](s.event(SlotNotBound{Slot: 3, Error: "no"})); len(opened) != 1 {
		t.Errorf("%+v, want another attempt", opened)
	}
	if opened := find[OpenSlot](s.event(SlotNotBound{Slot: 3, Error: "no"})); len(opened) != 0 {
		t.Errorf("%+v, want a wait", opened)
	}
	if opened := find[OpenSlot](s.event(WorkersMeasured{})); len(opened) != 0 {
		t.Errorf("%+v before the wait is over", opened)
	}
	actions := s.fire(TimerSlot)
	lent := find[LendSockets](actions)
	if opened := find[OpenSlot](actions); len(opened) != 1 || len(lent) != 2 || !slices.Equal(lent[0].Slots, []int{3}) {
		t.Errorf("%+v", actions)
	}
}

// TestSeedThatDiesWhileItsPreloaderIsTried is replaced by another: nobody else serves the slots that have no worker.
func TestSeedThatDiesWhileItsPreloaderIsTried(t *testing.T) {
	s := seeded(t, 5)
	first := s.firstWorker(s.reforked(s.asked(0, 10)), ident.Origin{Generation: 1, Refork: 1})
	s.ready(first)
	for _, slot := range []int{0, 1} {
		if spawned := find[SpawnWorker](s.dies(s.serving(slot), 20)); len(spawned) != 1 || spawned[0].Key.Origin() != gen(1) {
			t.Fatalf("spawned %+v, want another seed", spawned)
		}
	}
}

// TestReforksOfTwoGenerationsAreCountedApart: a release that dies young leaves the one before where it was.
func TestReforksOfTwoGenerationsAreCountedApart(t *testing.T) {
	s := seeded(t, 4)
	s.boot(s.press())
	s.notReforked(s.asked(0, 10))
	s.event(RestartAsked{"HUP"})
	s.load(2)
	if asked := find[ReforkWorker](s.event(PreloaderExited{Origin: gen(2)})); len(asked) != 0 {
		t.Errorf("asked %+v before the wait is over", asked)
	}
}

// TestLostLentSocketIsReturned: a worker that was lent a socket which is another one now still has the old one.
func TestLostLentSocketIsReturned(t *testing.T) {
	s := seeded(t, 3)
	s.event(PreloaderExited{Origin: gen(1)})
	s.event(SocketsLost{Slots: []int{2}})
	s.boot(s.load(2))
	if returned := find[ReturnSockets](s.acts); len(returned) != 2 {
		t.Errorf("returned %+v", returned)
	}
}

// notReforked is a refork that fails in the worker.
func (s *script) notReforked(origin ident.Origin) {
	s.t.Helper()
	s.event(WorkerNotReforked{Origin: origin, Why: Refusal{Error: &Failure{Class: "Errno::EAGAIN"}}})
	s.event(PreloaderExited{Origin: origin})
}

// TestReforkOfAReleaseThatIsGone: what grew before takes an empty slot, not what nobody has seen serve.
func TestReforkOfAReleaseThatIsGone(t *testing.T) {
	s := seeded(t, 4)
	s.event(RestartAsked{"HUP"})
	s.boot(s.load(2))
	asked := s.served(s.slotsOf(gen(2))[0], 10)
	if len(asked) != 1 || asked[0].Key.Generation != 2 {
		t.Fatalf("asked %+v", asked)
	}
	s.event(PreloaderExited{Origin: gen(2)})
	s.reforked(asked[0].Origin)
	if spawned := find[SpawnWorker](s.dies(asked[0].Key, 20)); len(spawned) != 1 || spawned[0].Key.Origin() != gen(1) {
		t.Errorf("spawned %+v", spawned)
	}
}

// TestReforkOfAReleaseStays where what has loaded that release is gone: nothing goes back to older code.
func TestReforkOfAReleaseStays(t *testing.T) {
	s := seeded(t, 4)
	s.boot(s.press())
	s.event(RestartAsked{"HUP"})
	s.boot(s.load(2))
	s.drained()
	asked := s.served(s.slotsOf(gen(2))[0], 10)
	first := s.firstWorker(s.reforked(asked[0].Origin), asked[0].Origin)
	s.event(PreloaderExited{Origin: gen(2)})
	s.ready(first)
	s.dies(first, 0)
	if given := find[ReforkGivenUp](s.acts); len(given) != 0 {
		t.Errorf("%+v", given)
	}
}

// TestForkOfAFailedReforkLeavesAtOnce: no slot waits for the end of the seed time, when nothing will come.
func TestForkOfAFailedReforkLeavesAtOnce(t *testing.T) {
	s := seeded(t, 5)
	origin := s.asked(0, 10)
	first := s.firstWorker(s.reforked(origin), origin)
	s.ready(first)
	s.demand(true)
	spawned := find[SpawnWorker](s.event(WorkerAnsweredFirst{first, 500, "GET /"}))
	if len(spawned) != 3 || spawned[0].Key.Origin() != gen(1) || !slices.ContainsFunc(spawned, func(a SpawnWorker) bool { return a.Key.Slot == first.Slot }) {
		t.Errorf("spawned %+v", spawned)
	}
	if ended := find[SeedingEnded](s.acts); len(ended) != 1 || ended[0].Reason != ReasonNoRefork {
		t.Errorf("%+v", ended)
	}
}

// TestLentSocketsAreKept until the seeds of the next release are there.
func TestLentSocketsAreKept(t *testing.T) {
	s := seeded(t, 4)
	s.event(PreloaderExited{Origin: gen(1)})
	actions := s.load(2)
	if returned := find[ReturnSockets](actions); len(returned) != 0 {
		t.Errorf("returned %+v, and nobody else serves yet", returned)
	}
	if returned := find[ReturnSockets](s.ready(find[SpawnWorker](actions)[0].Key)); len(returned) != 2 {
		t.Errorf("returned %+v", returned)
	}
}

// TestSeedsServeUntilTheyAreReforked, though their first requests need more than the budget: replaced before, again and again, there
// would never be anything to fill the other slots from.
func TestSeedsServeUntilTheyAreReforked(t *testing.T) {
	s := &script{t: t, core: New(4, Policy{BootTimeout: time.Minute, DrainTimeout: 30 * time.Second, MeasurePeriod: testPeriod, Renewal: twenty,
		Refork: Refork{After: []uint64{10, 60}}, Seeds: 2, SeedTime: time.Second}, func() float64 { return 0 }), kinds: map[string]int{}}
	s.event(Started{})
	s.boot(s.load(1))
	for _, served := range []uint64{8, 9} {
		if spawned := find[SpawnWorker](s.measured(0, 30, served)); len(spawned) != 0 {
			t.Fatalf("after %d requests %+v, want the seed to stay", served, spawned)
		}
	}
	if asked := find[ReforkWorker](s.measured(0, 30, 10)); len(asked) != 1 {
		t.Errorf("asked %+v, want it to be reforked", asked)
	}
}
