//go:build linux

package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"launcher/cmd/launcher/internal/experiment"
	"launcher/cmd/launcher/internal/experiment/load"
	"launcher/preforker/hint"
)

// TestStartBroken starts an application that raises while it loads.
func TestStartBroken(t *testing.T) {
	root := copyApp(t, "broken_raise")
	for _, method := range installed(t) {
		t.Run(string(method), func(t *testing.T) {
			spec := newSpec(t, method, root, 2)
			spec.Timeout = time.Hour // nobody waits for it
			tells := "Settings::Missing"
			if method == experiment.PumaForkWorker {
				tells = "settings.rb:15" // no more
			}
			startFails(t.Context(), t, spec, string(method), tells)
		})
	}
}

// TestFailureIsToldWhole: that a worker does not load the application is known with the line after it, which says why.
func TestFailureIsToldWhole(t *testing.T) {
	ready := announced(`^worker (\d+)`, 2).unless(`^! unable`)
	for _, line := range []string{"loading", "! unable to start", "! unable to start"} {
		if err := ready.line(line); err != nil {
			t.Errorf("%q: %v", line, err)
		}
	}
	if err := ready.line("settings.rb:15"); !errors.Is(err, errNotLoaded) {
		t.Errorf("with the reason: %v", err)
	}
}

// TestStartMissingGem is about a bundle that cannot be set up, which the server is found without.
func TestStartMissingGem(t *testing.T) {
	root := copyApp(t, "broken_missing_gem")
	for _, method := range []experiment.Method{experiment.Smart, experiment.Passenger, experiment.Unicorn, experiment.Puma} {
		t.Run(string(method), func(t *testing.T) {
			err := startFails(t.Context(), t, newSpec(t, method, root, 1))
			if strings.Contains(err.Error(), "is not installed") || !strings.Contains(err.Error(), "gem") {
				t.Errorf("the error does not tell of a gem: %v", err)
			}
		})
	}
}

// TestStartCancelled ends the context once the application loads.
func TestStartCancelled(t *testing.T) {
	root := filepath.Join(shortDir(t), "slow")
	gate := filepath.Join(shortDir(t), "loads")
	if err := os.MkdirAll(root, 0o755); err != nil {
		t.Fatal(err)
	}
	code := fmt.Sprintf("File.write(%q, Process.pid)\nsleep\n", gate)
	if err := os.WriteFile(filepath.Join(root, "config.ru"), []byte(code), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, method := range installed(t) {
		t.Run(string(method), func(t *testing.T) {
			_ = os.Remove(gate)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			spec := newSpec(t, method, root, 2)
			go func() {
				for !exists(gate) && ctx.Err() == nil {
					time.Sleep(startTick)
				}
				cancel()
			}()
			if err := startFails(ctx, t, spec); !errors.Is(err, context.Canceled) {
				t.Errorf("the error is not the context's: %v", err)
			}
			if !exists(gate) {
				t.Error("the application had not been loading")
			}
		})
	}
}

func TestStartTimeout(t *testing.T) {
	for _, method := range []experiment.Method{experiment.Puma, experiment.Passenger} {
		spec := newSpec(t, method, copyApp(t, "broken_hang"), 1)
		spec.Timeout = 3 * time.Second
		startFails(t.Context(), t, spec, "not up after 3s")
	}
}

func TestStartRefuses(t *testing.T) {
	good := Spec{Method: experiment.Passenger, Workers: 1, App: experiment.App{Root: "/srv/app"}, Dir: "/tmp/x", Timeout: time.Second}
	for name, change := range map[string]func(*Spec){
		"method":   func(s *Spec) { s.Method = "mongrel" },
		"workers":  func(s *Spec) { s.Workers = 0 },
		"time":     func(s *Spec) { s.Timeout = 0 },
		"relative": func(s *Spec) { s.App.Root = "app" },
		"long":     func(s *Spec) { s.Dir = "/tmp/" + strings.Repeat("x", 60) },
	} {
		t.Run(name, func(t *testing.T) {
			spec := good
			change(&spec)
			if err := spec.validate(); err == nil {
				t.Error("it was accepted")
			}
		})
	}
	if err := good.validate(); err != nil {
		t.Error(err)
	}
	good.Dir = "/tmp/" + strings.Repeat("x", 60)
	if err := good.validate(); hint.Of(err) == "" {
		t.Errorf("no hint: %v", err)
	}
}

// TestStartOne is a cluster of one worker, of an application whose folder has no config.ru.
func TestStartOne(t *testing.T) {
	root := copyApp(t, "blog")
	if err := os.Remove(filepath.Join(root, "config.ru")); err != nil {
		t.Fatal(err)
	}
	for _, method := range installed(t) {
		t.Run(string(method), func(t *testing.T) {
			spec := newSpec(t, method, root, 1)
			spec.App.Entry = "config/environment.rb"
			s := up(t, spec)
			response, body := ask(t, "http://"+proxy(t, s.Backends()).Address()+"/posts", false)
			if response.StatusCode != 200 || response.Header.Get(load.PidHeader) == "" {
				t.Errorf("status %d, answered by %q: %s", response.StatusCode, response.Header.Get(load.PidHeader), body)
			}
		})
	}
}
