package core

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"launcher/preforker/ident"
)

// newDirect is a script whose workers load the application by themselves, so many at once.
func newDirect(t *testing.T, slots, loads int) *script {
	t.Helper()
	s := &script{t: t, core: New(slots, Policy{BootTimeout: time.Minute, MeasurePeriod: testPeriod, DrainTimeout: 30 * time.Second,
		Method: SpawnDirect, LoadsAtOnce: loads}, func() float64 { return 0 }), kinds: map[string]int{}}
	s.event(Started{})
	return s
}

// spawned are the keys of all workers that were started so far.
func (s *script) spawned() (keys []ident.Key) {
	for _, spawn := range find[SpawnWorker](s.acts) {
		keys = append(keys, spawn.Key)
	}
	return keys
}

func (s *script) newestKey() ident.Key {
	s.t.Helper()
	keys := s.spawned()
	if len(keys) == 0 {
		s.t.Fatal("no worker was started")
	}
	return keys[len(keys)-1]
}

func (s *script) hello(key ident.Key) []Action {
	s.t.Helper()
	return s.event(WorkerHello{key, Hello{Pid: 1000 + key.Serial, Ruby: "3.1.2"}})
}

// loads answers for a worker until the application is there, serves until it is ready.
func (s *script) loads(key ident.Key) []Action {
	s.t.Helper()
	return append(s.hello(key), s.event(WorkerLoaded{key, Load{Pid: 1000 + key.Serial}})...)
}

func (s *script) serves(key ident.Key) []Action {
	s.t.Helper()
	return append(s.loads(key), s.event(WorkerReady{key, 1000 + key.Serial})...)
}

// serveAll answers every start in the actions, and those that follow.
func (s *script) serveAll(actions []Action) {
	s.t.Helper()
	for spawns := find[SpawnWorker](actions); len(spawns) > 0; {
		var next []Action
		for _, spawn := range spawns {
			next = append(next, s.serves(spawn.Key)...)
		}
		spawns = find[SpawnWorker](next)
	}
}

func runningDirect(t *testing.T, slots int) *script {
	t.Helper()
	s := newDirect(t, slots, 2)
	s.serveAll(s.acts)
	return s
}

// fails is the end of a worker that its application ended while it loaded.
func (s *script) fails(key ident.Key) []Action {
	s.t.Helper()
	return s.event(WorkerExited{Key: key, Exit: ident.ExitStatus{Code: 1}, Lines: []string{"so far"},
		Failed: &Failed{Stage: "load", Failure: Failure{Class: "KeyError", Message: "no key", AppFrames: []string{"config.ru:3"}}}})
}

func TestDirectStartsWithoutPreloader(t *testing.T) {
	s := newDirect(t, 5, 2)
	if keys := s.spawned(); len(keys) != 2 || s.core.phase != PhaseBooting || s.core.preloaders[0].state != StartingPreloader {
		t.Fatalf("%v, phase %v", keys, s.core.phase)
	}
	s.hello(s.spawned()[1])
	loads := find[WorkerLoads](s.acts)
	if want := (WorkerLoads{Worker: WorkerName{s.spawned()[1], 1002}, Ruby: "3.1.2"}); s.core.preloaders[0].state != LoadingPreloader ||
		len(loads) != 1 || loads[0] != want {
		t.Errorf("%v, %s", s.core.preloaders[0].state, s.last())
	}
	if actions := s.event(WorkerLoaded{s.spawned()[1], Load{Pid: 7, Ruby: "3.1.2", Seconds: 2}}); len(find[GenerationLoaded](actions)) != 1 ||
		s.core.phase != PhaseRunning || len(find[SpawnWorker](actions)) != 0 {
		t.Errorf("%+v", actions)
	}
	if loaded := find[GenerationLoaded](s.acts); len(loaded) != 1 || loaded[0].Worker == nil || loaded[0].Load.Seconds != 2 {
		t.Errorf("%+v", loaded)
	}
	for len(s.spawned()) < 5 || s.kinds["core.Announce"] == 0 {
		if n := s.core.count(SpawningWorker) + s.core.count(BootingWorker); n > 2 || n == 0 {
			t.Fatalf("%d loads at once", n)
		}
		for _, slot := range s.core.slots {
			if w := slot.serving(); w != nil && w.state != ReadyWorker {
				s.serves(w.key)
				break
			}
		}
	}
	if s.kinds["core.StartPreloader"]+s.kinds["core.RetirePreloader"]+s.kinds["core.SignalPreloader"] != 0 ||
		s.kinds["core.Announce"] != 1 || s.kinds["core.GenerationLoaded"] != 1 || s.kinds["core.LoadBegan"] != 1 {
		t.Errorf("%v", s.kinds)
	}
}

