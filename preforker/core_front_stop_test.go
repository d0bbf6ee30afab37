package preforker

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
	actions := s.event(frontStops{"TERM"})
	if !slices.Contains(s.log, "stopping") || s.core.view(epoch, s.now).State != "stopping" {
		t.Errorf("log %q, state %q", s.log, s.core.view(epoch, s.now).State)
	}
	if timers := find[setTimer](actions); !slices.ContainsFunc(timers, func(a setTimer) bool {
		return a.timer.kind == timerStop && a.after == 30*time.Second
	}) {
		t.Errorf("the time does not run: %+v", timers)
	}
	if len(find[drainWorker](actions)) != 0 || len(find[hideSlots](actions)) != 0 || len(find[retirePreloader](actions)) != 1 {
		t.Errorf("%+v", actions)
	}
	if again := s.event(frontStops{"TERM"}); len(again) != 0 {
		t.Errorf("asked twice: %+v", again)
	}
	s.event(preloaderExited{origin: gen(1)})
	s.now += 10 * time.Second
	actions = s.event(frontStopped{})
	drained := find[drainWorker](actions)
	if len(drained) != 2 || !drained[0].backlog || len(find[hideSlots](actions)) != 1 {
		t.Fatalf("%+v", actions)
	}
	s.event(workerExited{key: drained[0].key})
	if done := find[finish](s.event(workerExited{key: drained[1].key})); len(done) != 1 || done[0].err != nil {
		t.Errorf("%+v", done)
	}
}

// TestFrontOutlastsTheTime: one time for the front and the workers, and nobody outlives it.
func TestFrontOutlastsTheTime(t *testing.T) {
	s := running(t, 2)
	s.event(frontStops{"TERM"})
	killed := find[killWorker](s.fire(timerStop))
	if len(killed) != 2 || !slices.Contains(s.log, "killing what is left") {
		t.Fatalf("%d killed; %q", len(killed), s.log)
	}
	s.event(preloaderExited{origin: gen(1)})
	s.event(workerExited{key: killed[0].key})
	if done := find[finish](s.event(workerExited{key: killed[1].key})); len(done) != 1 {
		t.Errorf("%+v", done)
	}
	if late := s.event(frontStopped{}); len(late) != 0 {
		t.Errorf("after the end: %+v", late)
	}
}

// TestWorkersDieWhileTheFrontStops: nobody is forked any more, so a slot that loses its worker gives
// its queue to the others, and the last one's death ends all.
func TestWorkersDieWhileTheFrontStops(t *testing.T) {
	s := running(t, 2)
	s.event(frontStops{"TERM"})
	s.event(preloaderExited{origin: gen(1)})
	actions := s.dies(s.serving(0), 5)
	if closed := find[closeSlot](actions); len(closed) != 1 || closed[0].slot != 0 || len(find[spawnWorker](actions)) != 0 {
		t.Errorf("%+v", actions)
	}
	if done := find[finish](s.dies(s.serving(1), 5)); len(done) != 1 || done[0].err != nil {
		t.Errorf("%+v", done)
	}
}

func TestFrontStopsWhileLoading(t *testing.T) {
	s := newScript(t, 2)
	actions := s.event(frontStops{"TERM"})
	if len(find[signalPreloader](actions)) != 1 || len(find[closeSlot](actions)) != 2 {
		t.Errorf("%+v", actions)
	}
	if done := find[finish](s.event(preloaderExited{origin: gen(1)})); len(done) != 1 || done[0].err != nil {
		t.Errorf("%+v", done)
	}
}

func TestFrontStopsWhileWorkersBoot(t *testing.T) {
	s := newScript(t, 2)
	spawns := find[spawnWorker](s.load(1))
	s.ready(spawns[0].key)
	drained := find[drainWorker](s.event(frontStops{"TERM"}))
	if len(drained) != 1 || drained[0].key != spawns[1].key {
		t.Errorf("%+v", drained)
	}
}

func TestSecondSignalWhileTheFrontStops(t *testing.T) {
	s := running(t, 2)
	s.event(frontStops{"TERM"})
	if killed := find[killWorker](s.event(stopAsked{"TERM", true})); len(killed) != 2 {
		t.Errorf("%d killed", len(killed))
	}
}

// TestFrontThatEndsByItself is no reason to stop.
func TestFrontThatEndsByItself(t *testing.T) {
	s := running(t, 2)
	if actions := s.event(frontStopped{}); len(actions) != 0 {
		t.Errorf("%+v", actions)
	}
}

// TestDirectFrontStops: those that serve serve on, and a load that is under way is given up.
func TestDirectFrontStops(t *testing.T) {
	s := runningDirect(t, 2)
	s.event(restartAsked{"HUP"})
	loading := s.newestKey()
	s.hello(loading)
	drained := find[drainWorker](s.event(frontStops{"TERM"}))
	if len(drained) != 1 || drained[0].key != loading || len(s.core.preloaders) != 0 {
		t.Fatalf("%+v; %+v", drained, s.core.preloaders)
	}
	s.event(workerExited{key: loading})
	if left := find[drainWorker](s.event(frontStopped{})); len(left) != 2 {
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
		s.event(frontStops{"TERM"})
		before := len(s.acts)
		storm(random.IntN(40))
		s.event(frontStopped{})
		storm(random.IntN(40))
		for range 10 {
			for _, p := range slices.Clone(s.core.preloaders) {
				s.event(preloaderExited{origin: p.origin})
			}
			for _, slot := range s.core.slots {
				for _, w := range slices.Clone(slot.workers) {
					s.event(workerExited{key: w.key, served: 1})
				}
			}
		}
		if s.core.phase != phaseDone || s.kinds["preforker.finish"] != 1 {
			t.Fatalf("seed %d: phase %d, finished %d times", seed, s.core.phase, s.kinds["preforker.finish"])
		}
		if after := s.acts[before:]; len(find[spawnWorker](after)) != 0 || len(find[startPreloader](after)) != 0 || t.Failed() {
			t.Fatalf("seed %d: somebody was started", seed)
		}
	}
}
