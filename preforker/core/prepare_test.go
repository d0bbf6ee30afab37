package core

import (
	"slices"
	"testing"
	"time"

	"launcher/preforker/ident"
)

// early is a core of so many slots whose application has loaded and whose two early workers serve, with two seeds to come.
func early(t *testing.T, slots int) *script {
	t.Helper()
	s := &script{t: t, core: New(slots, Policy{BootTimeout: time.Minute, DrainTimeout: 30 * time.Second, MeasurePeriod: testPeriod, Early: 2,
		Refork: Refork{After: []uint64{10, 60}}, Seeds: 2, SeedTime: time.Second}, func() float64 { return 0 }), kinds: map[string]int{}}
	s.event(Started{})
	actions := s.load(1)
	if spawns := find[SpawnWorker](actions); len(spawns) != min(slots, 2) || len(find[PreparePreloader](actions)) != 1 {
		t.Fatalf("%+v", actions)
	}
	if _, last := actions[len(actions)-1].(PreparePreloader); !last {
		t.Errorf("%T comes after it: it would be done when all is prepared", actions[len(actions)-1])
	}
	s.boot(actions)
	return s
}

// leaves ends the worker that was asked to leave last.
func (s *script) earlyLeaves() []Action {
	s.t.Helper()
	drained := find[DrainWorker](s.acts)
	return s.event(WorkerExited{Key: drained[len(drained)-1].Key, Served: 3})
}

// TestFirstWorkersServeBeforeAnythingIsPrepared: for all slots, and make room one after the other for the seeds.
func TestFirstWorkersServeBeforeAnythingIsPrepared(t *testing.T) {
	s := early(t, 5)
	lent := find[LendSockets](s.acts)
	if len(lent) != 2 || !slices.Equal(lent[0].Slots, []int{2, 3, 4}) {
		t.Errorf("lent %+v", lent)
	}
	if s.kinds["core.WatchWorker"] != 0 {
		t.Error("what makes room soon is measured")
	}
	finding := Finding{Kind: "thread", Text: "boot started a thread"}
	actions := s.event(PreloaderPrepared{Origin: gen(1), Findings: []Finding{finding}})
	if told := find[FindingMade](actions); len(told) != 1 || told[0].Finding != finding || len(find[MemoryPrepared](actions)) != 1 {
		t.Errorf("told %+v", actions)
	}
	if load := s.core.View(0).Generations[0].Loaded.Load; !slices.Equal(load.Findings, []Finding{finding}) {
		t.Errorf("who asks is told of %+v", load.Findings)
	}
	first := find[SpawnWorker](actions)
	if len(first) != 1 || first[0].Key.Slot != 0 {
		t.Fatalf("spawned %+v", first)
	}
	if more := find[SpawnWorker](s.ready(first[0].Key)); len(more) != 0 {
		t.Errorf("%+v before the early one has left", more)
	}
	second := find[SpawnWorker](s.earlyLeaves())
	if len(second) != 1 || second[0].Key.Slot != 1 {
		t.Fatalf("spawned %+v", second)
	}
	s.ready(second[0].Key)
	s.earlyLeaves()
	if seeds := s.slotsOf(gen(1)); !slices.Equal(seeds, []int{0, 1}) || s.kinds["core.SpawnWorker"] != 4 || s.kinds["core.Announce"] != 0 {
		t.Errorf("%v are seeds; %v", seeds, s.kinds)
	}
	origin := s.asked(1, 10)
	warm := find[SpawnWorker](s.reforked(origin))
	s.ready(warm[0].Key)
	s.boot(s.event(WorkerAnsweredFirst{warm[0].Key, 200, "GET /"}))
	if warm := s.slotsOf(origin); !slices.Equal(warm, []int{2, 3, 4}) || s.kinds["core.Announce"] != 1 {
		t.Errorf("forks of a warm one %v; %v", warm, s.kinds)
	}
}

// TestAnnouncedWhenPrepared, also where the early workers serve all slots.
func TestAnnouncedWhenPrepared(t *testing.T) {
	s := early(t, 2)
	if s.kinds["core.Announce"] != 0 {
		t.Error("workers are announced that make room")
	}
	s.boot(s.event(PreloaderPrepared{Origin: gen(1)}))
	s.boot(s.earlyLeaves())
	s.earlyLeaves()
	if s.kinds["core.Announce"] != 1 || s.kinds["core.SpawnWorker"] != 4 {
		t.Errorf("%v", s.kinds)
	}
}

