package core

import (
	"strings"
	"testing"
	"time"

	"launcher/preforker/ident"
)

func TestDirectRollIsSuccessorFirst(t *testing.T) {
	s := runningDirect(t, 3)
	actions := s.event(RestartAsked{"HUP"})
	for range 3 {
		started := find[SpawnWorker](actions)
		if len(started) != 1 || started[0].Key.Generation != 2 {
			t.Fatalf("%+v", actions)
		}
		if drained := find[DrainWorker](s.loads(started[0].Key)); len(drained) != 0 {
			t.Errorf("drained before its successor is ready: %+v", drained)
		}
		actions = s.event(WorkerReady{started[0].Key, 9})
		drained := find[DrainWorker](actions)
		if len(drained) != 1 || drained[0].Key.Slot != started[0].Key.Slot || drained[0].Key.Generation != 1 || drained[0].Backlog {
			t.Fatalf("%+v", drained)
		}
		s.event(WorkerExited{Key: drained[0].Key, Served: 1})
	}
	if len(s.core.preloaders) != 1 || s.core.preloaders[0].origin != gen(2) || s.kinds["core.Announce"] != 2 {
		t.Errorf("%+v, %v", s.core.preloaders, s.kinds)
	}
}

// TestDirectReleaseThatDoesNotLoadTakesNoSlot, and is not tried again before somebody asks for it.
func TestDirectReleaseThatDoesNotLoadTakesNoSlot(t *testing.T) {
	s := runningDirect(t, 2)
	s.event(RestartAsked{"HUP"})
	s.hello(s.newestKey())
	actions := s.fails(s.newestKey())
	if len(find[SpawnWorker](actions))+len(find[DrainWorker](actions))+len(find[Finish](actions))+len(find[SetTimer](actions)) != 0 {
		t.Errorf("%+v", actions)
	}
	if told := find[Fact](actions); len(told) != 2 || len(find[RestartEnded](actions)) != 1 || len(find[LoadFailed](actions)) != 1 {
		t.Errorf("%+v", actions)
	}
	for slot := range 2 {
		if key := s.serving(slot); key.Generation != 1 || s.core.slots[slot].deaths != 0 {
			t.Errorf("slot %d: %v, %d deaths", slot, key, s.core.slots[slot].deaths)
		}
	}
	s.serveAll(s.event(RestartAsked{"HUP"}))
	for slot := range 2 {
		if key := s.serving(slot); key.Generation != 3 {
			t.Errorf("slot %d: %v", slot, key)
		}
	}
}

// TestDirectReleaseThatHangsIsGivenUp: nobody else tries while it is asked where it is.
func TestDirectReleaseThatHangsIsGivenUp(t *testing.T) {
	s := runningDirect(t, 2)
	s.event(RestartAsked{"HUP"})
	key := s.newestKey()
	s.hello(key)
	actions := s.event(TimerFired{Timer{TimerWorkerBoot, key}})
	if len(find[AskWorker](actions)) != 1 || len(find[SpawnWorker](actions)) != 0 {
		t.Errorf("%+v", actions)
	}
	s.serveAll(s.dies(s.serving(1), 1))
	if key := s.serving(1); key.Generation != 1 {
		t.Errorf("filled by %v", key)
	}
	s.event(WorkerLoaded{key, Load{}}) // too late
	actions = s.event(WorkerExited{Key: key, Exit: ident.ExitStatus{Code: 1}})
	if len(find[SpawnWorker](actions)) != 0 || len(s.core.preloaders) != 1 || s.core.preloaders[0].origin != gen(1) {
		t.Errorf("%+v, %+v", actions, s.core.preloaders)
	}
}

