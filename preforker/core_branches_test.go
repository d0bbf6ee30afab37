package preforker

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"launcher/preforker/ident"
	"launcher/preforker/internal/wire"
)

// last is the newest line of the log, with its attributes.
func (s *script) last() string {
	s.t.Helper()
	lines := find[logged](s.acts)
	if len(lines) == 0 {
		return ""
	}
	return fmt.Sprint(lines[len(lines)-1].text, lines[len(lines)-1].attrs)
}

func TestWarnsOfWhatAForkLoses(t *testing.T) {
	s := newScript(t, 1)
	s.event(preloaderHello{gen(1), wire.Hello{}})
	s.event(preloaderLoaded{gen(1), wire.Loaded{Findings: []wire.Finding{
		{Kind: "thread", Text: "boot started a thread", Where: "lib/telemetry.rb:3", Advice: "start it later"},
		{Kind: "socket", Text: "boot opened a socket: c to d"}}}})
	var warned []string
	for _, line := range find[logged](s.acts) {
		if line.level == slog.LevelWarn {
			warned = append(warned, fmt.Sprint(line.text, line.attrs))
		}
	}
	want := []string{"boot started a thread[gen=1 kind=thread where=lib/telemetry.rb:3 advice=start it later]",
		"boot opened a socket: c to d[gen=1 kind=socket]"}
	if !slices.Equal(warned, want) {
		t.Errorf("%q, want %q", warned, want)
	}
}

func TestWorkerDeathIsToldInFull(t *testing.T) {
	s := running(t, 1)
	s.event(workerExited{key: s.serving(0), exit: ident.ExitStatus{Signal: 9}, served: 4, request: "GET /crash"})
	want := fmt.Sprint("worker died", []slog.Attr{slog.Int(keySlot, 0), slog.Int(keyGeneration, 1), slog.Int(keyPid, 1001),
		slog.String(keyExit, "signal SIGKILL"), slog.Uint64(keyServed, 4), slog.String(keyRequest, "GET /crash"), slog.String(keyReason, "crashed")})
	found := false
	for _, line := range find[logged](s.acts) {
		found = found || fmt.Sprint(line.text, line.attrs) == want
	}
	if !found {
		t.Errorf("no line is %s; the log is %q, last %s", want, s.log, s.last())
	}
	key := find[spawnWorker](s.acts)[1].key
	s.event(workerSpawned{key, 7})
	failed := &wire.Failed{Error: wire.Failure{Class: "KeyError", Message: "no key", AppFrames: []string{"config/launcher.rb:2"}}}
	s.event(workerExited{key: key, exit: ident.ExitStatus{Code: 1}, failed: failed})
	told := ""
	for _, line := range find[logged](s.acts) {
		if line.text == "worker died" {
			told = fmt.Sprint(line.attrs)
		}
	}
	if !strings.Contains(told, "KeyError: no key at config/launcher.rb:2") || !strings.Contains(told, "reason=boot failed") {
		t.Errorf("%s", told)
	}
}

// TestBootTimeoutOfAWorkerIsADeath: its slot counts it, though the launcher killed it.
func TestBootTimeoutOfAWorkerIsADeath(t *testing.T) {
	s := newScript(t, 1)
	key := find[spawnWorker](s.load(1))[0].key
	s.event(workerSpawned{key, 5})
	for range 2 { // the second finds it killed already
		s.event(timerFired{timer{timerWorkerBoot, key}})
	}
	if n := s.kinds["preforker.killWorker"]; n != 1 {
		t.Errorf("killed %d times", n)
	}
	s.event(workerReady{key, 5}) // too late
	if _, w := s.core.worker(key); w == nil || w.state != WorkerKilling {
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
		if actions := s.event(restartAsked{"HUP"}); len(find[startPreloader](actions)) != 0 || !strings.Contains(s.last(), "noted") {
			t.Errorf("%s", s.last())
		}
	}
	actions := s.load(1)
	if started := find[startPreloader](actions); len(started) != 1 || started[0].generation != 2 {
		t.Fatalf("%+v", started)
	}
	s.boot(actions)
	s.event(preloaderHello{gen(2), wire.Hello{}})
	s.event(restartAsked{"HUP"})
	actions = s.event(preloaderExited{origin: gen(2), failed: &wire.Failed{}}) // it fails, and is tried once more
	if started := find[startPreloader](actions); len(started) != 1 || started[0].generation != 3 {
		t.Fatalf("%+v", started)
	}
	if n := len(find[startPreloader](s.load(3))); n != 0 {
		t.Errorf("%d more loads", n)
	}
}

