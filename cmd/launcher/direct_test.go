//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// direct starts a launcher whose workers load the application by themselves.
func direct(t testing.TB, root string, args ...string) *instance {
	t.Helper()
	return start(t, startOptions{root: root, args: append([]string{"--spawn-method", "direct"}, args...)})
}

// workersAlone checks that there is one process a worker, each the launcher's child, and no other.
func (in *instance) workersAlone(generation, workers int) {
	in.t.Helper()
	var got, want []string
	for slot := range workers {
		want = append(want, fmt.Sprintf("launcher worker slot=%d gen=%d idle", slot, generation))
	}
	in.waitFor(fmt.Sprintf("%d idle workers and nobody else", workers), func() bool {
		got = nil
		for _, p := range in.processes() {
			got = append(got, p.title)
		}
		slices.Sort(got)
		return slices.Equal(got, want)
	})
	for _, p := range in.processes() {
		if p.ppid != in.cmd.Process.Pid {
			in.t.Errorf("%q is a child of %d", p.title, p.ppid)
		}
	}
	if in.t.Failed() {
		in.t.Errorf("processes %q", got)
	}
}

// TestDirectServes one Ruby a worker, by the environment's variable as by the option.
func TestDirectServes(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: copyApp(t, "hello"), env: []string{"LAUNCHER_SPAWN_METHOD=direct"}, args: []string{"3"}}).serving()
	in.workersAlone(1, 3)
	for slot := range 3 {
		for range slot + 1 {
			if a := ask(t, in.socket(slot), "/pid"); a.pid() != in.worker(slot) {
				t.Errorf("slot %d: %v", slot, a)
			}
		}
	}
	if in.count("worker loaded the application") != 1 || in.count("preloader") != 0 {
		t.Error("the log tells of something else")
	}
	in.signal(syscall.SIGTERM)
	in.gone(0)
	for slot := range 3 { // each has its own record of the scoreboard
		in.waitLine(fmt.Sprintf(`"worker left" slot=%d .* served=%d `, slot, slot+1))
	}
}

// TestDirectRails: each worker opens the database for itself, and a crash costs one of them.
func TestDirectRails(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: copyApp(t, "blog"), env: []string{"BLOG_CONNECT_AT_BOOT=1"},
		args: []string{"--spawn-method=direct", "2"}}).serving()
	for slot := range 2 {
		if a := ask(t, in.socket(slot), "/posts"); a.status != 200 || !strings.Contains(a.body, "<html") {
			t.Errorf("slot %d: %v", slot, a)
		}
	}
	in.waitLine(`msg="worker loaded the application" slot=\d gen=1 pid=\d+ seconds=.* rails=`)
	old := in.worker(1)
	freeze(t, old)
	waiting := queue(t, in.socket(1), "/posts")
	kill(t, old, syscall.SIGKILL)
	if a := waiting.answer(); a.status != 200 {
		t.Errorf("what waited: %v", a)
	}
	if in.worker(1) == old || in.count("worker died") != 1 || in.count("slot waits") != 0 {
		t.Error("it was not replaced at once")
	}
	in.workersAlone(1, 2)
}

// TestDirectStopDrains what is in hand and what waits behind it.
func TestDirectStopDrains(t *testing.T) {
	t.Parallel()
	in, gate, requests := hanging(t, 5, startOptions{args: []string{"--spawn-method", "direct"}})
	in.signal(syscall.SIGTERM)
	in.waitLine(`"worker left" slot=1`)
	openGate(t, gate, "go")
	answered(t, requests)
	in.gone(0)
}

// TestDirectRestart loads changed code, then code that is broken, then mended code, while
// visitors ask.
func TestDirectRestart(t *testing.T) {
	t.Parallel()
	root := versionedApp(t)
	in := direct(t, root, "3").serving()
	visitors := visit(3, "/", in.sockets(3)...)
	in.waitFor("an answer of the first version", func() bool { return visitors.seen("one") })

	write(t, filepath.Join(root, "version"), "two")
	in.signal(syscall.SIGHUP)
	in.reached(2)
	in.waitFor("generation 2 to be alone", func() bool { return len(in.processes()) == 3 })
	for slot := range 3 {
		if a := ask(t, in.socket(slot), "/"); !a.is("two") {
			t.Errorf("slot %d: %v", slot, a)
		}
	}
	serving := []int{in.worker(0), in.worker(1), in.worker(2)}

	write(t, filepath.Join(root, "config.ru"), "def broken\n  raise IndexError, 'no such thing'\nend\nbroken\n")
	in.signal(syscall.SIGHUP)
	in.waitLine(`msg="generation failed to load; the workers that are there serve on" gen=3 error="load the application: IndexError: no such thing` +
		`\\n  in the application:\\n    config.ru:2:in .*broken'\\n    config.ru:4:`)
	in.waitFor("it to be gone", func() bool { return len(in.processes()) == 3 })
	if now := []int{in.worker(0), in.worker(1), in.worker(2)}; !slices.Equal(now, serving) {
		t.Errorf("workers %v became %v", serving, now)
	}

	write(t, filepath.Join(root, "config.ru"), "run ->(_env) { [200, {}, ['three']] }\n")
	in.signal(syscall.SIGHUP)
	in.reached(4)
	in.waitFor("an answer of the third version", func() bool { return visitors.seen("three") })
	if bodies := visitors.end(t, 0); !slices.Equal(bodies, []string{"one", "three", "two"}) {
		t.Errorf("visitors got %q", bodies)
	}
	in.workersAlone(4, 3)
	if n := in.count("worker died"); n != 0 {
		t.Errorf("%d workers died", n)
	}
}

