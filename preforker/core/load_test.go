package core

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"launcher/preforker/ident"
)

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

// TestAnOldPreloadersDeathIsNoFailureInARow: loads that failed before it lived do not count.
func TestAnOldPreloadersDeathIsNoFailureInARow(t *testing.T) {
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
