//go:build linux

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"launcher/preforker/control"
)

// probedApp is a release whose health check responds with the status in the file of its name, and everything else with its name.
func probedApp(t *testing.T) string {
	return writeApp(t, map[string]string{"release": "one", "one": "200", "two": "500", "config.ru": `
release = File.read(File.join(__dir__, "release"))
run(lambda { |env|
  next [200, {}, [release]] unless env["PATH_INFO"] == "/health"
  File.write(File.join(__dir__, "probed"), "#{release} #{env["HTTP_USER_AGENT"]}\n", mode: "a")
  sleep if File.read(File.join(__dir__, release)) == "hangs"
  [File.read(File.join(__dir__, release)).to_i, {}, []]
})
`})
}

// TestAReleaseThatFailsItsProbe takes no slot, whoever serves it, and the restart says why. Nobody has seen a bad response.
func TestAReleaseThatFailsItsProbe(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"smart", "direct"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			root := probedApp(t)
			in := start(t, startOptions{root: root, args: []string{"2", "--probe", "/health", "--spawn-method", method, "--boot-timeout", "60s"}}).serving()
			visitors := visit(1, "/", in.sockets(2)...)
			write(t, filepath.Join(root, "release"), "two")
			a := in.restart()
			if a.exit != exitFailed || !strings.Contains(a.stderr, "generation 2 is given up: release is held back: its workers have failed their probe; the slots keep the one before") ||
				!strings.Contains(a.stderr, "GET /health was answered with 500") {
				t.Errorf("%+v", a)
			}
			in.waitLine(`level=ERROR msg="worker has failed its probe, and serves nobody" slot=\d gen=2 .*error="PreforkLauncher::ReadinessProbe::Failed: GET /health was answered with 500"`)
			in.waitLine(`level=ERROR msg="release is held back: its workers have failed their probe; .*" gen=2 probes=3 error=.*GET /health was answered with 500`)
			if status := in.status(); !slices.Equal(servedBy(status), []int{1, 1}) || !slices.ContainsFunc(status.Generations, func(g control.GenerationStatus) bool {
				return g.Generation == 2 && g.Held != nil && g.Held.Probes == 3
			}) && method == "smart" {
				t.Errorf("%+v", status)
			}
			write(t, filepath.Join(root, "two"), "200")
			in.restart().restarted(t, `generation 3 serves `)
			visitors.end(t, 0)
			in.waitFor("the new release", func() bool { return ask(t, in.socket(1), "/").is("two") }) // the older worker may be about to leave
			if probed := readFile(t, filepath.Join(root, "probed")); strings.Contains(probed, "one") || !strings.Contains(probed, "two launcher probe\n") {
				t.Errorf("the first generation has nobody to take a slot from: %q", probed)
			}
			in.signal(syscall.SIGTERM)
			in.gone(0)
		})
	}
}

// TestAReleaseThatHangsInItsProbe is held back with the place.
func TestAReleaseThatHangsInItsProbe(t *testing.T) {
	t.Parallel()
	root := probedApp(t)
	in := start(t, startOptions{root: root, args: []string{"1", "--probe", "/health", "--boot-timeout", "10s"}}).serving()
	write(t, filepath.Join(root, "release"), "two")
	write(t, filepath.Join(root, "two"), "hangs")
	if a := in.restart(); a.exit != exitFailed || !strings.Contains(a.stderr, "GET /health was not answered within 8 s, at ") || !strings.Contains(a.stderr, "config.ru:6") {
		t.Errorf("%+v", a)
	}
	if a := ask(t, in.socket(0), "/"); !a.is("one") {
		t.Errorf("%v", a)
	}
	in.signal(syscall.SIGTERM)
	in.gone(0)
}

// TestRailsHealthCheckIsTheProbe where the application routes it, and nobody has named another one.
func TestRailsHealthCheckIsTheProbe(t *testing.T) {
	t.Parallel()
	root := copyApp(t, "blog")
	write(t, filepath.Join(root, "app", "controllers", "rails", "health_controller.rb"), `
class Rails::HealthController < ActionController::Base
  def show
    raise "no disk" if File.exist?(Rails.root.join("sick"))
    head :ok
  end
end
`)
	routes := filepath.Join(root, "config", "routes.rb")
	write(t, routes, strings.Replace(readFile(t, routes), "draw do", "draw do\n  get \"up\" => \"rails/health#show\"", 1))
	in := start(t, startOptions{root: root, args: []string{"1"}}).serving()
	write(t, filepath.Join(root, "sick"), "")
	if a := in.restart(); a.exit != exitFailed || !strings.Contains(a.stderr, "GET /up was answered with 500: RuntimeError: no disk") || !strings.Contains(a.stderr, "health_controller.rb:4") {
		t.Errorf("%+v", a)
	}
	if a := ask(t, in.socket(0), "/posts"); a.status != 200 {
		t.Errorf("%v", a)
	}
	if err := syscall.Unlink(filepath.Join(root, "sick")); err != nil {
		t.Fatal(err)
	}
	in.restart().restarted(t, `generation 3 serves 1 slot`)
	in.signal(syscall.SIGTERM)
	if status := in.wait(); status != exitOK {
		t.Errorf("it has ended with %d", status)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
