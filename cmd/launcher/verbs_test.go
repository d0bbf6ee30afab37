//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"launcher/preforker/control"
)

// stuckApp holds each request to /stuck for ever, in Ruby; /c is held in C, with Ruby's lock.
func stuckApp(t *testing.T) string {
	return writeApp(t, map[string]string{"config.ru": `
require "fiddle"
hold = Fiddle::Function.new(Fiddle.dlopen(nil)["pause"], [], Fiddle::TYPE_INT, need_gvl: true)
run(lambda { |env|
  case env["PATH_INFO"]
  when "/stuck" then sleep
  when "/c" then hold.call
  end
  [200, {}, ["served by #{Process.pid}"]]
})
`})
}

// ask runs a command for a running launcher.
func (in *instance) ask(args ...string) asked {
	in.t.Helper()
	return askLauncher(in.t, startOptions{root: in.root, args: args}, nil)
}

// says wants an exit status, and each of some texts in what a command has printed.
func (a asked) says(t *testing.T, exit int, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if a.exit != exit || !strings.Contains(a.stdout+a.stderr, text) {
			t.Errorf("exit status %d, and %q is missing in\n%s%s", a.exit, text, a.stdout, a.stderr)
		}
	}
}

// stick has a slot's worker be held by a request, whose end nobody waits for but the test's.
func (in *instance) stick(slot int, path string, ends *sync.WaitGroup) {
	in.t.Helper()
	ends.Go(func() { ask(in.t, in.socket(slot), path) })
	in.statusWhen("the request to be in hand", func(s control.Status) bool {
		w := s.Slots[slot].Workers
		return len(w) > 0 && w[len(w)-1].Request != nil && w[len(w)-1].Request.Path == path
	})
}

// TestVerbsWhileAllAreStuck: each worker is held by a request, and forty clients say nothing; all that is asked is answered all the same. A worker
// that hangs in C is told of by the kernel; one that is killed loses its request alone.
func TestVerbsWhileAllAreStuck(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: stuckApp(t), args: []string{"2"}}).serving()
	var ends sync.WaitGroup
	in.stick(0, "/stuck", &ends)
	in.stick(1, "/c", &ends)
	for range 40 {
		conn, err := net.Dial("unix", filepath.Join(in.root, "log", "launcher.sock"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	for range 5 {
		if s := in.status(); s.Slots[0].Workers[0].Request == nil {
			t.Errorf("%+v", s.Slots[0])
		}
	}
	in.ask("events").says(t, exitOK, `msg="worker is ready" slot=1 gen=1`)
	in.backtrace("0").says(t, exitOK, "slot 0: pid ", " with GET /stuck", "thread serving, sleep", "config.ru:6:in `")
	in.ask("backtrace", "1").says(t, exitOK, " with GET /c", "no backtrace of Ruby: Ruby does not run in it", "thread ", "waits in ")

	in.ask("kill", "0", "--timeout", "1ms").says(t, exitFailed, "leaves once it has finished GET /stuck", "it is still under way after 1ms", "launcher kill 0 --now")
	in.ask("kill", "0", "--now").says(t, exitOK, " is killed in GET /stuck", "has left with signal SIGKILL in GET /stuck")
	in.ask("kill", "1", "--now").says(t, exitOK, " is killed in GET /c", "served by pid ")
	ends.Wait()
	for slot := range 2 {
		if a := ask(t, in.socket(slot), "/"); a.status != 200 {
			t.Errorf("slot %d: %v", slot, a)
		}
	}
	in.ask("kill", "7").says(t, exitFailed, "kill 7: there are the slots 0 to 1", "Try: ")
	in.ask("events", "--json", "--last", "20").says(t, exitOK, `"msg":"no worker is ended"`, `"slot":7,"by":"launcher kill","reason":"there is no such slot"`)
	in.ask("stop").says(t, exitOK, "stopping 2 workers, each once its request is done", "0 workers to go", "stopped after ")
	in.gone(0)
}

// TestStopTwice: both wait for the same end, and the one that kills tells what is lost. With --http the front ends first.
func TestStopTwice(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: stuckApp(t), args: []string{"1", "--http", "127.0.0.1:0"}}).serving()
	var ends, stops sync.WaitGroup
	in.stick(0, "/stuck", &ends)
	var first asked
	stops.Go(func() { first = in.ask("stop") })
	in.waitLine(`msg=stopping by="launcher stop"`)
	in.ask("stop", "--timeout", "1ms").says(t, exitFailed, "it is under way already", "which goes on: it is still under way")
	in.ask("refork").says(t, exitFailed, "launcher: refork: the launcher is ending\n")
	in.restart().says(t, exitFailed, "launcher: restart: the launcher is ending\n")
	in.backtrace("0").says(t, exitOK, "thread serving, sleep")
	in.ask("stop", "--now").says(t, exitOK, `killing what is left (by launcher stop --now)`, "in GET /stuck", "1 request was lost")
	stops.Wait()
	first.says(t, exitOK, "stopping 1 worker", "stopped after ")
	ends.Wait()
	in.gone(0)
	in.ask("stop").says(t, exitFailed, "none runs")
}