func TestRestartIsIgnoredWhileStopping(t *testing.T) {
	s := running(t, 1)
	s.event(stopAsked{by: "TERM"})
	if actions := s.event(restartAsked{"HUP"}); len(find[startPreloader](actions)) != 0 || !strings.Contains(s.last(), "stopping") {
		t.Errorf("%s", s.last())
	}
}

// TestStopFindsEveryState: what is on its way when the launcher stops leaves too.
func TestStopFindsEveryState(t *testing.T) {
	s := running(t, 2)
	s.event(restartAsked{"HUP"})
	s.event(preloaderHello{gen(2), wire.Hello{}})
	old := s.serving(0)
	spawning := find[spawnWorker](s.dies(old, 1))[0].key
	actions := s.event(stopAsked{by: "TERM"})
	if n := len(find[drainWorker](actions)); n != 2 {
		t.Errorf("%d drained, want the one that is there and the one that is spawning", n)
	}
	if retired, ended := find[retirePreloader](actions), find[signalPreloader](actions); len(retired) != 1 || retired[0].origin != gen(1) ||
		len(ended) != 1 || ended[0].origin != gen(2) || !ended[0].group {
		t.Errorf("%+v, %+v", retired, ended)
	}
	s.event(preloaderHello{gen(2), wire.Hello{}}) // late words of the one that is told to go
	s.event(preloaderLoaded{gen(2), wire.Loaded{}})
	if actions := s.event(stopAsked{"TERM", true}); len(find[killWorker](actions)) != 2 || len(find[signalPreloader](actions)) != 2 {
		t.Errorf("%+v", actions)
	}
	// Its pid comes when it is to be killed already.
	if killed := find[killWorker](s.event(workerSpawned{spawning, 9})); len(killed) != 1 {
		t.Errorf("%+v", killed)
	}
	s.dies(spawning, 0)
	s.dies(s.core.slots[1].workers[0].key, 0)
	s.event(preloaderExited{origin: gen(2), exit: ident.ExitStatus{Signal: 9}})
	done := find[finish](s.event(preloaderExited{origin: gen(1), exit: ident.ExitStatus{Signal: 9}}))
	if len(done) != 1 || done[0].err != nil {
		t.Errorf("%+v", done)
	}
	for _, e := range []event{stopAsked{"TERM", true}, timerFired{timer{kind: timerStop}}, restartAsked{"HUP"}} {
		if actions := s.event(e); len(find[logged](actions)) != len(actions) {
			t.Errorf("%T after the end led to %+v", e, actions)
		}
	}
}

// TestLateStopTimerKillsNobody: only a stop sets it, and only a stop may use it.
func TestLateStopTimerKillsNobody(t *testing.T) {
	s := running(t, 1)
	if actions := s.event(timerFired{timer{kind: timerStop}}); len(actions) != 0 {
		t.Errorf("%+v", actions)
	}
}

// TestAnOldPreloadersDeathIsForgiven: loads that failed before it lived do not count.
func TestAnOldPreloadersDeathIsForgiven(t *testing.T) {
	s := running(t, 1)
	s.core.failures = 5
	s.now += time.Hour
	if n := len(find[startPreloader](s.event(preloaderExited{origin: gen(1)}))); n != 1 || s.core.failures != 1 {
		t.Errorf("%d loads at once, %d failures", n, s.core.failures)
	}
}

