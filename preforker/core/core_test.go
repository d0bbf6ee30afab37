package core

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"launcher/preforker/ident"
)

// testPeriod is the time between two measurements.
const testPeriod = 200 * time.Millisecond

// script drives a core without any process: it answers actions as a healthy Ruby
// would, unless a test says otherwise, and remembers them.
type script struct {
	t      *testing.T
	core   *Core
	now    time.Duration
	facts  []string // their names
	acts   []Action
	newest []Action // of the last event
	kinds  map[string]int
}

func newScript(t *testing.T, slots int) *script {
	t.Helper()
	s := &script{t: t, core: New(slots, Policy{BootTimeout: time.Minute, MeasurePeriod: testPeriod, DrainTimeout: 30 * time.Second},
		func() float64 { return 0 }), kinds: map[string]int{}}
	s.event(Started{})
	return s
}

// event feeds one event and answers the actions that it led to.
func (s *script) event(e Event) []Action {
	s.t.Helper()
	actions := s.core.Step(s.now, e)
	s.core.View(s.now) // at any time
	s.newest = actions
	for _, a := range actions {
		s.acts = append(s.acts, a)
		s.kinds[fmt.Sprintf("%T", a)]++
		if wrong, is := a.(Contradiction); is {
			s.t.Errorf("after %T %+v: %s", e, e, wrong.Error)
		}
		if _, is := a.(Fact); is {
			s.facts = append(s.facts, strings.TrimPrefix(fmt.Sprintf("%T", a), "core."))
		}
	}
	return actions
}

// fire lets a timer's time pass.
func (s *script) fire(kind TimerKind) []Action {
	s.t.Helper()
	for i := len(s.acts) - 1; i >= 0; i-- {
		if set, ok := s.acts[i].(SetTimer); ok && set.Timer.Kind == kind {
			s.now += set.After
			return s.event(TimerFired{set.Timer})
		}
	}
	s.t.Fatalf("no timer %q was set", kind)
	return nil
}

func find[A Action](actions []Action) []A {
	var found []A
	for _, a := range actions {
		if a, ok := a.(A); ok {
			found = append(found, a)
		}
	}
	return found
}

func (s *script) load(generation int) []Action {
	s.t.Helper()
	s.event(PreloaderHello{gen(generation), Hello{Pid: 100 + generation, Ruby: "3.1.2"}})
	return s.event(PreloaderLoaded{gen(generation), Load{Pid: 100 + generation, Ruby: "3.1.2"}})
}

// boot answers every spawn in the actions, and those that follow from the answers.
func (s *script) boot(actions []Action) {
	s.t.Helper()
	for spawns := find[SpawnWorker](actions); len(spawns) > 0; {
		var next []Action
		for _, spawn := range spawns {
			next = append(next, s.ready(spawn.Key)...)
		}
		spawns = find[SpawnWorker](next)
	}
}

func (s *script) ready(key ident.Key) []Action {
	s.t.Helper()
	actions := s.event(WorkerSpawned{key, 1000 + key.Serial})
	return append(actions, s.event(WorkerReady{key, 1000 + key.Serial})...)
}

func (s *script) dies(key ident.Key, served uint64) []Action {
	s.t.Helper()
	return s.event(WorkerExited{Key: key, Exit: ident.ExitStatus{Signal: 9}, Served: served})
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
	if s.kinds["core.SpawnWorker"] != 20 || s.kinds["core.Announce"] != 1 {
		t.Errorf("%v", s.kinds)
	}
	for _, slot := range s.core.slots {
		if slot.state != OccupiedSlot || slot.serving().state != ReadyWorker {
			t.Errorf("slot %d: %v", slot.number, slot.state)
		}
	}
}

func TestSpawnsAreBounded(t *testing.T) {
	s := newScript(t, 20)
	if n := len(find[SpawnWorker](s.load(1))); n != spawnsAtOnce {
		t.Errorf("%d spawns at once, want %d", n, spawnsAtOnce)
	}
}

func TestReadyMayOvertakeSpawned(t *testing.T) {
	s := newScript(t, 1)
	key := find[SpawnWorker](s.load(1))[0].Key
	s.event(WorkerReady{key, 77})
	s.event(WorkerSpawned{key, 77})
	if w := s.core.slots[0].serving(); w.state != ReadyWorker || w.pid != 77 {
		t.Errorf("%+v", w)
	}
}

