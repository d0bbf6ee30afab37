package core

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestFrontStopsFirst: the stop is told at once and its time runs, but nobody leaves before the
// front has finished.
func TestFrontStopsFirst(t *testing.T) {
	s := running(t, 2)
	actions := s.event(FrontStopAsked{"TERM"})
	if !slices.Contains(s.facts, "StopBegan") || s.core.View(s.now).Phase != PhaseStopping {
		t.Errorf("facts %q, phase %v", s.facts, s.core.View(s.now).Phase)
	}
	if timers := find[SetTimer](actions); !slices.ContainsFunc(timers, func(a SetTimer) bool {
		return a.Timer.Kind == TimerStop && a.After == 30*time.Second
	}) {
		t.Errorf("the time does not run: %+v", timers)
	}
	if len(find[DrainWorker](actions)) != 0 || len(find[HideSockets](actions)) != 0 || len(find[RetirePreloader](actions)) != 1 {
		t.Errorf("%+v", actions)
	}
	if again := s.event(FrontStopAsked{"TERM"}); len(again) != 1 || len(find[StopNoted](again)) != 1 {
		t.Errorf("asked twice: %+v", again)
	}
	s.event(PreloaderExited{Origin: gen(1)})
	s.now += 10 * time.Second
	actions = s.event(FrontStopped{})
	drained := find[DrainWorker](actions)
	if len(drained) != 2 || !drained[0].Backlog || len(find[HideSockets](actions)) != 1 {
		t.Fatalf("%+v", actions)
	}
	s.event(WorkerExited{Key: drained[0].Key})
	if done := find[Finish](s.event(WorkerExited{Key: drained[1].Key})); len(done) != 1 || done[0].Failure != nil {
		t.Errorf("%+v", done)
	}
}

// TestFrontOutlastsTheTime: one time for the front and the workers, and nobody outlives it.
func TestFrontOutlastsTheTime(t *testing.T) {
	s := running(t, 2)
	s.event(FrontStopAsked{"TERM"})
	killed := find[KillWorker](s.fire(TimerStop))
	if len(killed) != 2 || !slices.Contains(s.facts, "KillingAll") {
		t.Fatalf("%d killed; %q", len(killed), s.facts)
	}
	s.event(PreloaderExited{Origin: gen(1)})
	s.event(WorkerExited{Key: killed[0].Key})
	if done := find[Finish](s.event(WorkerExited{Key: killed[1].Key})); len(done) != 1 {
		t.Errorf("%+v", done)
	}
	if late := s.event(FrontStopped{}); len(late) != 0 {
		t.Errorf("after the end: %+v", late)
	}
}

// TestWorkersDieWhileTheFrontStops: nobody is forked any more, so a slot that loses its worker gives
// its queue to the others, and the last one's death ends all.
func TestWorkersDieWhileTheFrontStops(t *testing.T) {
	s := running(t, 2)
	s.event(FrontStopAsked{"TERM"})
	s.event(PreloaderExited{Origin: gen(1)})
	actions := s.dies(s.serving(0), 5)
	if closed := find[CloseSlot](actions); len(closed) != 1 || closed[0].Slot != 0 || len(find[SpawnWorker](actions)) != 0 {
		t.Errorf("%+v", actions)
	}
	if done := find[Finish](s.dies(s.serving(1), 5)); len(done) != 1 || done[0].Failure != nil {
		t.Errorf("%+v", done)
	}
}

func TestFrontStopsWhileLoading(t *testing.T) {
	s := newScript(t, 2)
	actions := s.event(FrontStopAsked{"TERM"})
	if len(find[SignalPreloader](actions)) != 1 || len(find[CloseSlot](actions)) != 2 {
		t.Errorf("%+v", actions)
	}
	if done := find[Finish](s.event(PreloaderExited{Origin: gen(1)})); len(done) != 1 || done[0].Failure != nil {
		t.Errorf("%+v", done)
	}
}

func TestFrontStopsWhileWorkersBoot(t *testing.T) {
	s := newScript(t, 2)
	spawns := find[SpawnWorker](s.load(1))
	s.ready(spawns[0].Key)
	drained := find[DrainWorker](s.event(FrontStopAsked{"TERM"}))
	if len(drained) != 1 || drained[0].Key != spawns[1].Key {
		t.Errorf("%+v", drained)
	}
}

func TestSecondSignalWhileTheFrontStops(t *testing.T) {
	s := running(t, 2)
	s.event(FrontStopAsked{"TERM"})
	if killed := find[KillWorker](s.event(StopAsked{"TERM", true})); len(killed) != 2 {
		t.Errorf("%d killed", len(killed))
	}
}

// TestFrontThatEndsByItself is no reason to stop.
func TestFrontThatEndsByItself(t *testing.T) {
	s := running(t, 2)
	if actions := s.event(FrontStopped{}); len(actions) != 0 {
		t.Errorf("%+v", actions)
	}
}

// TestDirectFrontStops: those that serve serve on, and a load that is under way is given up.
func TestDirectFrontStops(t *testing.T) {
	s := runningDirect(t, 2)
	s.event(RestartAsked{"HUP"})
	loading := s.newestKey()
	s.hello(loading)
	drained := find[DrainWorker](s.event(FrontStopAsked{"TERM"}))
	if len(drained) != 1 || drained[0].Key != loading || len(s.core.preloaders) != 0 {
		t.Fatalf("%+v; %+v", drained, s.core.preloaders)
	}
	s.event(WorkerExited{Key: loading})
	if left := find[DrainWorker](s.event(FrontStopped{})); len(left) != 2 {
		t.Errorf("%+v", left)
	}
}

// TestStormWhileTheFrontStops throws random events at a core that waits for its front. It must end,
// once, and start nobody.
func TestStormWhileTheFrontStops(t *testing.T) {
	for seed := range uint64(200) {
		s := running(t, 4)
		random := rand.New(rand.NewPCG(seed, 4))
		s.core.random = random.Float64
		storm := func(events int) {
			for range events {
				s.now += time.Duration(random.Int64N(int64(300 * time.Millisecond)))
				s.event(s.randomEvent(random))
			}
		}
		storm(100)
		s.event(FrontStopAsked{"TERM"})
		before := len(s.acts)
		storm(random.IntN(40))
		s.event(FrontStopped{})
		storm(random.IntN(40))
		for range 10 {
			for _, p := range slices.Clone(s.core.preloaders) {
				s.event(PreloaderExited{Origin: p.origin})
			}
			for _, slot := range s.core.slots {
				for _, w := range slices.Clone(slot.workers) {
					s.event(WorkerExited{Key: w.key, Served: 1})
				}
			}
		}
		if s.core.phase != PhaseDone || s.kinds["core.Finish"] != 1 {
			t.Fatalf("seed %d: phase %d, finished %d times", seed, s.core.phase, s.kinds["core.Finish"])
		}
		if after := s.acts[before:]; len(find[SpawnWorker](after)) != 0 || len(find[StartPreloader](after)) != 0 || t.Failed() {
			t.Fatalf("seed %d: somebody was started", seed)
		}
	}
}