// TestStopWhileItLoads: for the first time, and in a restart, which ends with that.
func TestStopWhileItLoads(t *testing.T) {
	t.Parallel()
	root := gatedApp(t)
	write(t, filepath.Join(root, "release"), "slow")
	in := start(t, startOptions{root: root, args: []string{"1"}})
	in.waitLine(`loading slow`)
	in.ask("kill", "0", "--now").says(t, exitFailed, "it has no worker yet")
	in.ask("stop").says(t, exitOK, "stopping; no worker is up", "stopped after ")
	in.gone(0)

	write(t, filepath.Join(root, "release"), "one")
	in = start(t, startOptions{root: root, args: []string{"1"}}).serving()
	write(t, filepath.Join(root, "release"), "slow")
	var restarts sync.WaitGroup
	var restarted asked
	restarts.Go(func() { restarted = in.restart() })
	in.waitLine(`loading slow`)
	in.ask("stop").says(t, exitOK, "stopped after ")
	restarts.Wait()
	restarted.says(t, exitFailed, "launcher: restart: the launcher is ending\n")
	in.gone(0)
}

// TestBacktraceOfAStoppedWorker comes to an end, with what the kernel tells; the worker is continued by itself some time later.
func TestBacktraceOfAStoppedWorker(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: stuckApp(t), args: []string{"1"}}).serving()
	if err := syscall.Kill(in.status().Slots[0].Workers[0].Pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	a := in.ask("backtrace", "0") // on a machine that has time it does not tell, on another one it is continued before
	if a.exit != exitOK || !strings.Contains(a.stdout, "stopped by a signal") && !strings.Contains(a.stdout, "thread serving") {
		t.Errorf("%+v", a)
	}
	in.ask("stop", "--now").says(t, exitOK, "stopped after ")
	in.gone(0)
}

// TestReforkVerb says what it has gained once all slots have forks of it, and why there is none.
func TestReforkVerb(t *testing.T) {
	t.Parallel()
	root := writeApp(t, map[string]string{"config.ru": `run(lambda { |_env| [200, {}, ["served by #{Process.pid}"]] })`})
	in := start(t, startOptions{root: root, args: []string{"2"}, env: []string{"LAUNCHER_REFORK_AFTER=1000000", "LAUNCHER_SEED_TIME=0"}}).serving()
	in.ask("refork").says(t, exitFailed, "no worker that could be asked has served a request", "Try: have it serve some requests")
	visitors := visit(2, "/", in.sockets(2)...)
	in.waitFor("a worker that has served", func() bool { return in.ask("refork", "--no-wait").exit == exitOK })
	in.waitLine(`msg="workers are forks of a warm worker now"`)
	in.waitFor("the older preloader to leave", func() bool { return len(in.status().Generations[0].Preloaders) == 1 })
	in.ask("refork").says(t, exitOK, "is asked to fork the next preloader", "preloader: pid ", "all slots have forks of refork ", "(the sum of PSS)")
	visitors.end(t, 0)
	in.ask("stop").says(t, exitOK, "stopped after ")
	in.gone(0)
	never := start(t, startOptions{root: root, args: []string{"1"}}).serving()
	never.ask("refork").says(t, exitFailed, "it is switched off (--refork-after never)")
	never.ask("stop").says(t, exitOK, "stopped after ")
	never.gone(0)
}

// backtrace asks until Ruby tells it: on a machine without time for the worker that may take longer than it is waited for.
func (in *instance) backtrace(slot string) (told asked) {
	in.t.Helper()
	in.waitFor("a backtrace of Ruby", func() bool {
		told = in.ask("backtrace", slot)
		return !strings.Contains(told.stdout+told.stderr, "no backtrace of Ruby")
	})
	return told
}

// following is a command for a running launcher that goes on, and the lines that it prints.
type following struct {
	cmd   *exec.Cmd
	out   io.Closer
	lines *bufio.Scanner
}

func (in *instance) follow(args ...string) *following {
	in.t.Helper()
	f := &following{cmd: exec.Command(os.Args[0], args...)}
	f.cmd.Dir, f.cmd.Env = in.root, append(cleanEnv(), asLauncher+"=1")
	out, err := f.cmd.StdoutPipe()
	if err == nil {
		err = f.cmd.Start()
	}
	if err != nil {
		in.t.Fatal(err)
	}
	f.out, f.lines = out, bufio.NewScanner(out)
	f.lines.Buffer(nil, 1<<20)
	in.t.Cleanup(func() { _ = f.cmd.Process.Kill(); _ = f.cmd.Wait() })
	return f
}

