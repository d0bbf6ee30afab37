package preforker

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"launcher/preforker/ident"
	"launcher/preforker/internal/wire"
)

// script drives a core without any process: it answers actions as a healthy Ruby
// would, unless a test says otherwise, and remembers them.
type script struct {
	t      *testing.T
	core   *core
	now    time.Duration
	log    []string
	acts   []action
	newest []action // of the last event
	kinds  map[string]int
}

func newScript(t *testing.T, slots int) *script {
	t.Helper()
	s := &script{t: t, core: newCore(slots, policy{bootTimeout: time.Minute, drainTimeout: 30 * time.Second},
		func() float64 { return 0 }), kinds: map[string]int{}}
	s.event(started{})
	return s
}

// event feeds one event and answers the actions that it led to.
func (s *script) event(e event) []action {
	s.t.Helper()
	actions := s.core.step(s.now, e)
	s.core.view(epoch, s.now) // at any time
	s.newest = actions
	for _, a := range actions {
		s.acts = append(s.acts, a)
		s.kinds[fmt.Sprintf("%T", a)]++
		if line, ok := a.(logged); ok {
			s.log = append(s.log, line.text)
			if line.text == faultText {
				s.t.Errorf("after %T %+v: %v", e, e, line.attrs)
			}
		}
	}
	return actions
}

// fire lets a timer's time pass.
func (s *script) fire(kind timerKind) []action {
	s.t.Helper()
	for i := len(s.acts) - 1; i >= 0; i-- {
		if set, ok := s.acts[i].(setTimer); ok && set.timer.kind == kind {
			s.now += set.after
			return s.event(timerFired{set.timer})
		}
	}
	s.t.Fatalf("no timer %q was set", kind)
	return nil
}

func find[A action](actions []action) []A {
	var found []A
	for _, a := range actions {
		if a, ok := a.(A); ok {
			found = append(found, a)
		}
	}
	return found
}

func (s *script) load(generation int) []action {
	s.t.Helper()
	s.event(preloaderHello{gen(generation), wire.Hello{Pid: 100 + generation, Ruby: "3.1.2"}})
	return s.event(preloaderLoaded{gen(generation), wire.Loaded{Pid: 100 + generation, Ruby: "3.1.2"}})
}

// boot answers every spawn in the actions, and those that follow from the answers.
func (s *script) boot(actions []action) {
	s.t.Helper()
	for spawns := find[spawnWorker](actions); len(spawns) > 0; {
		var next []action
		for _, spawn := range spawns {
			next = append(next, s.ready(spawn.key)...)
		}
		spawns = find[spawnWorker](next)
	}
}

func (s *script) ready(key ident.Key) []action {
	s.t.Helper()
	actions := s.event(workerSpawned{key, 1000 + key.Serial})
	return append(actions, s.event(workerReady{key, 1000 + key.Serial})...)
}

func (s *script) dies(key ident.Key, served uint64) []action {
	s.t.Helper()
	return s.event(workerExited{key: key, exit: ident.ExitStatus{Signal: 9}, served: served})
}

func running(t *testing.T, slots int) *script {
	t.Helper()
	s := newScript(t, slots)
	s.boot(s.load(1))
	return s
}

func (s *script) serving(slot int) ident.Key {
	s.t.Helper()
	w := s.core.slots[slot].serving()
	if w == nil {
		s.t.Fatalf("slot %d serves nothing", slot)
	}
	return w.key
}

func TestStartsAllAndAnnouncesOnce(t *testing.T) {
	s := running(t, 20)
	if s.kinds["preforker.spawnWorker"] != 20 || s.kinds["preforker.announce"] != 1 {
		t.Errorf("%v", s.kinds)
	}
	for _, slot := range s.core.slots {
		if slot.state != SlotOccupied || slot.serving().state != WorkerReady {
			t.Errorf("slot %d: %v", slot.number, slot.state)
		}
	}
}

