//go:build linux

package server

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"launcher/cmd/launcher/internal/experiment"
)

func TestRunCommand(t *testing.T) {
	app := experiment.App{Root: t.TempDir(), Environment: "staging"}
	dir := t.TempDir()
	if err := RunCommand(t.Context(), app, "echo $RAILS_ENV >there", dir); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(app.Root, "there")); err != nil || string(text) != "staging\n" {
		t.Errorf("%q, %v", text, err)
	}
	err := RunCommand(t.Context(), app, "read line; echo no such database >&2; echo '  there'; exit 3", dir) // it has nothing to read
	if err == nil || err.Error() != "exit status 3\n  no such database\n    there" {
		t.Errorf("a command that fails: %v", err)
	}
	if err := RunCommand(t.Context(), app, "kill -9 $$", dir); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("a command that is killed: %v", err)
	}
	if err := RunCommand(t.Context(), app, "there is 'no end", dir); err == nil {
		t.Error("no command of a shell")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	childless(t)
}

// TestRunCommandLeavesNothingRunning: not what holds its output, nor what is in a session of its own and hears no TERM.
func TestRunCommandLeavesNothingRunning(t *testing.T) {
	app := experiment.App{Root: t.TempDir()}
	err := RunCommand(t.Context(), app, `mkfifo up
(sleep 1000) &
setsid sh -c 'trap "" TERM; exec >/dev/null 2>&1; echo >up; while :; do sleep 1000; done' &
cat up`, t.TempDir())
	if err != nil {
		t.Error(err)
	}
	childless(t)
}

// TestRunCommandEndsWithTheExperiment, and what it has started with it.
func TestRunCommandEndsWithTheExperiment(t *testing.T) {
	app := experiment.App{Root: t.TempDir()}
	ctx, stop := context.WithCancelCause(t.Context())
	why := errors.New("Ctrl-C")
	stopping := make(chan struct{})
	go func() {
		defer close(stopping)
		for !exists(filepath.Join(app.Root, "up")) && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		stop(why)
	}()
	if err := RunCommand(ctx, app, "(sleep 1000 & echo >up; wait) & sleep 1000", t.TempDir()); !errors.Is(err, why) {
		t.Errorf("returned %v", err)
	}
	stop(nil)
	<-stopping
	childless(t)
	if err := RunCommand(ctx, app, "echo >after", t.TempDir()); !errors.Is(err, why) || exists(filepath.Join(app.Root, "after")) {
		t.Errorf("after the end: %v", err)
	}
}
