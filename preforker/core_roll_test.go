package preforker

import (
	"strings"
	"testing"
	"time"

	"launcher/preforker/ident"
	"launcher/preforker/internal/wire"
)

// TestRollNeverGoesBack: the new generation's preloader dies in the middle of the
// roll, while the old one's is still there. A third is loaded, and no slot that has the new
// code gets the old one again.
func TestRollNeverGoesBack(t *testing.T) {
	s := running(t, 3)
	s.event(restartAsked{"HUP"})
	first := find[spawnWorker](s.load(2))[0].key
	s.ready(first)
	s.event(workerExited{key: ident.Key{Slot: first.Slot, Generation: 1, Serial: 1}, served: 1})
	actions := s.event(preloaderExited{origin: gen(2), exit: ident.ExitStatus{Signal: 9}})
	if started := find[startPreloader](actions); len(started) != 1 || started[0].generation != 3 {
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
	s.event(restartAsked{"HUP"})
	s.boot(s.load(2))
	if _, w := s.core.worker(old); w == nil || w.state != WorkerDraining {
		t.Fatalf("%+v", w)
	}
	if spawned := find[spawnWorker](s.dies(s.serving(0), 3)); len(spawned) != 1 {
		t.Errorf("%+v", spawned)
	}
	s.core.slots[0].deaths = 6 // a long wait closes the socket all the same
	s.boot(nil)
	if closed := find[closeSlot](s.dies(s.serving(0), 0)); len(closed) != 1 {
		t.Errorf("%+v", closed)
	}
}

// TestLeavingWorkersDoNotCount: what becomes of one that was on its way out is no news for a slot that waits.
func TestLeavingWorkersDoNotCount(t *testing.T) {
	for name, end := range map[string]func(*script, *worker) []action{
		"spawn failed": func(s *script, w *worker) []action { return s.event(workerSpawnFailed{key: w.key}) },
		"boot timeout": func(s *script, w *worker) []action {
			w.reason = ReasonBootTimeout
			return s.event(workerExited{key: w.key})
		},
	} {
		s := running(t, 1)
		old := s.core.slots[0].serving()
		s.event(restartAsked{"HUP"})
		s.boot(s.load(2))
		for s.core.slots[0].state != SlotBackoff {
			s.boot(nil)
			key := s.serving(0)
			s.ready(key)
			s.dies(key, 0)
		}
		deaths := s.core.slots[0].deaths
		if spawned := find[spawnWorker](end(s, old)); len(spawned) != 0 || s.core.slots[0].state != SlotBackoff {
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
	s.event(restartAsked{"HUP"})
	s.boot(s.load(2))
	s.event(preloaderExited{origin: gen(1)})
	s.event(preloaderExited{origin: gen(2), exit: ident.ExitStatus{Signal: 9}})
	s.dies(s.serving(0), 5)
	old.reason, s.core.slots[0].deaths = ReasonBootTimeout, 9
	if actions := s.event(workerExited{key: old.key}); len(find[closeSlot](actions)) != 0 || s.core.slots[0].state != SlotVacant {
		t.Errorf("%+v, the slot is %v", actions, s.core.slots[0].state)
	}
	if spawned := find[spawnWorker](s.load(3)); len(spawned) != 1 {
		t.Errorf("%+v", spawned)
	}
}

// TestBadReleaseTakesNoSlot: the new generation loads but its workers do not come up.
// An old worker that dies meanwhile is replaced by one of the old code.
func TestBadReleaseTakesNoSlot(t *testing.T) {
	s := running(t, 2)
	s.event(restartAsked{"HUP"})
	actions := s.load(2)
	for range 2 {
		for _, spawn := range find[spawnWorker](actions) {
			actions = s.dies(spawn.key, 0)
		}
	}
	for slot := range 2 {
		_, w := s.core.worker(ident.Key{Slot: slot, Generation: 1, Serial: slot + 1})
		if w == nil || w.state != WorkerReady {
			t.Fatalf("slot %d lost its old worker: %+v", slot, w)
		}
	}
	// Whatever is being tried in slot 1 dies as well.
	for key := s.serving(1); key.Generation == 2; key = s.serving(1) {
		s.dies(key, 0)
	}
	spawned := find[spawnWorker](s.dies(ident.Key{Slot: 1, Generation: 1, Serial: 2}, 10))
	if len(spawned) == 0 || spawned[0].key.Slot != 1 || spawned[0].key.Generation != 1 {
		t.Errorf("%+v", spawned)
	}
}

// TestKilledBeforeItsPidIsKnown: "ready" may be the first that tells the pid.
func TestKilledBeforeItsPidIsKnown(t *testing.T) {
	s := newScript(t, 1)
	key := find[spawnWorker](s.load(1))[0].key
	s.event(stopAsked{"TERM", true})
	if killed := find[killWorker](s.event(workerReady{key, 5})); len(killed) != 1 {
		t.Errorf("%+v", killed)
	}
	s.event(preloaderExited{origin: gen(1)})
	if killed := find[killWorker](s.event(stopAsked{"TERM", true})); len(killed) != 1 {
		t.Errorf("asked once more: %+v", killed)
	}
}

// TestSlowPreloaderIsNotKilled: a spawn that waits behind others is not late.
func TestSlowPreloaderIsNotKilled(t *testing.T) {
	s := newScript(t, 8)
	spawned := find[spawnWorker](s.load(1))
	for _, spawn := range spawned[:7] {
		s.now += 9 * time.Second
		s.ready(spawn.key)
	}
	late := timerFired{timer{timerWorkerBoot, spawned[7].key}}
	actions := s.event(late)
	if len(find[signalPreloader](actions)) != 0 || len(find[setTimer](actions)) != 1 {
		t.Errorf("%+v", actions)
	}
	s.now += time.Minute
	if sent := find[signalPreloader](s.event(late)); len(sent) != 1 || sent[0].signal != 9 {
		t.Errorf("it has been silent for a minute: %+v", sent)
	}
}

// TestMuteWhileItLoads: a process that ends closes what it has open a moment before; one that stays is told apart from
// one that the kernel killed.
func TestMuteWhileItLoads(t *testing.T) {
	s := newScript(t, 1)
	s.event(preloaderHello{gen(1), wire.Hello{}})
	if sent := find[signalPreloader](s.event(preloaderMute{gen(1)})); len(sent) != 0 {
		t.Errorf("it may be about to end: %+v", sent)
	}
	if sent := find[signalPreloader](s.fire(timerPreloaderMute)); len(sent) != 1 || sent[0].signal != 9 || !sent[0].group {
		t.Errorf("it is still there: %+v", sent)
	}
	s.event(preloaderExited{origin: gen(1), exit: ident.ExitStatus{Signal: 9}})
	if err := s.core.verdict; err == nil || !strings.Contains(err.Error(), "replaced Ruby by another program") {
		t.Errorf("%v", err)
	}
}

func TestMutePreloaderIsKilled(t *testing.T) {
	s := running(t, 1)
	if sent := find[signalPreloader](s.event(preloaderMute{gen(1)})); len(sent) != 1 || sent[0].signal != 9 || sent[0].group {
		t.Errorf("%+v", sent)
	}
	s.event(stopAsked{by: "TERM"})
	if sent := find[signalPreloader](s.event(preloaderMute{gen(1)})); len(sent) != 0 {
		t.Errorf("it is leaving: %+v", sent)
	}
}
