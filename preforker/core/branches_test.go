package core

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"launcher/preforker/ident"
)

// last is the newest fact.
func (s *script) last() string {
	s.t.Helper()
	facts := find[Fact](s.acts)
	if len(facts) == 0 {
		return ""
	}
	return fmt.Sprintf("%T%+v", facts[len(facts)-1], facts[len(facts)-1])
}

func TestTellsWhatAForkLoses(t *testing.T) {
	s := newScript(t, 1)
	s.event(PreloaderHello{gen(1), Hello{}})
	thread := Finding{Kind: "thread", Text: "boot started a thread", Where: "lib/telemetry.rb:3", Advice: "start it later"}
	socket := Finding{Kind: "socket", Text: "boot opened a socket: c to d"}
	s.event(PreloaderLoaded{gen(1), Load{Findings: []Finding{thread, socket}}})
	want := []FindingMade{{Generation: 1, Finding: thread}, {Generation: 1, Finding: socket}}
	if told := find[FindingMade](s.acts); !slices.Equal(told, want) {
		t.Errorf("%+v, want %+v", told, want)
	}
}

func TestWorkerDeathIsToldInFull(t *testing.T) {
	s := running(t, 1)
	first := s.serving(0)
	s.event(WorkerExited{Key: first, Exit: ident.ExitStatus{Signal: 9}, Served: 4, Request: "GET /crash"})
	key := find[SpawnWorker](s.acts)[1].Key
	s.event(WorkerSpawned{key, 7})
	failed := &Failed{Failure: Failure{Class: "KeyError", Message: "no key", AppFrames: []string{"config/launcher.rb:2"}}}
	s.event(WorkerExited{Key: key, Exit: ident.ExitStatus{Code: 1}, Failed: failed})
	want := []WorkerDied{
		{Worker: WorkerName{first, 1001}, Reason: ReasonCrashed, Exit: ident.ExitStatus{Signal: 9}, Served: 4, Request: "GET /crash"},
		{Worker: WorkerName{key, 7}, Reason: ReasonBootFailed, Exit: ident.ExitStatus{Code: 1}, Failed: failed},
	}
	if died := find[WorkerDied](s.acts); !slices.Equal(died, want) {
		t.Errorf("%+v, want %+v", died, want)
	}
}

// TestBootTimeoutOfAWorkerIsADeath: its slot counts it, though the launcher killed it.
func TestBootTimeoutOfAWorkerIsADeath(t *testing.T) {
	s := newScript(t, 1)
	key := find[SpawnWorker](s.load(1))[0].Key
	s.event(WorkerSpawned{key, 5})
	for range 2 { // the second finds it killed already
		s.event(TimerFired{Timer{TimerWorkerBoot, key}})
	}
	if n := s.kinds["core.KillWorker"]; n != 1 {
		t.Errorf("killed %d times", n)
	}
	s.event(WorkerReady{key, 5}) // too late
	if _, w := s.core.worker(key); w == nil || w.state != KillingWorker {
		t.Errorf("%+v", w)
	}
	s.dies(key, 0)
	if s.core.slots[0].deaths != 1 {
		t.Errorf("%d deaths", s.core.slots[0].deaths)
	}
}

func TestRestartWhileLoadingLoadsOnceMore(t *testing.T) {
	s := newScript(t, 1)
	for range 3 { // however often it is asked for
		if actions := s.event(RestartAsked{"HUP"}); len(find[StartPreloader](actions)) != 0 || !strings.Contains(s.last(), "RestartNoted") {
			t.Errorf("%s", s.last())
		}
	}
	actions := s.load(1)
	if started := find[StartPreloader](actions); len(started) != 1 || started[0].Generation != 2 {
		t.Fatalf("%+v", started)
	}
	s.boot(actions)
	s.event(PreloaderHello{gen(2), Hello{}})
	s.event(RestartAsked{"HUP"})
	actions = s.event(PreloaderExited{Origin: gen(2), Failed: &Failed{}}) // it fails, and is tried once more
	if started := find[StartPreloader](actions); len(started) != 1 || started[0].Generation != 3 {
		t.Fatalf("%+v", started)
	}
	if n := len(find[StartPreloader](s.load(3))); n != 0 {
		t.Errorf("%d more loads", n)
	}
}