// TestDirectRestartWhileLoading: one load more follows, and nobody is lost.
func TestDirectRestartWhileLoading(t *testing.T) {
	t.Parallel()
	root := slowApp(t)
	in := direct(t, root, "2")
	in.waitLine("worker is loading the application")
	early := queue(t, in.socket(1), "/")
	in.signal(syscall.SIGHUP)
	in.waitLine("restart noted")
	remove(t, filepath.Join(root, "hold"))
	if a := early.answer(); !a.is("hello") {
		t.Errorf("%v", a)
	}
	in.waitLine(`(workers are ready|"all slots have a ready worker" gen=2)`)
	in.waitLine(`"worker is ready" slot=1 gen=2`)
	in.workersAlone(2, 2)
}

// TestDirectBrokenApplications end the launcher with what a preloader would say.
func TestDirectBrokenApplications(t *testing.T) {
	t.Parallel()
	own := func(code string) string { return writeApp(t, map[string]string{"config.ru": code}) }
	for name, test := range map[string]struct {
		root string
		args []string
		says []string
	}{
		"raises": {copyApp(t, "broken_raise"), nil, []string{
			`(?m)^launcher: load the application: Settings::Missing: no setting called PAYMENT_KEY
  in the application:
    lib/settings.rb:15:in .*fetch'
    lib/settings.rb:8:in .*application'
    config.ru:7:(?s:.*)
  the last lines that it printed:
    reading settings
    connecting to the payment service
Try:`, "bin/rails runner 1"}},
		"exits at once": {copyApp(t, "broken_exit_bang"), nil, []string{
			`load the application: Ruby ended while it loaded: exit status 4\n  the last lines that it printed:\n    leaving without a goodbye`, ""}},
		"hangs": {copyApp(t, "broken_hang"), []string{"--boot-timeout", "10s"}, []string{
			`load the application: not done within 10s \(--boot-timeout\)
  in the application:
    lib/remote_settings.rb:12:in .*sleep'(?s:.*)asking the settings server`, "raise --boot-timeout"}},
		"hangs and does not answer": {own("Thread.new { sleep }\nputs 'deaf'\ntrap('QUIT', 'IGNORE')\nspawn('sleep 1000')\nsleep\n"),
			[]string{"--boot-timeout", "10s"}, []string{`not done within 10s(?s:.*)printed:\n    deaf`, "raise --boot-timeout"}},
		"missing gem": {copyApp(t, "broken_missing_gem"), nil, []string{`load the application: Bundler::\w+: `, "bundle install"}},
		"no Ruby": {copyApp(t, "hello"), []string{"--ruby", tool(t, "true")},
			[]string{`launcher: start Ruby: .*exit status 0.*is it a Ruby\?`, "name another Ruby with --ruby"}},
		"an old Ruby": {copyApp(t, "hello"), []string{"--ruby", script(t, fmt.Sprintf("exec ruby -r%s \"$@\"", oldRuby(t)))},
			[]string{`launcher: start Ruby: Ruby 2\.6\.10 \(/.*\) is too old`, "name another Ruby with --ruby"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := refused{startOptions{root: test.root, args: append(test.args, "--spawn-method", "direct", "3")}, exitFailed, test.says}.run(t)
			if strings.Contains(in.log(), "launcher/loading.rb") || in.count("contradicted") != 0 {
				t.Error("the launcher's own frames are shown")
			}
		})
	}
}

func oldRuby(t testing.TB) string {
	path := filepath.Join(t.TempDir(), "pretend.rb")
	write(t, path, `Object.send(:remove_const, :RUBY_VERSION); RUBY_VERSION = "2.6.10"`)
	return path
}