// TestDirectFirstLoadThatFails ends the launcher with the report, once those that load beside it have left.
func TestDirectFirstLoadThatFails(t *testing.T) {
	for name, test := range map[string]struct {
		fail func(s *script, key ident.Key) []Action
		says []string
	}{
		"raises": {func(s *script, key ident.Key) []Action { s.hello(key); return s.fails(key) },
			[]string{"loading; exit status 1; ; 1m0s; KeyError: no key; config.ru:3; so far"}},
		"is killed": {func(s *script, key ident.Key) []Action {
			s.hello(key)
			return s.event(WorkerExited{Key: key, Exit: ident.ExitStatus{Signal: 9}})
		}, []string{"loading; signal SIGKILL; ; 1m0s"}},
		"is no Ruby": {func(s *script, key ident.Key) []Action { return s.event(WorkerExited{Key: key}) }, []string{"starting; exit status 0; ; 1m0s"}},
		"cannot be started": {func(s *script, key ident.Key) []Action {
			return s.event(WorkerSpawnFailed{key, Failure{Class: "spawn", Message: "permission denied"}})
		}, []string{"starting; exit status 0; ; 0s; permission denied"}},
		"takes too long": {func(s *script, key ident.Key) []Action {
			s.hello(key)
			if asked := find[AskWorker](s.event(TimerFired{Timer{TimerWorkerBoot, key}})); len(asked) != 1 {
				s.t.Errorf("%+v", asked)
			}
			if killed := find[KillWorker](s.event(TimerFired{Timer{TimerWorkerDrain, key}})); len(killed) != 1 || !killed[0].Group {
				s.t.Errorf("%+v", killed)
			}
			return s.event(WorkerExited{Key: key, Exit: ident.ExitStatus{Signal: 9}})
		}, []string{"loading; signal SIGKILL; boot timeout; 1m0s"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newDirect(t, 3, 2)
			key, other := s.spawned()[0], s.spawned()[1]
			actions := test.fail(s, key)
			if drained := find[DrainWorker](actions); len(drained) != 1 || drained[0].Key != other || len(find[Finish](actions)) != 0 {
				t.Fatalf("%+v", actions)
			}
			s.event(WorkerLoaded{other, Load{}}) // too late: it is told to leave
			s.event(WorkerReady{other, 5})
			done := find[Finish](s.event(WorkerExited{Key: other}))
			if len(done) != 1 || done[0].Failure == nil {
				t.Fatalf("%+v", done)
			}
			for _, part := range test.says {
				if text := summary(done[0].Failure); !strings.Contains(text, part) {
					t.Errorf("%q lacks %q", text, part)
				}
			}
			if slices.Contains(s.facts, "WorkerDrainTimedOut") {
				t.Errorf("it was never asked to drain: %q", s.facts)
			}
			if len(s.spawned()) != 2 || len(s.core.preloaders) != 0 {
				t.Errorf("%v, %v", s.spawned(), s.core.preloaders)
			}
		})
	}
}

// TestDirectFailuresAfterTheFirstLoad are a slot's own affair: they cost it a wait, and nobody else anything.
func TestDirectFailuresAfterTheFirstLoad(t *testing.T) {
	for name, test := range map[string]struct {
		fail func(s *script, key ident.Key) []Action
		told string
	}{
		"does not load":     {func(s *script, key ident.Key) []Action { s.hello(key); return s.fails(key) }, "WorkerDied boot failed"},
		"a hook raises":     {func(s *script, key ident.Key) []Action { s.loads(key); return s.fails(key) }, "WorkerDied boot failed"},
		"cannot be started": {func(s *script, key ident.Key) []Action { return s.event(WorkerSpawnFailed{Key: key}) }, "WorkerNotStarted"},
		"takes too long": {func(s *script, key ident.Key) []Action {
			s.hello(key)
			s.event(TimerFired{Timer{TimerWorkerBoot, key}})
			return s.fails(key) // it says where it is, and leaves
		}, "WorkerDied boot timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			s := runningDirect(t, 2)
			s.core.slots[1].deaths = 1
			s.dies(s.serving(1), 5) // it has served: its successor comes at once
			actions := test.fail(s, s.newestKey())
			if n := len(find[SpawnWorker](actions)); n != 1 {
				t.Errorf("%d after the first", n)
			}
			told := ""
			for _, died := range find[WorkerDied](actions) {
				told += fmt.Sprintln("WorkerDied", died.Reason)
			}
			if len(find[WorkerNotStarted](actions)) > 0 {
				told += "WorkerNotStarted"
			}
			if !strings.Contains(told, test.told) {
				t.Errorf("%s, want %s", told, test.told)
			}
			test.fail(s, s.newestKey())
			if s.core.slots[1].state != WaitingSlot || s.core.slots[1].deaths != 2 {
				t.Errorf("%v after %d deaths", s.core.slots[1].state, s.core.slots[1].deaths)
			}
			s.serveAll(s.fire(TimerSlot))
			if w := s.core.slots[1].serving(); w.state != ReadyWorker || s.core.phase != PhaseRunning {
				t.Errorf("%+v", w)
			}
		})
	}
}