func TestRestartIsIgnoredWhileStopping(t *testing.T) {
	s := running(t, 1)
	s.event(StopAsked{By: "TERM"})
	if actions := s.event(RestartAsked{"HUP"}); len(find[StartPreloader](actions)) != 0 || !strings.Contains(s.last(), "RestartIgnored") {
		t.Errorf("%s", s.last())
	}
}

// TestStopFindsEveryState: what is on its way when the launcher stops leaves too.
func TestStopFindsEveryState(t *testing.T) {
	s := running(t, 2)
	s.event(RestartAsked{"HUP"})
	s.event(PreloaderHello{gen(2), Hello{}})
	old := s.serving(0)
	spawning := find[SpawnWorker](s.dies(old, 1))[0].Key
	actions := s.event(StopAsked{By: "TERM"})
	if n := len(find[DrainWorker](actions)); n != 2 {
		t.Errorf("%d drained, want the one that is there and the one that is spawning", n)
	}
	if retired, ended := find[RetirePreloader](actions), find[SignalPreloader](actions); len(retired) != 1 || retired[0].Origin != gen(1) ||
		len(ended) != 1 || ended[0].Origin != gen(2) || !ended[0].Group {
		t.Errorf("%+v, %+v", retired, ended)
	}
	s.event(PreloaderHello{gen(2), Hello{}}) // late words of the one that is told to go
	s.event(PreloaderLoaded{gen(2), Load{}})
	if actions := s.event(StopAsked{"TERM", true}); len(find[KillWorker](actions)) != 2 || len(find[SignalPreloader](actions)) != 2 {
		t.Errorf("%+v", actions)
	}
	// Its pid comes when it is to be killed already.
	if killed := find[KillWorker](s.event(WorkerSpawned{spawning, 9})); len(killed) != 1 {
		t.Errorf("%+v", killed)
	}
	s.dies(spawning, 0)
	s.dies(s.core.slots[1].workers[0].key, 0)
	s.event(PreloaderExited{Origin: gen(2), Exit: ident.ExitStatus{Signal: 9}})
	done := find[Finish](s.event(PreloaderExited{Origin: gen(1), Exit: ident.ExitStatus{Signal: 9}}))
	if len(done) != 1 || done[0].Failure != nil {
		t.Errorf("%+v", done)
	}
	for _, e := range []Event{StopAsked{"TERM", true}, TimerFired{Timer{Kind: TimerStop}}, RestartAsked{"HUP"}} {
		if actions := s.event(e); len(find[Fact](actions)) != len(actions) {
			t.Errorf("%T after the end led to %+v", e, actions)
		}
	}
}

// TestLateStopTimerKillsNobody: only a stop sets it, and only a stop may use it.
func TestLateStopTimerKillsNobody(t *testing.T) {
	s := running(t, 1)
	if actions := s.event(TimerFired{Timer{Kind: TimerStop}}); len(actions) != 0 {
		t.Errorf("%+v", actions)
	}
}

// TestAnOldPreloadersDeathIsForgiven: loads that failed before it lived do not count.
func TestAnOldPreloadersDeathIsForgiven(t *testing.T) {
	s := running(t, 1)
	s.core.failures = 5
	s.now += time.Hour
	if n := len(find[StartPreloader](s.event(PreloaderExited{Origin: gen(1)}))); n != 1 || s.core.failures != 1 {
		t.Errorf("%d loads at once, %d failures", n, s.core.failures)
	}
}

// TestRestartEndsTheWaitForALoad: the timer of that wait then loads nothing more.
func TestRestartEndsTheWaitForALoad(t *testing.T) {
	s := running(t, 1)
	s.event(PreloaderExited{Origin: gen(1)})
	s.event(PreloaderExited{Origin: gen(2), Exit: ident.ExitStatus{Code: 1}})
	if n := len(find[StartPreloader](s.event(RestartAsked{"HUP"}))); n != 1 {
		t.Fatalf("%d loads", n)
	}
	if n := len(find[StartPreloader](s.fire(TimerReload))); n != 0 {
		t.Errorf("%d more loads", n)
	}
	s.boot(s.load(3))
	if s.serving(0).Generation != 3 {
		t.Errorf("%v", s.serving(0))
	}
}

