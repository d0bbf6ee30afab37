package preforker

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"launcher/preforker/ident"
	"launcher/preforker/internal/wire"
)

// newDirect is a script whose workers load the application by themselves, so many at once.
func newDirect(t *testing.T, slots, loads int) *script {
	t.Helper()
	s := &script{t: t, core: newCore(slots, policy{bootTimeout: time.Minute, drainTimeout: 30 * time.Second,
		method: SpawnDirect, loadsAtOnce: loads}, func() float64 { return 0 }), kinds: map[string]int{}}
	s.event(started{})
	return s
}

// spawned are the keys of all workers that were started so far.
func (s *script) spawned() (keys []ident.Key) {
	for _, spawn := range find[spawnWorker](s.acts) {
		keys = append(keys, spawn.key)
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

func (s *script) hello(key ident.Key) []action {
	s.t.Helper()
	return s.event(workerHello{key, wire.Hello{Pid: 1000 + key.Serial, Ruby: "3.1.2"}})
}

// loads answers for a worker until the application is there, serves until it is ready.
func (s *script) loads(key ident.Key) []action {
	s.t.Helper()
	return append(s.hello(key), s.event(workerLoaded{key, wire.Loaded{Pid: 1000 + key.Serial}})...)
}

func (s *script) serves(key ident.Key) []action {
	s.t.Helper()
	return append(s.loads(key), s.event(workerReady{key, 1000 + key.Serial})...)
}

// serveAll answers every start in the actions, and those that follow.
func (s *script) serveAll(actions []action) {
	s.t.Helper()
	for spawns := find[spawnWorker](actions); len(spawns) > 0; {
		var next []action
		for _, spawn := range spawns {
			next = append(next, s.serves(spawn.key)...)
		}
		spawns = find[spawnWorker](next)
	}
}

func runningDirect(t *testing.T, slots int) *script {
	t.Helper()
	s := newDirect(t, slots, 2)
	s.serveAll(s.acts)
	return s
}

// fails is the end of a worker that its application ended while it loaded.
func (s *script) fails(key ident.Key) []action {
	s.t.Helper()
	return s.event(workerExited{key: key, exit: ident.ExitStatus{Code: 1}, lines: []string{"so far"},
		failed: &wire.Failed{Stage: "load", Error: wire.Failure{Class: "KeyError", Message: "no key", AppFrames: []string{"config.ru:3"}}}})
}

func TestDirectStartsWithoutPreloader(t *testing.T) {
	s := newDirect(t, 5, 2)
	if keys := s.spawned(); len(keys) != 2 || s.core.phase != phaseBooting || s.core.preloaders[0].state != PreloaderStarting {
		t.Fatalf("%v, phase %v", keys, s.core.phase)
	}
	s.hello(s.spawned()[1])
	if last := s.last(); s.core.preloaders[0].state != PreloaderLoading ||
		!strings.Contains(last, "worker is loading the application[slot=1 gen=1 pid=1002 ruby=3.1.2]") {
		t.Errorf("%v, %s", s.core.preloaders[0].state, s.last())
	}
	if actions := s.event(workerLoaded{s.spawned()[1], wire.Loaded{Pid: 7, Ruby: "3.1.2", Seconds: 2}}); len(find[tellLoaded](actions)) != 1 ||
		s.core.phase != phaseRunning || len(find[spawnWorker](actions)) != 0 {
		t.Errorf("%+v", actions)
	}
	if last := s.last(); !strings.Contains(last, "worker loaded the application") || !strings.Contains(last, "seconds=2") {
		t.Errorf("%s", last)
	}
	for len(s.spawned()) < 5 || s.kinds["preforker.announce"] == 0 {
		if n := s.core.count(WorkerSpawning) + s.core.count(WorkerBooting); n > 2 || n == 0 {
			t.Fatalf("%d loads at once", n)
		}
		for _, slot := range s.core.slots {
			if w := slot.serving(); w != nil && w.state != WorkerReady {
				s.serves(w.key)
				break
			}
		}
	}
	if s.kinds["preforker.startPreloader"]+s.kinds["preforker.retirePreloader"]+s.kinds["preforker.signalPreloader"] != 0 ||
		s.kinds["preforker.announce"] != 1 || s.kinds["preforker.tellLoaded"] != 1 || s.kinds["preforker.tellLoading"] != 1 {
		t.Errorf("%v", s.kinds)
	}
}

// TestDirectFirstLoadThatFails ends the launcher with the report, once those that load beside it have left.
func TestDirectFirstLoadThatFails(t *testing.T) {
	for name, test := range map[string]struct {
		fail func(s *script, key ident.Key) []action
		says []string
	}{
		"raises": {func(s *script, key ident.Key) []action { s.hello(key); return s.fails(key) },
			[]string{"load the application: KeyError: no key", "config.ru:3", "so far"}},
		"is killed": {func(s *script, key ident.Key) []action {
			s.hello(key)
			return s.event(workerExited{key: key, exit: ident.ExitStatus{Signal: 9}})
		}, []string{"Ruby ended while it loaded: signal SIGKILL"}},
		"is no Ruby": {func(s *script, key ident.Key) []action { return s.event(workerExited{key: key}) }, []string{"is it a Ruby?"}},
		"cannot be started": {func(s *script, key ident.Key) []action {
			return s.event(workerSpawnFailed{key, wire.Failure{Class: "spawn", Message: "permission denied"}})
		}, []string{"start Ruby: permission denied"}},
		"takes too long": {func(s *script, key ident.Key) []action {
			s.hello(key)
			if asked := find[askWorker](s.event(timerFired{timer{timerWorkerBoot, key}})); len(asked) != 1 {
				s.t.Errorf("%+v", asked)
			}
			if killed := find[killWorker](s.event(timerFired{timer{timerWorkerDrain, key}})); len(killed) != 1 || !killed[0].group {
				s.t.Errorf("%+v", killed)
			}
			return s.event(workerExited{key: key, exit: ident.ExitStatus{Signal: 9}})
		}, []string{"not done within 1m0s (--boot-timeout)"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newDirect(t, 3, 2)
			key, other := s.spawned()[0], s.spawned()[1]
			actions := test.fail(s, key)
			if drained := find[drainWorker](actions); len(drained) != 1 || drained[0].key != other || len(find[finish](actions)) != 0 {
				t.Fatalf("%+v", actions)
			}
			s.event(workerLoaded{other, wire.Loaded{}}) // too late: it is told to leave
			s.event(workerReady{other, 5})
			done := find[finish](s.event(workerExited{key: other}))
			if len(done) != 1 || done[0].err == nil {
				t.Fatalf("%+v", done)
			}
			for _, part := range test.says {
				if text := done[0].err.Error(); !strings.Contains(text, part) {
					t.Errorf("%q lacks %q", text, part)
				}
			}
			if slices.Contains(s.log, "worker did not drain in time and is killed") {
				t.Errorf("it was never asked to drain: %q", s.log)
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
		fail func(s *script, key ident.Key) []action
		told string
	}{
		"does not load":     {func(s *script, key ident.Key) []action { s.hello(key); return s.fails(key) }, "reason=boot failed"},
		"a hook raises":     {func(s *script, key ident.Key) []action { s.loads(key); return s.fails(key) }, "reason=boot failed"},
		"cannot be started": {func(s *script, key ident.Key) []action { return s.event(workerSpawnFailed{key: key}) }, "worker could not be started"},
		"takes too long": {func(s *script, key ident.Key) []action {
			s.hello(key)
			s.event(timerFired{timer{timerWorkerBoot, key}})
			return s.fails(key) // it says where it is, and leaves
		}, "reason=boot timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			s := runningDirect(t, 2)
			s.core.slots[1].deaths = 1
			s.dies(s.serving(1), 5) // it has served: its successor comes at once
			actions := test.fail(s, s.newestKey())
			if n := len(find[spawnWorker](actions)); n != 1 {
				t.Errorf("%d after the first", n)
			}
			told := ""
			for _, line := range find[logged](actions) {
				told += fmt.Sprintln(line.text, line.attrs)
			}
			if !strings.Contains(told, test.told) {
				t.Errorf("%s, want %s", told, test.told)
			}
			test.fail(s, s.newestKey())
			if s.core.slots[1].state != SlotBackoff || s.core.slots[1].deaths != 2 {
				t.Errorf("%v after %d deaths", s.core.slots[1].state, s.core.slots[1].deaths)
			}
			s.serveAll(s.fire(timerSlot))
			if w := s.core.slots[1].serving(); w.state != WorkerReady || s.core.phase != phaseRunning {
				t.Errorf("%+v", w)
			}
		})
	}
}

func TestDirectWorkerThatHangsInAHookIsKilledAlone(t *testing.T) {
	s := newDirect(t, 1, 1)
	key := s.newestKey()
	s.loads(key)
	actions := s.event(timerFired{timer{timerWorkerBoot, key}})
	if killed := find[killWorker](actions); len(killed) != 1 || killed[0].group || len(find[askWorker](actions)) != 0 {
		t.Errorf("%+v", actions)
	}
}

func TestDirectStopFindsEveryState(t *testing.T) {
	s := runningDirect(t, 3)
	s.event(restartAsked{"HUP"})
	loading := s.newestKey()
	s.loads(loading)
	s.event(restartAsked{"HUP"})
	if n := len(s.core.preloaders); n != 3 {
		t.Fatalf("%d generations", n)
	}
	spawning := s.newestKey()
	actions := s.event(stopAsked{by: "TERM"})
	if n := len(find[drainWorker](actions)); n != 5 || len(s.core.preloaders) != 0 {
		t.Fatalf("%d drained, want 3 that serve, one in its hooks and one that loads; %+v", n, s.core.preloaders)
	}
	s.hello(spawning) // late words
	killed := find[killWorker](s.event(stopAsked{"TERM", true}))
	groups := map[ident.Key]bool{}
	for _, k := range killed {
		groups[k.key] = k.group
	}
	if len(killed) != 5 || !groups[spawning] || groups[loading] {
		t.Errorf("%+v", killed)
	}
	for _, slot := range s.core.slots {
		for _, w := range slices.Clone(slot.workers) {
			actions = s.event(workerExited{key: w.key, exit: ident.ExitStatus{Signal: 9}})
		}
	}
	if done := find[finish](actions); len(done) != 1 || done[0].err != nil {
		t.Errorf("%+v", done)
	}
}

func TestDirectStopWhileLoading(t *testing.T) {
	s := newDirect(t, 2, 1)
	key := s.newestKey()
	s.hello(key)
	if actions := s.event(stopAsked{by: "TERM"}); len(find[drainWorker](actions)) != 1 || len(find[finish](actions)) != 0 {
		t.Fatalf("%+v", actions)
	}
	done := find[finish](s.event(workerExited{key: key, exit: ident.ExitStatus{Signal: ident.Signal(syscall.SIGTERM)}}))
	if len(done) != 1 || done[0].err != nil || len(s.spawned()) != 1 {
		t.Errorf("%+v", done)
	}
}

func TestDirectStopWhileAGenerationIsGivenUp(t *testing.T) {
	s := newDirect(t, 1, 1)
	s.event(timerFired{timer{timerWorkerBoot, s.newestKey()}})
	s.event(stopAsked{by: "TERM"})
	if done := find[finish](s.event(workerExited{key: s.newestKey()})); len(done) != 1 || done[0].err != nil {
		t.Errorf("%+v", done)
	}
}

func TestDirectLateEventsFindNobody(t *testing.T) {
	s := runningDirect(t, 1)
	dead := s.serving(0)
	s.serveAll(s.dies(dead, 1))
	for _, e := range []event{workerHello{key: dead}, workerLoaded{key: dead}, workerReady{dead, 5}, workerExited{key: dead},
		timerFired{timer{timerWorkerBoot, dead}}, timerFired{timer{timerWorkerBoot, s.serving(0)}}} {
		if actions := s.event(e); len(actions) != 0 {
			t.Errorf("%T led to %+v", e, actions)
		}
	}
}