// TestEarlyWorkerThatDies is replaced by the preloader as soon as it can.
func TestEarlyWorkerThatDies(t *testing.T) {
	s := early(t, 4)
	spawned := find[SpawnWorker](s.dies(s.serving(0), 3))
	if len(spawned) != 1 || spawned[0].Key.Origin() != gen(1) {
		t.Fatalf("%+v", spawned)
	}
	s.ready(spawned[0].Key)
	if rolled := find[SpawnWorker](s.event(PreloaderPrepared{Origin: gen(1)})); len(rolled) != 1 || rolled[0].Key.Slot != 1 && rolled[0].Key.Slot != spawned[0].Key.Slot {
		t.Errorf("the one that has taken its place is early, too: %+v", rolled)
	}
}

// TestPreloaderThatDiesWhilePreparing leaves its workers serving; what is loaded in its place goes without.
func TestPreloaderThatDiesWhilePreparing(t *testing.T) {
	s := early(t, 4)
	actions := s.event(PreloaderExited{Origin: gen(1), Exit: ident.ExitStatus{Signal: 11}})
	started := find[StartPreloader](actions)
	if len(started) != 1 || started[0] != (StartPreloader{2, PrepareNot, true}) || len(find[DrainWorker](actions)) != 0 || len(find[ReturnSockets](actions)) != 0 {
		t.Fatalf("%+v", actions)
	}
	if first := find[SpawnWorker](s.load(2)); len(first) != 1 || first[0].Key.Generation != 2 {
		t.Errorf("%+v", first)
	}
	s.event(RestartAsked{"HUP"})
	if started := find[StartPreloader](s.acts); started[len(started)-1] != (StartPreloader{3, PrepareFirst, true}) {
		t.Errorf("a new release: %+v", started)
	}
}

// TestPreparationThatDoesNotEnd is ended with the boot timeout, and nobody but the preloader.
func TestPreparationThatDoesNotEnd(t *testing.T) {
	s := early(t, 4)
	s.now += time.Minute
	actions := s.event(TimerFired{Timer{TimerPreloaderBoot, ident.Key{Generation: 1}}})
	killed := find[SignalPreloader](actions)
	if len(find[PreparationTimedOut](actions)) != 1 || len(killed) != 1 || killed[0] != (SignalPreloader{gen(1), ident.SIGKILL, false}) {
		t.Fatalf("%+v", actions)
	}
	if started := find[StartPreloader](s.event(PreloaderExited{Origin: gen(1), Exit: ident.ExitStatus{Signal: 9}})); len(started) != 1 || started[0].Prepare != PrepareNot {
		t.Errorf("%+v", started)
	}
	if late := s.event(PreloaderPrepared{Origin: gen(1)}); len(late) != 0 {
		t.Errorf("%+v", late)
	}
}

// TestBootTimeoutOfWhatIsPrepared has nothing to end.
func TestBootTimeoutOfWhatIsPrepared(t *testing.T) {
	s := early(t, 4)
	s.event(PreloaderPrepared{Origin: gen(1)})
	if actions := s.event(TimerFired{Timer{TimerPreloaderBoot, ident.Key{Generation: 1}}}); len(actions) != 0 {
		t.Errorf("%+v", actions)
	}
}

// TestStopWhilePreparing ends the preloader by a signal that has its exit handlers run: it reads nothing meanwhile.
func TestStopWhilePreparing(t *testing.T) {
	s := early(t, 4)
	actions := s.event(StopAsked{By: "TERM"})
	if signals := find[SignalPreloader](actions); len(signals) != 1 || signals[0] != (SignalPreloader{gen(1), ident.SIGTERM, false}) {
		t.Errorf("%+v", actions)
	}
}

// TestRestartPreparesFirst: while workers serve, nobody waits for the first answer of a new release.
func TestRestartPreparesFirst(t *testing.T) {
	s := early(t, 3)
	s.event(PreloaderPrepared{Origin: gen(1)})
	if started := find[StartPreloader](s.event(RestartAsked{"HUP"})); len(started) != 1 || started[0].Prepare != PrepareFirst {
		t.Errorf("%+v", started)
	}
}