// TestRestartEndsTheWaitForALoad: the timer of that wait then loads nothing more.
func TestRestartEndsTheWaitForALoad(t *testing.T) {
	s := running(t, 1)
	s.event(preloaderExited{origin: gen(1)})
	s.event(preloaderExited{origin: gen(2), exit: ident.ExitStatus{Code: 1}})
	if n := len(find[startPreloader](s.event(restartAsked{"HUP"}))); n != 1 {
		t.Fatalf("%d loads", n)
	}
	if n := len(find[startPreloader](s.fire(timerReload))); n != 0 {
		t.Errorf("%d more loads", n)
	}
	s.boot(s.load(3))
	if s.serving(0).Generation != 3 {
		t.Errorf("%v", s.serving(0))
	}
}

func TestFaultsAreLoud(t *testing.T) {
	for name, wrong := range map[string]func(c *core){
		"worker":    func(c *core) { c.moveWorker(&worker{state: WorkerExited}, WorkerReady) },
		"preloader": func(c *core) { c.movePreloader(&preloader{state: PreloaderExited}, PreloaderReady) },
		"event":     func(c *core) { c.step(0, workerEnded{}) }, // the supervisor's own, never the core's
	} {
		c := newCore(1, policy{}, func() float64 { return 0 })
		wrong(c)
		if l := find[logged](c.out); len(l) != 1 || l[0].text != faultText || l[0].level != slog.LevelError {
			t.Errorf("%s: %+v", name, l)
		}
	}
}

// TestStatesHaveNames: a number in the log would help nobody.
func TestStatesHaveNames(t *testing.T) {
	for s := PreloaderStarting; s <= PreloaderExited; s++ {
		if s.String() == "" {
			t.Errorf("preloader state %d", int(s))
		}
	}
	for s := WorkerSpawning; s <= WorkerExited; s++ {
		if s.String() == "" {
			t.Errorf("worker state %d", int(s))
		}
	}
	for s := SlotVacant; s <= SlotBackoff; s++ {
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
		spawned := find[spawnWorker](s.event(workerLeaving{key, 0}))
		if len(spawned) != 1 || spawned[0].key.Slot != 0 {
			t.Fatalf("spawned %+v", spawned)
		}
		if again := s.event(workerLeaving{key, 0}); len(find[spawnWorker](again)) != 0 {
			t.Errorf("%+v", again)
		}
		s.ready(spawned[0].key)
		exit := ident.ExitStatus{}
		if late {
			s.fire(timerWorkerDrain)
			if s.kinds["preforker.killWorker"] != 1 {
				t.Errorf("%v", s.kinds)
			}
			exit.Signal = 9
		}
		if more := find[spawnWorker](s.event(workerExited{key: key, served: 0, exit: exit})); len(more) != 0 {
			t.Errorf("spawned once more: %+v", more)
		}
		if s.core.slots[0].deaths != 0 {
			t.Errorf("%d deaths", s.core.slots[0].deaths)
		}
		want := map[bool]string{false: string(ReasonLeft), true: string(ReasonCrashed)}[late]
		if lines := s.logged("worker died"); len(lines) != 1 || lines[0].value(keyReason) != want {
			t.Errorf("%+v", lines)
		}
	}
}

// TestYoungWorkerThatLeavesByItself dies young: its slot waits as ever.
func TestYoungWorkerThatLeavesByItself(t *testing.T) {
	s := running(t, 1)
	for range 3 {
		key := s.serving(0)
		if spawned := find[spawnWorker](s.event(workerLeaving{key, 0})); len(spawned) != 0 {
			t.Errorf("spawned %+v", spawned)
		}
		actions := s.event(workerExited{key: key})
		if len(find[spawnWorker](actions)) == 0 {
			break
		}
		s.boot(actions)
	}
	if s.core.slots[0].deaths < 2 {
		t.Errorf("%d deaths", s.core.slots[0].deaths)
	}
}