// TestDirectWorkerThatDoesNotComeUp again, because the code on disk has changed meanwhile, waits
// longer and longer beside its neighbours, and comes back when that is mended.
func TestDirectWorkerThatDoesNotComeUp(t *testing.T) {
	t.Parallel()
	root := versionedApp(t)
	in := direct(t, root, "2").serving()
	config, err := os.ReadFile(filepath.Join(root, "config.ru"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, "config.ru"), "raise 'half a release'\n")
	kill(t, in.worker(0), syscall.SIGKILL)
	in.growingWaits(0)
	in.waitLine(`msg="worker died" slot=0 gen=1 pid=\d+ exit="exit status 1" served=0 error="RuntimeError: half a release at config.ru:1.* reason="boot failed"`)
	if a := ask(t, in.socket(1), "/"); !a.is("one") {
		t.Errorf("the neighbour: %v", a)
	}
	write(t, filepath.Join(root, "config.ru"), string(config))
	in.waitLines(`msg="worker is ready" slot=0`, 2)
	in.workersAlone(1, 2)
}

// TestDirectHooks: after_fork is where a worker begins, whether or not it was forked.
func TestDirectHooks(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "hooks.log")
	in := start(t, startOptions{root: copyApp(t, "hooks"), env: []string{"HOOKS_LOG=" + log},
		args: []string{"--spawn-method", "direct", "2"}}).serving()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	slices.Sort(lines)
	var want []string
	for slot := range 2 {
		want = append(want, fmt.Sprintf("after_fork %d pid=%d", slot, in.worker(slot)))
	}
	if !slices.Equal(lines, want) {
		t.Errorf("hooks were called\n%q\nwant\n%q", lines, want)
	}
}

// TestDirectKilledLauncherLeavesNobody: what is idle leaves at once, what is busy after its request.
func TestDirectKilledLauncherLeavesNobody(t *testing.T) {
	t.Parallel()
	in, gate, requests := hanging(t, 0, startOptions{args: []string{"--spawn-method", "direct"}})
	in.killed()
	in.waitFor("the idle worker to leave", func() bool { return len(in.processes()) == 1 })
	if left := in.titled("launcher worker slot=0 gen=1 GET /hang"); len(left) != 1 {
		t.Errorf("left is %+v", in.processes())
	}
	openGate(t, gate, "go")
	answered(t, requests)
	in.waitFor("the busy worker to leave", func() bool { return len(in.processes()) == 0 })
}

// helpedApp never finishes loading, and has started a process that it waits for.
func helpedApp(t testing.TB) string {
	return writeApp(t, map[string]string{"config.ru": `
helper = spawn("sleep 1000")
puts "helped by #{helper}"
Process.wait(helper)
`})
}

func (in *instance) helpers(count int) (pids []int) {
	in.t.Helper()
	for n := range count {
		pid, err := strconv.Atoi(in.waitLines(`line="helped by (\d+)"`, n+1)[1])
		if err != nil {
			in.t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

func (in *instance) helpersGone(pids []int) {
	in.t.Helper()
	for _, pid := range pids {
		in.waitFor("a helper to end", func() bool {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			return err != nil || strings.Contains(string(stat), ") Z ")
		})
	}
}

func TestDirectKilledLauncherLeavesNoLoader(t *testing.T) {
	t.Parallel()
	in := direct(t, helpedApp(t), "1")
	pids := in.helpers(1)
	if left := in.titled("launcher worker slot=0 gen=1 loading"); len(left) != 1 {
		t.Errorf("%+v", in.processes())
	}
	in.killed()
	in.helpersGone(pids)
	in.waitFor("Ruby to leave", func() bool { return len(in.processes()) == 0 })
}

func TestDirectStopWhileLoading(t *testing.T) {
	t.Parallel()
	in := direct(t, helpedApp(t), "1")
	pids := in.helpers(1)
	early := queue(t, in.socket(0), "/")
	in.signal(syscall.SIGTERM)
	in.gone(0)
	in.helpersGone(pids)
	if a := early.answer(); a.status != 503 {
		t.Errorf("a connection that waited: %v", a)
	}
}

// TestDirectStopWhileALoadIgnoresIt: it is killed when its time is over, with what it has started.
func TestDirectStopWhileALoadIgnoresIt(t *testing.T) {
	t.Parallel()
	in := direct(t, helpedApp(t), "--drain-timeout", "500ms", "1")
	pids := in.helpers(1)
	freeze(t, in.worker(0))
	in.signal(syscall.SIGTERM)
	in.gone(0)
	in.helpersGone(pids)
}