func TestSpawnsAreBounded(t *testing.T) {
	s := newScript(t, 20)
	if n := len(find[spawnWorker](s.load(1))); n != spawnsAtOnce {
		t.Errorf("%d spawns at once, want %d", n, spawnsAtOnce)
	}
}

func TestReadyMayOvertakeSpawned(t *testing.T) {
	s := newScript(t, 1)
	key := find[spawnWorker](s.load(1))[0].key
	s.event(workerReady{key, 77})
	s.event(workerSpawned{key, 77})
	if w := s.core.slots[0].serving(); w.state != WorkerReady || w.pid != 77 {
		t.Errorf("%+v", w)
	}
}

func TestCrashedWorkerIsReplacedAtOnce(t *testing.T) {
	s := running(t, 3)
	for i := range 50 { // each has served: no life is young, no slot ever waits
		spawned := find[spawnWorker](s.dies(s.serving(1), uint64(i+1)))
		if len(spawned) != 1 || spawned[0].key.Slot != 1 {
			t.Fatalf("death %d: %+v", i, spawned)
		}
		s.ready(spawned[0].key)
	}
	if s.kinds["preforker.closeSlot"] != 0 {
		t.Error("a slot was closed")
	}
}

func TestLateEventsFindNobody(t *testing.T) {
	s := running(t, 1)
	dead := s.serving(0)
	s.boot(s.dies(dead, 1))
	before := s.serving(0)
	for _, e := range []event{workerReady{dead, 5}, workerSpawned{dead, 5}, workerExited{key: dead},
		timerFired{timer{timerWorkerBoot, dead}}, timerFired{timer{timerWorkerDrain, dead}},
		preloaderLoaded{gen(9), wire.Loaded{}}, preloaderExited{origin: gen(9)},
		workerReady{ident.Key{Slot: 99, Generation: 1, Serial: 1}, 5}} {
		if actions := s.event(e); len(actions) != 0 {
			t.Errorf("%T led to %+v", e, actions)
		}
	}
	if s.serving(0) != before {
		t.Error("the successor is gone")
	}
}

func TestEarlyDeathsBackOffAndCloseTheSocket(t *testing.T) {
	s := running(t, 2)
	var waits []time.Duration
	actions := s.dies(s.serving(0), 0)
	for range 12 {
		if spawn := find[spawnWorker](actions); len(spawn) == 1 {
			s.ready(spawn[0].key)
			actions = s.dies(spawn[0].key, 0)
			continue
		}
		var wait time.Duration
		for _, set := range find[setTimer](actions) {
			if set.timer.kind == timerSlot {
				wait = set.after
			}
		}
		waits = append(waits, wait)
		if closed := len(find[closeSlot](actions)) == 1; closed != (wait > closeAfter) {
			t.Errorf("waits %v: closed %v", wait, closed)
		}
		wasOpen := s.core.slots[0].open
		actions = s.fire(timerSlot)
		if opened := len(find[openSlot](actions)) == 1; opened == wasOpen {
			t.Errorf("was open %v, opened %v", wasOpen, opened)
		}
	}
	want := []time.Duration{100, 200, 400, 800, 1600, 3200}
	for i := range want {
		want[i] *= time.Millisecond
	}
	if !slices.Equal(waits, want) {
		t.Errorf("waits %v, want %v", waits, want)
	}
	if w := s.core.slots[1].serving(); w == nil || w.state != WorkerReady {
		t.Error("the other slot suffered")
	}
}

func TestRequestsThatKillDoNotCloseTheSocket(t *testing.T) {
	s := running(t, 1)
	actions := s.event(workerExited{key: s.serving(0), request: "GET /crash"})
	for range 30 {
		if spawn := find[spawnWorker](actions); len(spawn) == 1 {
			s.ready(spawn[0].key)
			actions = s.event(workerExited{key: spawn[0].key, request: "GET /crash"})
			continue
		}
		before := s.now
		actions = s.fire(timerSlot)
		if s.now-before > closeAfter || !s.core.slots[0].open {
			t.Fatalf("waited %v, open %v", s.now-before, s.core.slots[0].open)
		}
	}
}

