package core

import (
	"testing"
	"time"

	"launcher/preforker/ident"
)

// TestRollNeverGoesBack: the new generation's preloader dies in the middle of the
// roll, while the old one's is still there. A third is loaded, and no slot that has the new
// code gets the old one again.
func TestRollNeverGoesBack(t *testing.T) {
	s := running(t, 3)
	s.event(RestartAsked{"HUP"})
	first := find[SpawnWorker](s.load(2))[0].Key
	s.ready(first)
	s.event(WorkerExited{Key: ident.Key{Slot: first.Slot, Generation: 1, Serial: 1}, Served: 1})
	actions := s.event(PreloaderExited{Origin: gen(2), Exit: ident.ExitStatus{Signal: 9}})
	if started := find[StartPreloader](actions); len(started) != 1 || started[0].Generation != 3 {
		t.Fatalf("%+v", started)
	}
	s.boot(actions)
	if key := s.serving(first.Slot); key != first {
		t.Errorf("slot %d went from %v to %v", first.Slot, first, key)
	}
	s.boot(s.load(3))
	for slot := range 3 {
		if key := s.serving(slot); key.Generation != 3 {
			t.Errorf("slot %d: %v", slot, key)
		}
	}
}

// TestDrainingWorkerDoesNotServe: a successor dies while its predecessor still
// finishes a long request. The slot is filled at once, not when that is done.
func TestDrainingWorkerDoesNotServe(t *testing.T) {
	s := running(t, 1)
	old := s.serving(0)
	s.event(RestartAsked{"HUP"})
	s.boot(s.load(2))
	if _, w := s.core.worker(old); w == nil || w.state != DrainingWorker {
		t.Fatalf("%+v", w)
	}
	if spawned := find[SpawnWorker](s.dies(s.serving(0), 3)); len(spawned) != 1 {
		t.Errorf("%+v", spawned)
	}
	s.core.slots[0].deaths = 6 // a long wait closes the socket all the same
	s.boot(nil)
	if closed := find[CloseSlot](s.dies(s.serving(0), 0)); len(closed) != 1 {
		t.Errorf("%+v", closed)
	}
}

// TestLeavingWorkersDoNotCount: what becomes of one that was on its way out is no news for a slot that waits.
func TestLeavingWorkersDoNotCount(t *testing.T) {
	for name, end := range map[string]func(*script, *worker) []Action{
		"spawn failed": func(s *script, w *worker) []Action { return s.event(WorkerSpawnFailed{Key: w.key}) },
		"boot timeout": func(s *script, w *worker) []Action {
			w.reason = ReasonBootTimeout
			return s.event(WorkerExited{Key: w.key})
		},
	} {
		s := running(t, 1)
		old := s.core.slots[0].serving()
		s.event(RestartAsked{"HUP"})
		s.boot(s.load(2))
		for s.core.slots[0].state != WaitingSlot {
			s.boot(nil)
			key := s.serving(0)
			s.ready(key)
			s.dies(key, 0)
		}
		deaths := s.core.slots[0].deaths
		if spawned := find[SpawnWorker](end(s, old)); len(spawned) != 0 || s.core.slots[0].state != WaitingSlot {
			t.Errorf("%s: spawned %+v, the slot is %v", name, spawned, s.core.slots[0].state)
		}
		if n := s.core.slots[0].deaths; name == "spawn failed" && n != deaths {
			t.Errorf("%s: %d deaths, %d before", name, n, deaths)
		}
	}
}

// TestVacantSlotDoesNotWait: it has nobody to fork from, and is filled as soon as there is somebody.
func TestVacantSlotDoesNotWait(t *testing.T) {
	s := running(t, 1)
	old := s.core.slots[0].serving()
	s.event(RestartAsked{"HUP"})
	s.boot(s.load(2))
	s.event(PreloaderExited{Origin: gen(1)})
	s.event(PreloaderExited{Origin: gen(2), Exit: ident.ExitStatus{Signal: 9}})
	s.dies(s.serving(0), 5)
	old.reason, s.core.slots[0].deaths = ReasonBootTimeout, 9
	if actions := s.event(WorkerExited{Key: old.key}); len(find[CloseSlot](actions)) != 0 || s.core.slots[0].state != VacantSlot {
		t.Errorf("%+v, the slot is %v", actions, s.core.slots[0].state)
	}
	if spawned := find[SpawnWorker](s.load(3)); len(spawned) != 1 {
		t.Errorf("%+v", spawned)
	}
}