// TestLentSocketThatCannotBeBoundBesideThePreparation is tried again while that goes on.
func TestLentSocketThatCannotBeBoundBesideThePreparation(t *testing.T) {
	s := early(t, 5)
	s.event(SocketsLost{[]int{3}})
	if opened := find[OpenSlot](s.event(SlotNotBound{Slot: 3, Error: "no space left"})); len(opened) != 1 {
		t.Fatalf("%+v", s.newest)
	}
	s.event(SlotNotBound{Slot: 3, Error: "no space left"})
	actions := s.fire(TimerSlot)
	if opened := find[OpenSlot](actions); len(opened) != 1 || opened[0].Slot != 3 {
		t.Errorf("%+v", actions)
	}
	if lent := find[LendSockets](actions); len(lent) != 2 || !slices.Equal(lent[0].Slots, []int{3}) {
		t.Errorf("lent %+v", lent)
	}
}

// earlyOne is a core of five slots that is to have one early worker and two seeds, and the key of that worker, which does not serve yet.
func earlyOne(t *testing.T) (s *script, first ident.Key) {
	t.Helper()
	s = &script{t: t, core: New(5, Policy{BootTimeout: time.Minute, DrainTimeout: 30 * time.Second, MeasurePeriod: testPeriod, Early: 1,
		Refork: Refork{After: []uint64{10, 60}}, Seeds: 2, SeedTime: time.Second}, func() float64 { return 0 }), kinds: map[string]int{}}
	s.event(Started{})
	return s, s.firstWorker(s.load(1), gen(1))
}

// TestSeedWaitsForAnEarlyWorkerThatLeaves, which has most of its memory for itself, but not for long: from the moment on at which
// the first seed is forked in its place.
func TestSeedWaitsForAnEarlyWorkerThatLeaves(t *testing.T) {
	for name, ends := range map[string]bool{"it ends": true, "it takes its time": false} {
		s, first := earlyOne(t)
		s.ready(first)
		seed := find[SpawnWorker](s.event(PreloaderPrepared{Origin: gen(1)}))
		if len(seed) != 1 || seed[0].Key.Slot != first.Slot {
			t.Fatalf("%s: spawned %+v, want a seed in the place of %v alone", name, seed, first)
		}
		if spawned := find[SpawnWorker](s.ready(seed[0].Key)); len(spawned) != 0 {
			t.Errorf("%s: %+v beside the early worker", name, spawned)
		}
		var next []Action
		if ends {
			next = s.event(WorkerExited{Key: first, Served: 1})
		} else {
			next = s.fire(TimerPace)
		}
		if spawned := find[SpawnWorker](next); len(spawned) != 1 {
			t.Errorf("%s: %+v, want the second seed", name, spawned)
		}
	}
}

// TestSeedWaitsForNoEarlyWorkerThatStays: where the seed that was to take its place dies, the next slot gets one.
func TestSeedWaitsForNoEarlyWorkerThatStays(t *testing.T) {
	s, first := earlyOne(t)
	s.ready(first)
	seed := find[SpawnWorker](s.event(PreloaderPrepared{Origin: gen(1)}))
	var spawned []SpawnWorker
	for range 5 {
		spawned = find[SpawnWorker](s.dies(seed[0].Key, 0))
		if len(spawned) != 1 || spawned[0].Key.Slot != first.Slot {
			break
		}
		seed = spawned
	}
	if len(spawned) != 2 || spawned[0].Key.Slot == first.Slot {
		t.Errorf("spawned %+v at last, want the seeds in other slots", spawned)
	}
}

// TestEarlyWorkersThatNoSeedReplaces leave all the same: they came up when the seeds had other slots already.
func TestEarlyWorkersThatNoSeedReplaces(t *testing.T) {
	s, first := earlyOne(t)
	s.boot(s.event(PreloaderPrepared{Origin: gen(1)}))
	if drained := find[DrainWorker](s.ready(first)); len(drained) != 1 || drained[0].Key != first {
		t.Fatalf("drained %+v, want %v", drained, first)
	}
	if lent := find[LendSockets](s.acts); !slices.Contains(lent[len(lent)-1].Slots, first.Slot) {
		t.Errorf("nobody has its socket: %+v", lent)
	}
}