func TestAServedRequestForgivesEarlyDeaths(t *testing.T) {
	s := running(t, 1)
	s.boot(s.dies(s.serving(0), 0))
	s.boot(s.dies(s.serving(0), 5))
	if deaths := s.core.slots[0].deaths; deaths != 0 {
		t.Errorf("%d deaths are remembered", deaths)
	}
	s.now += time.Minute // an old worker that nobody has asked anything is not young
	if spawned := find[spawnWorker](s.dies(s.serving(0), 0)); len(spawned) != 1 {
		t.Errorf("%+v", spawned)
	}
}

func TestSlotWhoseSocketIsTakenKeepsTrying(t *testing.T) {
	s := running(t, 1)
	s.core.slots[0].deaths = 6
	s.dies(s.serving(0), 0)
	for range 5 {
		if n := len(find[openSlot](s.fire(timerSlot))); n != 1 {
			t.Fatalf("%d openings", n)
		}
		s.event(slotNotBound{slot: 0, err: fmt.Errorf("address in use")})
	}
	s.boot(s.fire(timerSlot))
	if w := s.core.slots[0].serving(); w == nil || w.state != WorkerReady {
		t.Error("the slot has not come back")
	}
}

func TestDeadPreloaderIsReplacedAndSlotsRoll(t *testing.T) {
	s := running(t, 3)
	actions := s.event(preloaderExited{origin: gen(1), exit: ident.ExitStatus{Signal: 9}})
	if n := len(find[startPreloader](actions)); n != 1 {
		t.Fatalf("%d loads", n)
	}
	// While nobody can fork, a dead worker's slot keeps its socket: requests wait.
	if actions := s.dies(s.serving(0), 3); len(find[closeSlot](actions))+len(find[spawnWorker](actions)) != 0 {
		t.Errorf("%+v", actions)
	}
	s.boot(s.load(2))
	drained := find[drainWorker](s.acts)
	if len(drained) != 2 {
		t.Errorf("%d drained, want the 2 of generation 1", len(drained))
	}
	for _, d := range drained {
		if d.backlog {
			t.Error("a rolled worker was told to empty a queue that its successor serves")
		}
		s.event(workerExited{key: d.key})
	}
	for slot := range 3 {
		if key := s.serving(slot); key.Generation != 2 {
			t.Errorf("slot %d: %v", slot, key)
		}
	}
	if s.kinds["preforker.announce"] != 2 {
		t.Errorf("announced %d times", s.kinds["preforker.announce"])
	}
}

func TestRollIsOneSlotAtATimeAndSuccessorFirst(t *testing.T) {
	s := running(t, 3)
	s.event(restartAsked{"HUP"})
	actions := s.load(2)
	for range 3 {
		spawned := find[spawnWorker](actions)
		if len(spawned) != 1 || len(find[drainWorker](actions)) > 1 {
			t.Fatalf("%+v", actions)
		}
		if n := s.core.count(WorkerReady); n != 3 {
			t.Errorf("%d ready while a slot is rolled", n)
		}
		actions = s.ready(spawned[0].key)
		if d := find[drainWorker](actions); len(d) != 1 || d[0].key.Slot != spawned[0].key.Slot || d[0].key.Generation != 1 {
			t.Fatalf("%+v", d)
		}
	}
	if r := find[retirePreloader](actions); len(r) != 1 || r[0].origin != gen(1) {
		t.Errorf("%+v", r)
	}
}