func TestDirectRestartWhileLoadingLoadsOnceMore(t *testing.T) {
	for name, end := range map[string]func(s *script, key ident.Key) []Action{
		"that loads": func(s *script, key ident.Key) []Action { return s.serves(key) },
		"that fails": func(s *script, key ident.Key) []Action { s.hello(key); return s.fails(key) },
	} {
		t.Run(name, func(t *testing.T) {
			s := runningDirect(t, 2)
			s.event(RestartAsked{"HUP"})
			key := s.newestKey()
			for range 2 {
				if actions := s.event(RestartAsked{"HUP"}); len(find[SpawnWorker](actions)) != 0 || !strings.Contains(s.last(), "RestartNoted") {
					t.Errorf("%s", s.last())
				}
			}
			s.serveAll(end(s, key))
			s.serveAll(s.drained()) // a slot with two workers gets no third one
			for slot := range 2 {
				if key := s.serving(slot); key.Generation != 3 {
					t.Errorf("slot %d: %v", slot, key)
				}
			}
			if s.core.generation != 3 || len(s.core.preloaders) != 1 {
				t.Errorf("generation %d, %+v", s.core.generation, s.core.preloaders)
			}
		})
	}
}

// TestDirectGenerationThatFailsTakesItsOtherLoadsAlong: there is more than one where no older
// worker has ever come up.
func TestDirectGenerationThatFailsTakesItsOtherLoadsAlong(t *testing.T) {
	s := newDirect(t, 2, 2)
	for _, key := range s.spawned() {
		s.loads(key)
		s.fails(key) // in a hook: the first death costs no wait
	}
	for _, key := range s.spawned()[2:] {
		s.loads(key)
		s.fails(key)
	}
	s.event(RestartAsked{"HUP"})
	for _, slot := range s.core.slots {
		s.event(TimerFired{Timer{TimerSlot, ident.Key{Slot: slot.number, Serial: slot.waits}}})
	}
	keys := s.spawned()[4:]
	if len(keys) != 2 || keys[0].Generation != 2 || keys[1].Generation != 2 {
		t.Fatalf("%v", keys)
	}
	s.hello(keys[0])
	s.hello(keys[1])
	actions := s.fails(keys[0])
	if drained := find[DrainWorker](actions); len(drained) != 1 || drained[0].Key != keys[1] {
		t.Errorf("%+v", drained)
	}
	s.event(WorkerReady{keys[1], 3}) // too late
	s.serveAll(append(actions, s.event(WorkerExited{Key: keys[1]})...))
	for slot := range 2 {
		if key := s.serving(slot); key.Generation != 1 {
			t.Errorf("slot %d: %v", slot, key)
		}
	}
}

// TestDirectLoadsAreBounded: a roll waits for a slot that is being filled.
func TestDirectLoadsAreBounded(t *testing.T) {
	s := newDirect(t, 3, 1)
	s.serveAll(s.acts)
	crashed := find[SpawnWorker](s.dies(s.serving(2), 1))
	if actions := s.event(RestartAsked{"HUP"}); len(crashed) != 1 || len(find[SpawnWorker](actions)) != 0 {
		t.Fatalf("%+v, %+v", crashed, actions)
	}
	actions := s.serves(crashed[0].Key)
	if started := find[SpawnWorker](actions); len(started) != 1 || started[0].Key.Generation != 2 {
		t.Fatalf("%+v", started)
	}
	s.serveAll(actions)
	if s.serving(2).Generation != 2 {
		t.Errorf("%v", s.serving(2))
	}
}

// TestDirectRollHasItsTurn: slots whose workers die again and again do not keep the others from a new release.
func TestDirectRollHasItsTurn(t *testing.T) {
	s := newDirect(t, 3, 1)
	s.serveAll(s.acts)
	crash := func(key ident.Key) {
		s.event(WorkerExited{Key: key, Request: "GET /crash", Exit: ident.ExitStatus{Signal: 11}})
		s.now += 2 * time.Second
		for _, slot := range s.core.slots {
			s.event(TimerFired{Timer{TimerSlot, ident.Key{Slot: slot.number, Serial: slot.waits}}})
		}
	}
	crash(s.serving(0))
	crash(s.serving(1))
	for turn := range 12 {
		if turn == 4 {
			s.event(RestartAsked{"HUP"})
		}
		key := s.newestKey()
		if key.Slot == 2 && key.Generation == 2 {
			return
		}
		s.serves(key)
		crash(key)
	}
	t.Errorf("slot 2 is not rolled: %v", s.spawned())
}
