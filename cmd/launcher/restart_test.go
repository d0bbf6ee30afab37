//go:build linux

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// gatedApp responds with what its file "release" had when it was loaded. The release "slow" is loaded when there is a
// file "gate", and "broken" is not.
func gatedApp(t *testing.T) string {
	return writeApp(t, map[string]string{"release": "one", "config.ru": `
release = File.read(File.join(__dir__, "release"))
puts "loading #{release}"
sleep(0.02) until release != "slow" || File.exist?(File.join(__dir__, "gate"))
raise "no such release" if release == "broken"
run(lambda { |_env| [200, {}, [release]] })
`})
}

// restart runs "launcher restart".
func (in *instance) restart(args ...string) asked {
	in.t.Helper()
	return askLauncher(in.t, startOptions{root: in.root, args: append([]string{"restart"}, args...)}, nil)
}

// restarted wants the command to have succeeded, with lines as these.
func (a asked) restarted(t *testing.T, patterns ...string) {
	t.Helper()
	if a.exit != exitOK || a.stderr != "" {
		t.Errorf("%+v", a)
	}
	for _, pattern := range patterns {
		if !regexp.MustCompile(`(?m)^` + pattern).MatchString(a.stdout) {
			t.Errorf("%q is missing in\n%s", pattern, a.stdout)
		}
	}
}

// TestRestartCommand waits until the new generation serves all slots, while nobody notices; one that does not load is told with the
// reason, and the older one serves on.
func TestRestartCommand(t *testing.T) {
	t.Parallel()
	root := gatedApp(t)
	in := start(t, startOptions{root: root, args: []string{"3"}}).serving()
	visitors := visit(2, "/", in.sockets(3)...)
	write(t, filepath.Join(root, "release"), "two")
	in.restart().restarted(t, `generation 2: loading$`, `generation 2: loaded in \d+\.\d s$`,
		`slot \d: served by pid \d+ after \d+\.\d s, 1 of 3 slots$`, `generation 2 serves (3 slots|all slots: .*), after `)
	in.waitFor("the new release", func() bool { return ask(t, in.socket(2), "/").is("two") })

	write(t, filepath.Join(root, "release"), "broken")
	a := in.restart()
	if a.exit != exitFailed || !strings.Contains(a.stderr, "generation 3 has not loaded, and the workers that are there serve on: load the application: RuntimeError: no such release") ||
		!strings.Contains(a.stderr, "config.ru:5") || !strings.Contains(a.stderr, "restart again") {
		t.Errorf("%+v", a)
	}
	in.waitFor("the new release", func() bool { return ask(t, in.socket(0), "/").is("two") }) // the older worker may be about to leave
	write(t, filepath.Join(root, "release"), "three")
	in.restart("--no-wait").restarted(t, `the restart has begun$`)
	in.reached(4)
	visitors.end(t, 0)
	in.signal(syscall.SIGTERM)
	in.gone(0)
}

// TestRestartThatIsReplaced by a later one says so, and that one does not wait for what nobody wants any more, though it hangs.
func TestRestartThatIsReplaced(t *testing.T) {
	t.Parallel()
	root := gatedApp(t)
	in := start(t, startOptions{root: root, args: []string{"2"}}).serving()
	write(t, filepath.Join(root, "release"), "slow") // for ever
	var first asked
	var restarts sync.WaitGroup
	restarts.Go(func() { first = in.restart() })
	in.waitLine(`loading slow`)
	late := in.restart("--timeout", "1ms") // nothing can load
	restarts.Wait()
	if first.exit != exitFailed || !strings.Contains(first.stderr, "replaced by a later one") {
		t.Errorf("%+v", first)
	}
	if late.exit != exitFailed || !strings.Contains(late.stderr, "which goes on: it is still under way after 1ms") {
		t.Errorf("%+v", late)
	}
	in.waitLines(`loading slow`, 2)
	write(t, filepath.Join(root, "release"), "two")
	in.restart().restarted(t, `another load has to end first; the application is loaded once more then`, `generation 4: loading$`, `generation 4 serves `)
	in.waitFor("the new release", func() bool { return ask(t, in.socket(0), "/").is("two") }) // the older worker may be about to leave
	in.signal(syscall.SIGTERM)
	in.gone(0)
}

// TestRestartWhoseWorkersDie as they come up ends with how.
func TestRestartWhoseWorkersDie(t *testing.T) {
	t.Parallel()
	root := gatedApp(t)
	write(t, filepath.Join(root, "config", "launcher.rb"), `after_fork { raise "no metrics" if File.exist?(File.join(__dir__, "broken")) }`)
	in := start(t, startOptions{root: root, args: []string{"2"}}).serving()
	write(t, filepath.Join(root, "config", "broken"), "")
	a := in.restart()
	if a.exit != exitFailed || !strings.Contains(a.stderr, "restart: 5 workers of generation 2 have died as they came up; those that are there serve on") ||
		!strings.Contains(a.stderr, "RuntimeError: no metrics") || !strings.Contains(a.stdout, "worker died (slot ") {
		t.Errorf("%+v", a)
	}
	if a := ask(t, in.socket(1), "/"); !a.is("one") {
		t.Errorf("%v", a)
	}
	in.signal(syscall.SIGTERM)
	in.gone(0)
}

// TestRestartFile: what is there at the start asks for nothing; each time that it is touched does, or made.
func TestRestartFile(t *testing.T) {
	t.Parallel()
	root := gatedApp(t)
	file := filepath.Join(root, "tmp", "restart.txt")
	write(t, file, "")
	in := start(t, startOptions{root: root, args: []string{"1"}}).serving()
	write(t, filepath.Join(root, "release"), "two")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Hour)
	touch(t, file, later)
	in.waitLine(`msg="restart asked for" by=tmp/restart.txt gen=2`)
	in.reached(2)
	touch(t, file, later.Add(-2*time.Hour)) // the clock was put back
	in.reached(3)
	in.waitFor("the new release", func() bool { return ask(t, in.socket(0), "/").is("two") }) // the older worker may be about to leave
	if n := in.count(`msg="restart asked for"`); n != 2 {
		t.Errorf("%d restarts", n)
	}
	in.signal(syscall.SIGTERM)
	in.gone(0)
}

func touch(t *testing.T, path string, at time.Time) {
	t.Helper()
	write(t, path, "")
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

// TestRestartOfNoLauncher, and what is no restart.
func TestRestartOfNoLauncher(t *testing.T) {
	t.Parallel()
	root := copyApp(t, "hello")
	for _, test := range []struct {
		args []string
		exit int
		says string
	}{
		{nil, exitFailed, "none runs with its sockets in " + root + "/log"},
		{[]string{"now"}, exitUsage, `restart takes options alone, not "now"`},
		{[]string{"--timeout", "-1s"}, exitUsage, "-1s is not a time to wait"},
		{[]string{"--nowait"}, exitUsage, "did you mean --no-wait?"},
	} {
		a := askLauncher(t, startOptions{root: root, args: append([]string{"restart"}, test.args...)}, nil)
		if a.exit != test.exit || a.stdout != "" || !strings.Contains(a.stderr, test.says) || !strings.Contains(a.stderr, "\nTry: ") {
			t.Errorf("%q: %+v", test.args, a)
		}
	}
}