func TestFailedRestartKeepsTheOldGeneration(t *testing.T) {
	s := running(t, 2)
	s.event(restartAsked{"HUP"})
	s.event(preloaderHello{gen(2), wire.Hello{}})
	actions := s.event(preloaderExited{origin: gen(2), failed: &wire.Failed{Error: wire.Failure{Class: "SyntaxError"}}})
	if lines := find[logged](actions); len(lines) == 0 || !slices.ContainsFunc(lines[0].attrs, func(a slog.Attr) bool {
		return a.Key == keyAdvice && strings.HasPrefix(a.Value.String(), "mend the file and line")
	}) {
		t.Errorf("it does not say what to do: %+v", actions)
	}
	if len(find[startPreloader](actions)) != 0 || len(find[finish](actions)) != 0 || len(find[drainWorker](actions)) != 0 {
		t.Errorf("%+v", actions)
	}
	if spawned := find[spawnWorker](s.dies(s.serving(0), 1)); len(spawned) != 1 || spawned[0].key.Generation != 1 {
		t.Errorf("%+v", spawned)
	}
}

func TestSuccessorThatDiesLeavesTheOldWorkerServing(t *testing.T) {
	s := running(t, 1)
	old := s.serving(0)
	s.event(restartAsked{"HUP"})
	actions := s.load(2)
	for range 6 {
		spawned := find[spawnWorker](actions)
		if len(spawned) != 1 {
			t.Fatalf("%+v", actions)
		}
		actions = s.event(workerExited{key: spawned[0].key, exit: ident.ExitStatus{Code: 1}})
		if _, w := s.core.worker(old); w == nil || w.state != WorkerReady || !s.core.slots[0].open {
			t.Fatal("the old worker or its socket is gone")
		}
		if len(find[spawnWorker](actions)) == 0 {
			actions = s.fire(timerSlot)
		}
	}
}

func TestFirstLoadThatFailsEndsTheLauncher(t *testing.T) {
	s := newScript(t, 2)
	s.event(preloaderHello{gen(1), wire.Hello{}})
	failed := &wire.Failed{Error: wire.Failure{Class: "RuntimeError", Message: "boom", AppFrames: []string{"config.ru:1"}}}
	done := find[finish](s.event(preloaderExited{origin: gen(1), failed: failed, lines: []string{"hello"}}))
	if len(done) != 1 || done[0].err == nil {
		t.Fatalf("%+v", done)
	}
	for _, part := range []string{"RuntimeError: boom", "config.ru:1", "hello"} {
		if text := done[0].err.Error(); !strings.Contains(text, part) {
			t.Errorf("%q lacks %q", text, part)
		}
	}
}

func TestHangingLoadIsAskedThenKilled(t *testing.T) {
	s := newScript(t, 1)
	s.event(preloaderHello{gen(1), wire.Hello{}})
	if sent := find[signalPreloader](s.fire(timerPreloaderBoot)); len(sent) != 1 || sent[0].signal != 3 {
		t.Fatalf("%+v", sent)
	}
	if sent := find[signalPreloader](s.fire(timerPreloaderKill)); len(sent) != 1 || sent[0].signal != 9 || !sent[0].group {
		t.Fatalf("%+v", sent)
	}
	done := find[finish](s.event(preloaderExited{origin: gen(1), exit: ident.ExitStatus{Signal: 9}}))
	if len(done) != 1 || !strings.Contains(done[0].err.Error(), "boot-timeout") {
		t.Errorf("%+v", done)
	}
}

func TestLoadsThatFailBackOff(t *testing.T) {
	s := running(t, 1)
	s.event(preloaderExited{origin: gen(1)})
	for generation := 2; generation < 6; generation++ {
		actions := s.event(preloaderExited{origin: gen(generation), exit: ident.ExitStatus{Code: 1}})
		if len(find[startPreloader](actions)) != 0 {
			t.Fatalf("generation %d was followed at once", generation)
		}
		if n := len(find[startPreloader](s.fire(timerReload))); n != 1 {
			t.Fatalf("%d loads after the wait", n)
		}
	}
}

func TestPreloaderThatDiesWhileForkingLosesNoSlot(t *testing.T) {
	s := newScript(t, 3)
	s.load(1)
	actions := s.event(preloaderExited{origin: gen(1), exit: ident.ExitStatus{Signal: 9}})
	if n := len(find[forgetWorker](actions)); n != 3 {
		t.Errorf("%d forgotten, want 3", n)
	}
	s.boot(s.load(2))
	if n := s.core.count(WorkerReady); n != 3 {
		t.Errorf("%d ready", n)
	}
}