// until reads lines until one has a text.
func (f *following) until(t *testing.T, text string) {
	t.Helper()
	stop := time.AfterFunc(patience, func() { _ = f.cmd.Process.Kill() })
	defer stop.Stop()
	for f.lines.Scan() {
		if strings.Contains(f.lines.Text(), text) {
			return
		}
	}
	t.Fatalf("it ends, and has not printed %q: %v", text, f.lines.Err())
}

// ends has Ctrl-C end it.
func (f *following) ends(t *testing.T) {
	t.Helper()
	if err := f.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	for f.lines.Scan() {
		_ = f.lines.Text()
	}
	if err := f.cmd.Wait(); err != nil {
		t.Errorf("it ends with %v", err)
	}
}

// TestFollowersEndWithTheirReader: as in "launcher events --follow | grep -m 1", also where nothing happens any more.
func TestFollowersEndWithTheirReader(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: stuckApp(t), args: []string{"1"}}).serving()
	events := in.follow("events", "--follow", "--last", "1")
	events.until(t, "level=")
	if err := events.out.Close(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(patience, func() { _ = events.cmd.Process.Kill() })
	defer late.Stop()
	_ = events.cmd.Wait() // an event may have come just then, and SIGPIPE
	if status, is := events.cmd.ProcessState.Sys().(syscall.WaitStatus); !is || status.Signal() == syscall.SIGKILL {
		t.Error("it goes on without a reader")
	}
	in.ask("stop").says(t, exitOK, "stopped after ")
	in.gone(0)
}

// TestFollowersOutliveWhatTheyFollow: events come as they happen, the status goes on while the launcher is started anew in its process, is gone,
// and is there again.
func TestFollowersOutliveWhatTheyFollow(t *testing.T) {
	t.Parallel()
	root, program := stuckApp(t), filepath.Join(t.TempDir(), "launcher")
	write(t, program, "#!/bin/bash\n"+asLauncher+`=1 exec -a "$0" `+os.Args[0]+` "$@"`) // for the one that follows
	if err := os.Chmod(program, 0o755); err != nil {
		t.Fatal(err)
	}
	in := start(t, startOptions{root: root, program: program, args: []string{"1"}}).serving()
	events, status := in.follow("events", "--follow", "--last", "1"), in.follow("status", "--watch=0.1")
	events.until(t, "level=")
	status.until(t, "fastcgi.socket-0")
	in.ask("kill", "0").says(t, exitOK, "has left", "served by pid ")
	events.until(t, `msg="worker is to leave: asked for" slot=0 gen=1`)
	events.until(t, `msg="worker left" slot=0 gen=1`)
	in.signal(syscall.SIGUSR2)
	in.waitLines(`^\d+ workers? (is|are) ready`, 2)
	status.until(t, "fastcgi.socket-0")
	if !events.lines.Scan() {
		if err := events.cmd.Wait(); err == nil {
			t.Error("the events end as if they were asked to")
		}
	}
	in.ask("stop").says(t, exitOK, "stopped after ")
	if exit := in.wait(); exit != exitOK { // who watches is left
		t.Errorf("exit status %d", exit)
	}
	status.until(t, "it does not answer, and is asked on: ") // it may have been about to end
	in = start(t, startOptions{root: root, args: []string{"1"}}).serving()
	status.until(t, "it answers again")
	status.ends(t)
	in.ask("stop").says(t, exitOK, "stopped after ")
	in.gone(0)
}

// TestWatchOnATerminal draws in place, and shows the cursor again at Ctrl-C.
func TestWatchOnATerminal(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: stuckApp(t), args: []string{"1"}}).serving()
	tty, slave := openTerminal(t)
	cmd := exec.Command(os.Args[0], "status", "--watch=0.1")
	cmd.Dir, cmd.Env, cmd.Stdout = in.root, append(cleanEnv(), asLauncher+"=1", "TERM=xterm"), slave
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	shown := func() string {
		tty.mu.Lock()
		defer tty.mu.Unlock()
		return tty.screen.String()
	}
	in.waitFor("it to be drawn anew", func() bool {
		return strings.Count(shown(), "A\rapplication")+strings.Count(shown(), "every 100ms; Ctrl-C ends") > 2
	})
	if !strings.HasPrefix(shown(), "\x1b[?25l") || !strings.Contains(shown(), fmt.Sprintf("\x1b[%dA", strings.Count(strings.SplitN(shown(), "\x1b[J", 2)[0], "\n"))) {
		t.Errorf("%q", shown())
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	_ = slave.Close()
	in.waitFor("the cursor", func() bool { return strings.HasSuffix(shown(), "\x1b[?25h") })
	in.ask("stop").says(t, exitOK, "stopped after ")
	in.gone(0)
}