type unknownEvent struct{}

func (unknownEvent) isEvent() {}

func TestFaultsAreLoud(t *testing.T) {
	for name, wrong := range map[string]func(c *Core){
		"worker":    func(c *Core) { c.moveWorker(&worker{state: ExitedWorker}, ReadyWorker) },
		"preloader": func(c *Core) { c.movePreloader(&preloader{state: ExitedPreloader}, ReadyPreloader) },
		"event":     func(c *Core) { c.Step(0, unknownEvent{}) },
		"timer":     func(c *Core) { c.Step(0, TimerFired{Timer{Kind: "unheard of"}}) },
	} {
		c := New(1, Policy{}, func() float64 { return 0 })
		wrong(c)
		if l := find[Contradiction](c.out); len(l) != 1 || l[0].Error == "" {
			t.Errorf("%s: %+v", name, l)
		}
	}
}

// TestStatesHaveNames: a number in the log would help nobody.
func TestStatesHaveNames(t *testing.T) {
	for s := StartingPreloader; s <= ExitedPreloader; s++ {
		if s.String() == "" {
			t.Errorf("preloader state %d", int(s))
		}
	}
	for s := SpawningWorker; s <= ExitedWorker; s++ {
		if s.String() == "" {
			t.Errorf("worker state %d", int(s))
		}
	}
	for s := VacantSlot; s <= WaitingSlot; s++ {
		if s.String() == "" {
			t.Errorf("slot state %d", int(s))
		}
	}
}

// TestWorkerThatLeavesByItself: the slot has another at once, while exit handlers run; where they take too long it is killed.
func TestWorkerThatLeavesByItself(t *testing.T) {
	for _, late := range []bool{false, true} {
		s := running(t, 2)
		s.now += time.Minute
		key := s.serving(0)
		spawned := find[SpawnWorker](s.event(WorkerLeaving{key, 0}))
		if len(spawned) != 1 || spawned[0].Key.Slot != 0 {
			t.Fatalf("spawned %+v", spawned)
		}
		if again := s.event(WorkerLeaving{key, 0}); len(find[SpawnWorker](again)) != 0 {
			t.Errorf("%+v", again)
		}
		s.ready(spawned[0].Key)
		exit := ident.ExitStatus{}
		if late {
			s.fire(TimerWorkerDrain)
			if s.kinds["core.KillWorker"] != 1 {
				t.Errorf("%v", s.kinds)
			}
			exit.Signal = 9
		}
		if more := find[SpawnWorker](s.event(WorkerExited{Key: key, Served: 0, Exit: exit})); len(more) != 0 {
			t.Errorf("spawned once more: %+v", more)
		}
		if s.core.slots[0].deaths != 0 {
			t.Errorf("%d deaths", s.core.slots[0].deaths)
		}
		want := map[bool]Reason{false: ReasonLeft, true: ReasonCrashed}[late]
		if lines := find[WorkerDied](s.acts); len(lines) != 1 || lines[0].Reason != want {
			t.Errorf("%+v", lines)
		}
	}
}

// TestYoungWorkerThatLeavesByItself dies young: its slot waits as ever.
func TestYoungWorkerThatLeavesByItself(t *testing.T) {
	s := running(t, 1)
	for range 3 {
		key := s.serving(0)
		if spawned := find[SpawnWorker](s.event(WorkerLeaving{key, 0})); len(spawned) != 0 {
			t.Errorf("spawned %+v", spawned)
		}
		actions := s.event(WorkerExited{Key: key})
		if len(find[SpawnWorker](actions)) == 0 {
			break
		}
		s.boot(actions)
	}
	if s.core.slots[0].deaths < 2 {
		t.Errorf("%d deaths", s.core.slots[0].deaths)
	}
}