func TestStopDrainsThenKillsThenFinishes(t *testing.T) {
	s := running(t, 3)
	actions := s.event(stopAsked{by: "TERM"})
	drained := find[drainWorker](actions)
	if len(drained) != 3 || len(find[hideSlots](actions)) != 1 || len(find[retirePreloader](actions)) != 1 {
		t.Fatalf("%+v", actions)
	}
	for _, d := range drained {
		if !d.backlog {
			t.Error("a worker leaves its queue behind")
		}
	}
	s.event(workerExited{key: drained[0].key})
	s.event(preloaderExited{origin: gen(1)})
	if killed := find[killWorker](s.event(stopAsked{"TERM", true})); len(killed) != 2 {
		t.Fatalf("%d killed, want 2", len(killed))
	}
	s.event(workerExited{key: drained[1].key})
	done := find[finish](s.event(workerExited{key: drained[2].key}))
	if len(done) != 1 || done[0].err != nil {
		t.Errorf("%+v", done)
	}
}

func TestDrainTimeoutKills(t *testing.T) {
	s := running(t, 2)
	s.event(stopAsked{by: "INT"})
	if killed := find[killWorker](s.fire(timerStop)); len(killed) != 2 {
		t.Errorf("%d killed, want 2", len(killed))
	}
}

func TestStopWhileLoading(t *testing.T) {
	s := newScript(t, 2)
	if sent := find[signalPreloader](s.event(stopAsked{by: "INT"})); len(sent) != 1 || sent[0].signal != 15 || !sent[0].group {
		t.Fatalf("%+v", sent)
	}
	done := find[finish](s.event(preloaderExited{origin: gen(1), exit: ident.ExitStatus{Signal: 15}}))
	if len(done) != 1 || done[0].err != nil {
		t.Errorf("%+v", done)
	}
}

func TestWorkerThatDoesNotBootIsKilled(t *testing.T) {
	s := newScript(t, 1)
	key := find[spawnWorker](s.load(1))[0].key
	if sent := find[signalPreloader](s.fire(timerWorkerBoot)); len(sent) != 1 || sent[0].signal != 9 {
		t.Errorf("no pid after the boot timeout: %+v, want the preloader killed", sent)
	}
	s.event(workerSpawned{key, 5})
	if killed := find[killWorker](s.event(timerFired{timer{timerWorkerBoot, key}})); len(killed) != 1 {
		t.Errorf("%+v", killed)
	}
}

func TestSpawnThatFailsWaits(t *testing.T) {
	s := newScript(t, 1)
	actions := s.load(1)
	for range 3 {
		spawned := find[spawnWorker](actions)
		if len(spawned) != 1 {
			t.Fatalf("%+v", actions)
		}
		actions = s.event(workerSpawnFailed{spawned[0].key, wire.Failure{Class: "Errno::EAGAIN"}})
		if len(find[spawnWorker](actions)) == 0 {
			actions = s.fire(timerSlot)
		}
	}
	if s.core.slots[0].deaths != 3 {
		t.Errorf("%d deaths", s.core.slots[0].deaths)
	}
}

func TestTransitionTables(t *testing.T) {
	w := WorkerExited
	if err := change(workerTransitions, &w, WorkerReady); err == nil || w != WorkerExited {
		t.Errorf("the dead rise: %v, %v", w, err)
	}
	s := newScript(t, 1)
	s.core.slots[0].state = SlotBackoff
	s.core.out = nil
	s.core.moveSlot(s.core.slots[0], SlotOccupied)
	if l := find[logged](s.core.out); len(l) != 1 || l[0].text != faultText || l[0].level != slog.LevelError {
		t.Errorf("an illegal transition was silent: %+v", l)
	}
}