func TestDirectWorkerThatHangsInAHookIsKilledAlone(t *testing.T) {
	s := newDirect(t, 1, 1)
	key := s.newestKey()
	s.loads(key)
	actions := s.event(TimerFired{Timer{TimerWorkerBoot, key}})
	if killed := find[KillWorker](actions); len(killed) != 1 || killed[0].Group || len(find[AskWorker](actions)) != 0 {
		t.Errorf("%+v", actions)
	}
}

func TestDirectStopFindsEveryState(t *testing.T) {
	s := runningDirect(t, 3)
	s.event(RestartAsked{"HUP"})
	loading := s.newestKey()
	s.loads(loading)
	s.event(RestartAsked{"HUP"})
	if n := len(s.core.preloaders); n != 3 {
		t.Fatalf("%d generations", n)
	}
	spawning := s.newestKey()
	actions := s.event(StopAsked{By: "TERM"})
	if n := len(find[DrainWorker](actions)); n != 5 || len(s.core.preloaders) != 0 {
		t.Fatalf("%d drained, want 3 that serve, one in its hooks and one that loads; %+v", n, s.core.preloaders)
	}
	s.hello(spawning) // late words
	killed := find[KillWorker](s.event(StopAsked{"TERM", true}))
	groups := map[ident.Key]bool{}
	for _, k := range killed {
		groups[k.Key] = k.Group
	}
	if len(killed) != 5 || !groups[spawning] || groups[loading] {
		t.Errorf("%+v", killed)
	}
	for _, slot := range s.core.slots {
		for _, w := range slices.Clone(slot.workers) {
			actions = s.event(WorkerExited{Key: w.key, Exit: ident.ExitStatus{Signal: 9}})
		}
	}
	if done := find[Finish](actions); len(done) != 1 || done[0].Failure != nil {
		t.Errorf("%+v", done)
	}
}

func TestDirectStopWhileLoading(t *testing.T) {
	s := newDirect(t, 2, 1)
	key := s.newestKey()
	s.hello(key)
	if actions := s.event(StopAsked{By: "TERM"}); len(find[DrainWorker](actions)) != 1 || len(find[Finish](actions)) != 0 {
		t.Fatalf("%+v", actions)
	}
	done := find[Finish](s.event(WorkerExited{Key: key, Exit: ident.ExitStatus{Signal: ident.Signal(ident.SIGTERM)}}))
	if len(done) != 1 || done[0].Failure != nil || len(s.spawned()) != 1 {
		t.Errorf("%+v", done)
	}
}

func TestDirectStopWhileAGenerationIsGivenUp(t *testing.T) {
	s := newDirect(t, 1, 1)
	s.event(TimerFired{Timer{TimerWorkerBoot, s.newestKey()}})
	s.event(StopAsked{By: "TERM"})
	if done := find[Finish](s.event(WorkerExited{Key: s.newestKey()})); len(done) != 1 || done[0].Failure != nil {
		t.Errorf("%+v", done)
	}
}

func TestDirectLateEventsFindNobody(t *testing.T) {
	s := runningDirect(t, 1)
	dead := s.serving(0)
	s.serveAll(s.dies(dead, 1))
	for _, e := range []Event{WorkerHello{Key: dead}, WorkerLoaded{Key: dead}, WorkerReady{dead, 5}, WorkerExited{Key: dead},
		TimerFired{Timer{TimerWorkerBoot, dead}}, TimerFired{Timer{TimerWorkerBoot, s.serving(0)}}} {
		if actions := s.event(e); len(actions) != 0 {
			t.Errorf("%T led to %+v", e, actions)
		}
	}
}