// TestBadReleaseTakesNoSlot: the new generation loads but its workers do not come up.
// An old worker that dies meanwhile is replaced by one of the old code.
func TestBadReleaseTakesNoSlot(t *testing.T) {
	s := running(t, 2)
	s.event(RestartAsked{"HUP"})
	actions := s.load(2)
	for range 2 {
		for _, spawn := range find[SpawnWorker](actions) {
			actions = s.dies(spawn.Key, 0)
		}
	}
	for slot := range 2 {
		_, w := s.core.worker(ident.Key{Slot: slot, Generation: 1, Serial: slot + 1})
		if w == nil || w.state != ReadyWorker {
			t.Fatalf("slot %d lost its old worker: %+v", slot, w)
		}
	}
	// Whatever is being tried in slot 1 dies as well.
	for key := s.serving(1); key.Generation == 2; key = s.serving(1) {
		s.dies(key, 0)
	}
	spawned := find[SpawnWorker](s.dies(ident.Key{Slot: 1, Generation: 1, Serial: 2}, 10))
	if len(spawned) == 0 || spawned[0].Key.Slot != 1 || spawned[0].Key.Generation != 1 {
		t.Errorf("%+v", spawned)
	}
}

// TestKilledBeforeItsPidIsKnown: "ready" may be the first that tells the pid.
func TestKilledBeforeItsPidIsKnown(t *testing.T) {
	s := newScript(t, 1)
	key := find[SpawnWorker](s.load(1))[0].Key
	s.event(StopAsked{"TERM", true})
	if killed := find[KillWorker](s.event(WorkerReady{key, 5})); len(killed) != 1 {
		t.Errorf("%+v", killed)
	}
	s.event(PreloaderExited{Origin: gen(1)})
	if killed := find[KillWorker](s.event(StopAsked{"TERM", true})); len(killed) != 1 {
		t.Errorf("asked once more: %+v", killed)
	}
}

// TestSlowPreloaderIsNotKilled: a spawn that waits behind others is not late.
func TestSlowPreloaderIsNotKilled(t *testing.T) {
	s := newScript(t, 8)
	spawned := find[SpawnWorker](s.load(1))
	for _, spawn := range spawned[:7] {
		s.now += 9 * time.Second
		s.ready(spawn.Key)
	}
	late := TimerFired{Timer{TimerWorkerBoot, spawned[7].Key}}
	actions := s.event(late)
	if len(find[SignalPreloader](actions)) != 0 || len(find[SetTimer](actions)) != 1 {
		t.Errorf("%+v", actions)
	}
	s.now += time.Minute
	if sent := find[SignalPreloader](s.event(late)); len(sent) != 1 || sent[0].Signal != 9 {
		t.Errorf("it has been silent for a minute: %+v", sent)
	}
}

// TestMuteWhileItLoads: a process that ends closes what it has open a moment before; one that stays is told apart from
// one that the kernel killed.
func TestMuteWhileItLoads(t *testing.T) {
	s := newScript(t, 1)
	s.event(PreloaderHello{gen(1), Hello{}})
	if sent := find[SignalPreloader](s.event(PreloaderChannelClosed{gen(1)})); len(sent) != 0 {
		t.Errorf("it may be about to end: %+v", sent)
	}
	if sent := find[SignalPreloader](s.fire(TimerPreloaderChannel)); len(sent) != 1 || sent[0].Signal != 9 || !sent[0].Group {
		t.Errorf("it is still there: %+v", sent)
	}
	s.event(PreloaderExited{Origin: gen(1), Exit: ident.ExitStatus{Signal: 9}})
	if f := s.core.failure; f == nil || f.Reason != ReasonChannelClosed || f.Was != LoadingPreloader {
		t.Errorf("%v", f)
	}
}