// TestStorm throws random events at a core, with workers that die at any moment. It
// must never contradict itself, and must end with every slot served.
func TestStorm(t *testing.T) {
	for seed := range uint64(200) {
		s := newScript(t, 4)
		random := rand.New(rand.NewPCG(seed, 1))
		s.core.random = random.Float64
		for range 400 {
			s.now += time.Duration(random.Int64N(int64(300 * time.Millisecond)))
			s.event(s.randomEvent(random))
		}
		s.calm()
		for _, slot := range s.core.slots {
			w := slot.serving()
			if w == nil || w.state != WorkerReady || w.key.Generation != s.core.source().origin.Generation || !slot.open || w.binding != slot.binding {
				t.Fatalf("seed %d: slot %d is %v with %+v", seed, slot.number, slot.state, w)
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func (s *script) randomEvent(random *rand.Rand) event {
	key := ident.Key{}
	if spawns := find[spawnWorker](s.acts); len(spawns) > 0 {
		key = spawns[max(0, len(spawns)-1-random.IntN(min(8, len(spawns))))].key
	}
	generation := max(1, s.core.generation-random.IntN(2))
	switch random.IntN(16) {
	case 0, 1:
		return preloaderHello{gen(generation), wire.Hello{}}
	case 2, 3:
		return preloaderLoaded{gen(generation), wire.Loaded{}}
	case 4:
		if s.core.phase == phaseBooting {
			return nothing
		}
		return preloaderExited{origin: gen(generation), exit: ident.ExitStatus{Signal: 9}}
	case 5, 6:
		return workerSpawned{key, 1000 + key.Serial}
	case 7, 8:
		return workerReady{key, 1000 + key.Serial}
	case 9:
		if _, w := s.core.worker(key); w != nil && w.pid != 0 {
			return workerExited{key: key, served: random.Uint64N(2)}
		}
		return workerSpawnFailed{key: key}
	case 10:
		return restartAsked{"HUP"}
	case 11:
		return socketsLost{[]int{random.IntN(4), random.IntN(4)}}
	case 12:
		return s.notBound()
	case 13:
		return workerChannelClosed{key}
	case 14:
		return workerStuck{key, []Reason{ReasonServedNobody, ReasonNotLeaving}[random.IntN(2)], random.IntN(3)}
	default:
		timers := find[setTimer](s.acts)
		return timerFired{timers[random.IntN(len(timers))].timer}
	}
}

// notBound has the socket not be bound that was to be in the last step.
func (s *script) notBound() event {
	for _, a := range s.newest {
		switch a := a.(type) {
		case openSlot:
			return slotNotBound{slot: a.slot, err: fmt.Errorf("no space left")}
		case rebindSlot:
			return slotNotBound{slot: a.slot, err: fmt.Errorf("no space left")}
		}
	}
	return nothing
}

// nothing stands for nothing happening.
var nothing = workerReady{ident.Key{Slot: -1}, 0}

// calm answers everything that is outstanding as healthy processes would.
func (s *script) calm() {
	for range 200 {
		s.now += time.Minute
		for _, p := range slices.Clone(s.core.preloaders) {
			switch p.state {
			case PreloaderStarting:
				s.event(preloaderHello{p.origin, wire.Hello{}})
			case PreloaderLoading:
				s.event(preloaderLoaded{p.origin, wire.Loaded{}})
			case PreloaderRetiring:
				s.event(preloaderExited{origin: p.origin})
			}
		}
		for _, slot := range s.core.slots {
			for _, w := range slices.Clone(slot.workers) {
				switch w.state {
				case WorkerSpawning, WorkerBooting:
					s.ready(w.key)
				case WorkerDraining, WorkerKilling:
					s.event(workerExited{key: w.key, served: 1})
				}
			}
			if slot.state == SlotBackoff {
				s.event(timerFired{timer{timerSlot, ident.Key{Slot: slot.number, Serial: slot.deaths}}})
			}
		}
		s.event(timerFired{timer{timerReload, ident.Key{Generation: s.core.generation}}})
	}
}

func gen(generation int) ident.Origin { return ident.Origin{Generation: generation} }