func TestCrashedWorkerIsReplacedAtOnce(t *testing.T) {
	s := running(t, 3)
	for i := range 50 { // each has served: no life is young, no slot ever waits
		spawned := find[SpawnWorker](s.dies(s.serving(1), uint64(i+1)))
		if len(spawned) != 1 || spawned[0].Key.Slot != 1 {
			t.Fatalf("death %d: %+v", i, spawned)
		}
		s.ready(spawned[0].Key)
	}
	if s.kinds["core.CloseSlot"] != 0 {
		t.Error("a slot was closed")
	}
}

func TestLateEventsFindNobody(t *testing.T) {
	s := running(t, 1)
	dead := s.serving(0)
	s.boot(s.dies(dead, 1))
	before := s.serving(0)
	for _, e := range []Event{WorkerReady{dead, 5}, WorkerSpawned{dead, 5}, WorkerExited{Key: dead},
		TimerFired{Timer{TimerWorkerBoot, dead}}, TimerFired{Timer{TimerWorkerDrain, dead}},
		PreloaderLoaded{gen(9), Load{}}, PreloaderExited{Origin: gen(9)},
		WorkerReady{ident.Key{Slot: 99, Generation: 1, Serial: 1}, 5}} {
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
		if spawn := find[SpawnWorker](actions); len(spawn) == 1 {
			s.ready(spawn[0].Key)
			actions = s.dies(spawn[0].Key, 0)
			continue
		}
		var wait time.Duration
		for _, set := range find[SetTimer](actions) {
			if set.Timer.Kind == TimerSlot {
				wait = set.After
			}
		}
		waits = append(waits, wait)
		if closed := len(find[CloseSlot](actions)) == 1; closed != (wait > closeAfter) {
			t.Errorf("waits %v: closed %v", wait, closed)
		}
		wasOpen := s.core.slots[0].open
		actions = s.fire(TimerSlot)
		if opened := len(find[OpenSlot](actions)) == 1; opened == wasOpen {
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
	if w := s.core.slots[1].serving(); w == nil || w.state != ReadyWorker {
		t.Error("the other slot suffered")
	}
}

func TestRequestsThatKillDoNotCloseTheSocket(t *testing.T) {
	s := running(t, 1)
	actions := s.event(WorkerExited{Key: s.serving(0), Request: "GET /crash"})
	for range 30 {
		if spawn := find[SpawnWorker](actions); len(spawn) == 1 {
			s.ready(spawn[0].Key)
			actions = s.event(WorkerExited{Key: spawn[0].Key, Request: "GET /crash"})
			continue
		}
		before := s.now
		actions = s.fire(TimerSlot)
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
	if spawned := find[SpawnWorker](s.dies(s.serving(0), 0)); len(spawned) != 1 {
		t.Errorf("%+v", spawned)
	}
}

func TestSlotWhoseSocketIsTakenKeepsTrying(t *testing.T) {
	s := running(t, 1)
	s.core.slots[0].deaths = 6
	s.dies(s.serving(0), 0)
	for range 5 {
		if n := len(find[OpenSlot](s.fire(TimerSlot))); n != 1 {
			t.Fatalf("%d openings", n)
		}
		s.event(SlotNotBound{Slot: 0, Error: "address in use"})
	}
	s.boot(s.fire(TimerSlot))
	if w := s.core.slots[0].serving(); w == nil || w.state != ReadyWorker {
		t.Error("the slot has not come back")
	}
}

func TestDeadPreloaderIsReplacedAndSlotsRoll(t *testing.T) {
	s := running(t, 3)
	actions := s.event(PreloaderExited{Origin: gen(1), Exit: ident.ExitStatus{Signal: 9}})
	if n := len(find[StartPreloader](actions)); n != 1 {
		t.Fatalf("%d loads", n)
	}
	// While nobody can fork, a dead worker's slot keeps its socket: requests wait.
	if actions := s.dies(s.serving(0), 3); len(find[CloseSlot](actions))+len(find[SpawnWorker](actions)) != 0 {
		t.Errorf("%+v", actions)
	}
	s.boot(s.load(2))
	drained := find[DrainWorker](s.acts)
	if len(drained) != 2 {
		t.Errorf("%d drained, want the 2 of generation 1", len(drained))
	}
	for _, d := range drained {
		if d.Backlog {
			t.Error("a rolled worker was told to empty a queue that its successor serves")
		}
		s.event(WorkerExited{Key: d.Key})
	}
	for slot := range 3 {
		if key := s.serving(slot); key.Generation != 2 {
			t.Errorf("slot %d: %v", slot, key)
		}
	}
	if s.kinds["core.Announce"] != 2 {
		t.Errorf("announced %d times", s.kinds["core.Announce"])
	}
}

func TestRollIsOneSlotAtATimeAndSuccessorFirst(t *testing.T) {
	s := running(t, 3)
	s.event(RestartAsked{"HUP"})
	actions := s.load(2)
	for range 3 {
		spawned := find[SpawnWorker](actions)
		if len(spawned) != 1 || len(find[DrainWorker](actions)) > 1 {
			t.Fatalf("%+v", actions)
		}
		if n := s.core.count(ReadyWorker); n != 3 {
			t.Errorf("%d ready while a slot is rolled", n)
		}
		actions = s.ready(spawned[0].Key)
		if d := find[DrainWorker](actions); len(d) != 1 || d[0].Key.Slot != spawned[0].Key.Slot || d[0].Key.Generation != 1 {
			t.Fatalf("%+v", d)
		}
	}
	if r := find[RetirePreloader](actions); len(r) != 1 || r[0].Origin != gen(1) {
		t.Errorf("%+v", r)
	}
}

func TestFailedRestartKeepsTheOldGeneration(t *testing.T) {
	s := running(t, 2)
	s.event(RestartAsked{"HUP"})
	s.event(PreloaderHello{gen(2), Hello{}})
	actions := s.event(PreloaderExited{Origin: gen(2), Failed: &Failed{Failure: Failure{Class: "SyntaxError"}}})
	if failed := find[LoadFailed](actions); len(failed) != 1 || failed[0].Failure.Failed.Failure.Class != "SyntaxError" {
		t.Errorf("it does not say why: %+v", actions)
	}
	if len(find[StartPreloader](actions)) != 0 || len(find[Finish](actions)) != 0 || len(find[DrainWorker](actions)) != 0 {
		t.Errorf("%+v", actions)
	}
	if spawned := find[SpawnWorker](s.dies(s.serving(0), 1)); len(spawned) != 1 || spawned[0].Key.Generation != 1 {
		t.Errorf("%+v", spawned)
	}
}

func TestSuccessorThatDiesLeavesTheOldWorkerServing(t *testing.T) {
	s := running(t, 1)
	old := s.serving(0)
	s.event(RestartAsked{"HUP"})
	actions := s.load(2)
	for range 6 {
		spawned := find[SpawnWorker](actions)
		if len(spawned) != 1 {
			t.Fatalf("%+v", actions)
		}
		actions = s.event(WorkerExited{Key: spawned[0].Key, Exit: ident.ExitStatus{Code: 1}})
		if _, w := s.core.worker(old); w == nil || w.state != ReadyWorker || !s.core.slots[0].open {
			t.Fatal("the old worker or its socket is gone")
		}
		if len(find[SpawnWorker](actions)) == 0 {
			actions = s.fire(TimerSlot)
		}
	}
}

// summary is all that a load failure says, but for its generation.
func summary(f *LoadFailure) string {
	parts := []string{f.Was.String(), f.Exit.String(), string(f.Reason), fmt.Sprint(f.Timeout)}
	if f.Failed != nil {
		parts = append(parts, f.Failed.Failure.Class+": "+f.Failed.Failure.Message)
		parts = append(parts, f.Failed.Failure.AppFrames...)
	}
	if f.StartError != nil {
		parts = append(parts, f.StartError.Text)
	}
	return strings.Join(append(parts, f.Lines...), "; ")
}

func TestFirstLoadThatFailsEndsTheLauncher(t *testing.T) {
	s := newScript(t, 2)
	s.event(PreloaderHello{gen(1), Hello{}})
	failed := &Failed{Failure: Failure{Class: "RuntimeError", Message: "boom", AppFrames: []string{"config.ru:1"}}}
	done := find[Finish](s.event(PreloaderExited{Origin: gen(1), Failed: failed, Lines: []string{"hello"}}))
	if len(done) != 1 || done[0].Failure == nil {
		t.Fatalf("%+v", done)
	}
	for _, part := range []string{"RuntimeError: boom", "config.ru:1", "hello"} {
		if text := summary(done[0].Failure); !strings.Contains(text, part) {
			t.Errorf("%q lacks %q", text, part)
		}
	}
}

func TestHangingLoadIsAskedThenKilled(t *testing.T) {
	s := newScript(t, 1)
	s.event(PreloaderHello{gen(1), Hello{}})
	if sent := find[SignalPreloader](s.fire(TimerPreloaderBoot)); len(sent) != 1 || sent[0].Signal != 3 {
		t.Fatalf("%+v", sent)
	}
	if sent := find[SignalPreloader](s.fire(TimerPreloaderKill)); len(sent) != 1 || sent[0].Signal != 9 || !sent[0].Group {
		t.Fatalf("%+v", sent)
	}
	done := find[Finish](s.event(PreloaderExited{Origin: gen(1), Exit: ident.ExitStatus{Signal: 9}}))
	if len(done) != 1 || done[0].Failure.Reason != ReasonBootTimeout || done[0].Failure.Was != RetiringPreloader || done[0].Failure.Timeout != time.Minute {
		t.Errorf("%+v", done)
	}
}

func TestLoadsThatFailBackOff(t *testing.T) {
	s := running(t, 1)
	s.event(PreloaderExited{Origin: gen(1)})
	for generation := 2; generation < 6; generation++ {
		actions := s.event(PreloaderExited{Origin: gen(generation), Exit: ident.ExitStatus{Code: 1}})
		if len(find[StartPreloader](actions)) != 0 {
			t.Fatalf("generation %d was followed at once", generation)
		}
		if n := len(find[StartPreloader](s.fire(TimerReload))); n != 1 {
			t.Fatalf("%d loads after the wait", n)
		}
	}
}

func TestPreloaderThatDiesWhileForkingLosesNoSlot(t *testing.T) {
	s := newScript(t, 3)
	s.load(1)
	actions := s.event(PreloaderExited{Origin: gen(1), Exit: ident.ExitStatus{Signal: 9}})
	if n := len(find[ForgetWorker](actions)); n != 3 {
		t.Errorf("%d forgotten, want 3", n)
	}
	s.boot(s.load(2))
	if n := s.core.count(ReadyWorker); n != 3 {
		t.Errorf("%d ready", n)
	}
}

func TestStopDrainsThenKillsThenFinishes(t *testing.T) {
	s := running(t, 3)
	actions := s.event(StopAsked{By: "TERM"})
	drained := find[DrainWorker](actions)
	if len(drained) != 3 || len(find[HideSockets](actions)) != 1 || len(find[RetirePreloader](actions)) != 1 {
		t.Fatalf("%+v", actions)
	}
	for _, d := range drained {
		if !d.Backlog {
			t.Error("a worker leaves its queue behind")
		}
	}
	s.event(WorkerExited{Key: drained[0].Key})
	s.event(PreloaderExited{Origin: gen(1)})
	if killed := find[KillWorker](s.event(StopAsked{"TERM", true})); len(killed) != 2 {
		t.Fatalf("%d killed, want 2", len(killed))
	}
	s.event(WorkerExited{Key: drained[1].Key})
	done := find[Finish](s.event(WorkerExited{Key: drained[2].Key}))
	if len(done) != 1 || done[0].Failure != nil {
		t.Errorf("%+v", done)
	}
}

func TestDrainTimeoutKills(t *testing.T) {
	s := running(t, 2)
	s.event(StopAsked{By: "INT"})
	if killed := find[KillWorker](s.fire(TimerStop)); len(killed) != 2 {
		t.Errorf("%d killed, want 2", len(killed))
	}
}

func TestStopWhileLoading(t *testing.T) {
	s := newScript(t, 2)
	if sent := find[SignalPreloader](s.event(StopAsked{By: "INT"})); len(sent) != 1 || sent[0].Signal != 15 || !sent[0].Group {
		t.Fatalf("%+v", sent)
	}
	done := find[Finish](s.event(PreloaderExited{Origin: gen(1), Exit: ident.ExitStatus{Signal: 15}}))
	if len(done) != 1 || done[0].Failure != nil {
		t.Errorf("%+v", done)
	}
}

func TestWorkerThatDoesNotBootIsKilled(t *testing.T) {
	s := newScript(t, 1)
	key := find[SpawnWorker](s.load(1))[0].Key
	if sent := find[SignalPreloader](s.fire(TimerWorkerBoot)); len(sent) != 1 || sent[0].Signal != 9 {
		t.Errorf("no pid after the boot timeout: %+v, want the preloader killed", sent)
	}
	s.event(WorkerSpawned{key, 5})
	if killed := find[KillWorker](s.event(TimerFired{Timer{TimerWorkerBoot, key}})); len(killed) != 1 {
		t.Errorf("%+v", killed)
	}
}

func TestSpawnThatFailsWaits(t *testing.T) {
	s := newScript(t, 1)
	actions := s.load(1)
	for range 3 {
		spawned := find[SpawnWorker](actions)
		if len(spawned) != 1 {
			t.Fatalf("%+v", actions)
		}
		actions = s.event(WorkerSpawnFailed{spawned[0].Key, Failure{Class: "Errno::EAGAIN"}})
		if len(find[SpawnWorker](actions)) == 0 {
			actions = s.fire(TimerSlot)
		}
	}
	if s.core.slots[0].deaths != 3 {
		t.Errorf("%d deaths", s.core.slots[0].deaths)
	}
}

func TestTransitionTables(t *testing.T) {
	w := ExitedWorker
	if err := transition(workerTransitions, &w, ReadyWorker); err == nil || w != ExitedWorker {
		t.Errorf("the dead rise: %v, %v", w, err)
	}
	s := newScript(t, 1)
	s.core.slots[0].state = WaitingSlot
	s.core.out = nil
	s.core.moveSlot(s.core.slots[0], OccupiedSlot)
	if l := find[Contradiction](s.core.out); len(l) != 1 {
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
			if w == nil || w.state != ReadyWorker || w.key.Generation != s.core.newestSource().origin.Generation || !slot.open || w.binding != slot.binding {
				t.Fatalf("seed %d: slot %d is %v with %+v", seed, slot.number, slot.state, w)
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func (s *script) randomEvent(random *rand.Rand) Event {
	key := ident.Key{}
	if spawns := find[SpawnWorker](s.acts); len(spawns) > 0 {
		key = spawns[max(0, len(spawns)-1-random.IntN(min(8, len(spawns))))].Key
	}
	generation := max(1, s.core.generation-random.IntN(2))
	switch random.IntN(16) {
	case 0, 1:
		return PreloaderHello{gen(generation), Hello{}}
	case 2, 3:
		return PreloaderLoaded{gen(generation), Load{}}
	case 4:
		if s.core.phase == PhaseBooting {
			return nothing
		}
		return PreloaderExited{Origin: gen(generation), Exit: ident.ExitStatus{Signal: 9}}
	case 5, 6:
		return WorkerSpawned{key, 1000 + key.Serial}
	case 7, 8:
		return WorkerReady{key, 1000 + key.Serial}
	case 9:
		if _, w := s.core.worker(key); w != nil && w.pid != 0 {
			return WorkerExited{Key: key, Served: random.Uint64N(2)}
		}
		return WorkerSpawnFailed{Key: key}
	case 10:
		return RestartAsked{"HUP"}
	case 11:
		return SocketsLost{[]int{random.IntN(4), random.IntN(4)}}
	case 12:
		return s.notBound()
	case 13:
		return WorkerChannelClosed{key}
	case 14:
		return WorkerStuck{key, []Reason{ReasonServedNobody, ReasonNotLeaving}[random.IntN(2)], random.IntN(3)}
	default:
		timers := find[SetTimer](s.acts)
		return TimerFired{timers[random.IntN(len(timers))].Timer}
	}
}

// notBound has the socket not be bound that was to be in the last step.
func (s *script) notBound() Event {
	for _, a := range s.newest {
		switch a := a.(type) {
		case OpenSlot:
			return SlotNotBound{Slot: a.Slot, Error: "no space left"}
		case RebindSlot:
			return SlotNotBound{Slot: a.Slot, Error: "no space left"}
		}
	}
	return nothing
}

// nothing stands for nothing happening.
var nothing = WorkerReady{ident.Key{Slot: -1}, 0}

// calm answers everything that is outstanding as healthy processes would.
func (s *script) calm() {
	for range 200 {
		s.now += time.Minute
		for _, p := range slices.Clone(s.core.preloaders) {
			switch p.state {
			case StartingPreloader:
				s.event(PreloaderHello{p.origin, Hello{}})
			case LoadingPreloader:
				s.event(PreloaderLoaded{p.origin, Load{}})
			case RetiringPreloader:
				s.event(PreloaderExited{Origin: p.origin})
			}
		}
		for _, slot := range s.core.slots {
			for _, w := range slices.Clone(slot.workers) {
				switch w.state {
				case SpawningWorker, BootingWorker:
					s.ready(w.key)
				case DrainingWorker, KillingWorker:
					s.event(WorkerExited{Key: w.key, Served: 1})
				}
			}
			if slot.state == WaitingSlot {
				s.event(TimerFired{Timer{TimerSlot, ident.Key{Slot: slot.number, Serial: slot.waits}}})
			}
		}
		s.event(TimerFired{Timer{TimerReload, ident.Key{Generation: s.core.generation}}})
	}
}

func gen(generation int) ident.Origin { return ident.Origin{Generation: generation} }