func TestMutePreloaderIsKilled(t *testing.T) {
	s := running(t, 1)
	if sent := find[SignalPreloader](s.event(PreloaderChannelClosed{gen(1)})); len(sent) != 1 || sent[0].Signal != 9 || sent[0].Group {
		t.Errorf("%+v", sent)
	}
	s.event(StopAsked{By: "TERM"})
	if sent := find[SignalPreloader](s.event(PreloaderChannelClosed{gen(1)})); len(sent) != 0 {
		t.Errorf("it is leaving: %+v", sent)
	}
}

// TestAReleaseThatMendsIsTriedWhereTheOlderOneDies: the older one has served once, and what it needs is gone.
func TestAReleaseThatMendsIsTriedWhereTheOlderOneDies(t *testing.T) {
	s := running(t, 2)
	for _, key := range []ident.Key{s.serving(0), s.serving(1)} {
		for spawned := find[SpawnWorker](s.dies(key, 0)); len(spawned) == 1; {
			spawned = find[SpawnWorker](s.dies(spawned[0].Key, 0))
		}
	}
	s.event(RestartAsked{"HUP"})
	spawned := find[SpawnWorker](s.load(2))
	if len(spawned) == 0 || spawned[0].Key.Generation != 2 {
		t.Fatalf("%+v, want a worker of generation 2", spawned)
	}
	// Where it does no better, each is tried in turn.
	s.dies(spawned[0].Key, 0)
	if spawned := find[SpawnWorker](s.fire(TimerSlot)); len(spawned) != 1 || spawned[0].Key.Generation != 1 {
		t.Errorf("%+v, want a worker of generation 1", spawned)
	}
}

// TestARollMakesNoThirdWorker: a slot whose last worker still leaves waits for it, for the drain timeout at most.
func TestARollMakesNoThirdWorker(t *testing.T) {
	for name, ends := range map[string]func(s *script, leaver ident.Key) []Action{
		"it leaves": func(s *script, leaver ident.Key) []Action { return s.event(WorkerExited{Key: leaver, Served: 1}) },
		"it stays":  func(s *script, leaver ident.Key) []Action { return s.fire(TimerWorkerDrain) },
	} {
		t.Run(name, func(t *testing.T) {
			s := renewing(t, 1, twenty)
			leaver := s.serving(0)
			s.ready(s.successor(s.measured(0, 21, 60), 0))
			s.event(RestartAsked{"HUP"})
			if spawned := find[SpawnWorker](s.load(2)); len(spawned) != 0 {
				t.Fatalf("a third worker: %+v", spawned)
			}
			if spawned := find[SpawnWorker](ends(s, leaver)); len(spawned) != 1 || spawned[0].Key.Generation != 2 {
				t.Errorf("%+v, want a worker of generation 2", spawned)
			}
		})
	}
}

// TestAReforkIsTriedInOneSlotThoughANewerReleaseComesUpThere: its preloader dies, and the refork is the newest again.
func TestAReforkIsTriedInOneSlotThoughANewerReleaseComesUpThere(t *testing.T) {
	s := reforking(t, 2, 10)
	s.tried(s.asked(0, 20))
	s.core.failures = 1 // so that the next load waits
	s.event(RestartAsked{"HUP"})
	if spawned := find[SpawnWorker](s.load(2)); len(spawned) != 1 || spawned[0].Key.Slot != 0 {
		t.Fatalf("%+v", spawned)
	} else {
		s.event(WorkerSpawned{spawned[0].Key, 77})
	}
	if spawned := find[SpawnWorker](s.event(PreloaderExited{Origin: gen(2), Exit: ident.ExitStatus{Signal: 9}})); len(spawned) != 0 {
		t.Errorf("%+v, before the first answer", spawned)
	}
}
