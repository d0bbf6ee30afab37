//go:build linux

package server

import (
	"os"
	"strings"
	"testing"

	"launcher/cmd/launcher/internal/experiment"
)

// Pitchfork may not be installed where tests run.
func TestPitchforkCommand(t *testing.T) {
	s := &Spec{Method: experiment.Pitchfork, Workers: 2, Dir: t.TempDir(), App: experiment.App{Environment: "production", Entry: "config.ru"}}
	r, err := s.recipe(Installed{Program: "/usr/bin/pitchfork"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(r.typed, " "), "pitchfork -c D/pitchfork.rb -l D/server.sock -E production D/wrapper.ru"; strings.ReplaceAll(got, s.Dir, "D") != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, line := range []string{"I, worker=0 gen=0 pid=12 registered", "worker=0 gen=1 pid=13 registered", "worker=1 gen=0 spawning..."} {
		_ = r.ready.line(line)
	}
	if r.ready.up(t.Context()) {
		t.Error("one worker is two")
	}
	if _ = r.ready.line("worker=1 gen=0 pid=14 registered"); !r.ready.up(t.Context()) {
		t.Error("two workers are not up")
	}
	if err := s.prepare(); err != nil {
		t.Error(err)
	}
	if _, err := findGem(t.Context(), experiment.Pitchfork, experiment.App{Root: s.Dir}); err != nil && !strings.Contains(err.Error(), "pitchfork is not installed") {
		t.Errorf("found %v", err)
	}
}

// Falcon may not be installed where tests run.
func TestFalconCommand(t *testing.T) {
	s := &Spec{Method: experiment.Falcon, Workers: 3, Dir: t.TempDir(), App: experiment.App{Environment: "production", Entry: "config.ru"}}
	r, err := s.recipe(Installed{Program: "/usr/bin/falcon", Bundled: true})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(r.typed, " "), "bundle exec falcon host D/falcon.rb"; strings.ReplaceAll(got, s.Dir, "D") != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	_ = r.ready.line(`{"severity":"info","subject":"Async::Service::Controller","message":"Controller starting..."}`)
	if r.ready.up(t.Context()) {
		t.Error("it is up before it says so")
	}
	if _ = r.ready.line(`{"severity":"info","subject":"Async::Service::Controller","message":"Controller started..."}`); !r.ready.up(t.Context()) {
		t.Error("it is not up")
	}
	if err := s.prepare(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(s.path("falcon.rb")); err != nil || !strings.HasSuffix(string(text), "\nserve 3\n") || !exists(s.path("falcon_preload.rb")) {
		t.Errorf("%s %v", text, err)
	}
}
