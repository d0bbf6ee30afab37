//go:build linux

package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// replaceable is a program that is this launcher, and that another one may follow. What it does before is a line of a shell.
func replaceable(t *testing.T, before string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "launcher")
	write(t, program, "#!/bin/bash\n"+before+"\n"+asLauncher+`=1 exec -a "$0" `+os.Args[0]+` "$@"`)
	if err := os.Chmod(program, 0o755); err != nil {
		t.Fatal(err)
	}
	return program
}

// replaced starts hello with a request in the hands of slot 0's worker and some in its queue, and has another launcher follow. Slot 1's
// worker has left.
func replaced(t *testing.T) (in *instance, gate string, requests []*queued) {
	t.Helper()
	in, gate, requests = hanging(t, 3, startOptions{program: replaceable(t, ""), args: []string{"--drain-timeout", "10m"}})
	in.signal(syscall.SIGUSR2)
	in.waitLine("msg=stopping signal=USR2")
	in.waitLine(`"worker left" slot=1`)
	return in, gate, requests
}

// TestStopWhileItIsReplaced is one like any other: the request in hand is finished, what waits is served by the worker that is there,
// else refused, and nobody new can connect.
func TestStopWhileItIsReplaced(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(in *instance){
		"TERM":                   func(in *instance) { in.signal(syscall.SIGTERM) },
		"launcher stop":          func(in *instance) { in.ask("stop", "--no-wait").says(t, exitOK, "no other launcher follows") },
		"TERM and launcher stop": func(in *instance) { in.signal(syscall.SIGTERM); in.ask("stop", "--no-wait") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, gate, requests := replaced(t)
			alone := queue(t, in.socket(1), "/")
			stop(in)
			in.waitLine("stopping: no other launcher follows")
			if got := alone.answer(); got.err != nil || got.status != 503 {
				t.Errorf("who waits where nobody is left: %v", got)
			}
			for _, socket := range in.sockets(2) {
				if exists(socket) {
					t.Errorf("%s is still there for new connections", socket)
				}
			}
			in.backtrace("0") // the worker has heard what it was told before
			openGate(t, gate, "go")
			answered(t, requests)
			in.gone(0)
			if n := in.count("is killed"); n != 0 {
				t.Errorf("%d workers were killed", n)
			}
		})
	}
}

// TestKillWhileItIsReplaced: the second TERM kills, as does launcher stop --now, and what waits is refused.
func TestKillWhileItIsReplaced(t *testing.T) {
	t.Parallel()
	for name, kills := range map[string]func(in *instance){
		"TERM": func(in *instance) {
			in.signal(syscall.SIGTERM)
			in.waitLine("stopping: no other launcher follows")
			in.waitFor("the kill", func() bool { // one that comes too soon is the first one
				if in.count(`"worker is killed" slot=0`) > 0 {
					return true
				}
				_ = in.cmd.Process.Signal(syscall.SIGTERM)
				return false
			})
		},
		"launcher stop --now": func(in *instance) { in.ask("stop", "--now") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, _, requests := replaced(t)
			kills(in)
			in.gone(0)
			if a := requests[0].answer(); a.err == nil {
				t.Errorf("the request in hand was answered: %v", a)
			}
			for i, q := range requests[1:] {
				if a := q.answer(); a.err != nil || a.status != 503 {
					t.Errorf("waiting request %d: %v", i, a)
				}
			}
		})
	}
}

// TestStopWhileTheFrontIsReplaced: requests that wait for the next launcher are served while the front finishes one of its own, and else
// refused. One may come just before the front has heard of it.
func TestStopWhileTheFrontIsReplaced(t *testing.T) {
	t.Parallel()
	for name, hang := range map[string]func(in *instance, address string) (ended func()){
		"in the front": func(_ *instance, address string) func() {
			first := later(http.MethodGet, "http://"+address+"/hang?gate=go", nil)
			return func() { (<-first).expect(t, http.StatusOK) }
		},
		"beside it": func(in *instance, _ string) func() {
			first := queue(t, in.socket(0), "/hang?gate=go")
			return func() { answered(t, []*queued{first}) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gate, variable := gates(t)
			in := start(t, startOptions{root: copyApp(t, "hello"), program: replaceable(t, ""), env: []string{variable},
				args: []string{"1", "--http", "127.0.0.1:0", "--drain-timeout", "10m", "--queue-timeout", "10m"}})
			address := in.waitLine(`workers? (?:is|are) ready: http://(\S+)/$`)[1]
			ended := hang(in, address)
			in.doing(0, "GET /hang")
			in.signal(syscall.SIGUSR2)
			in.waitLine("msg=stopping signal=USR2")
			var waiting []<-chan page
			in.waitFor("a connection in the queue", func() bool {
				if accepts(t, address) > 0 {
					return true
				}
				waiting = append(waiting, later(http.MethodGet, "http://"+address+"/", nil))
				return false
			})
			in.signal(syscall.SIGTERM)
			in.waitLine("stopping: no other launcher follows")
			in.waitFor("nobody in the queue", func() bool { return accepts(t, address) == 0 })
			openGate(t, gate, "go")
			for _, one := range waiting {
				if got := <-one; got.err != nil || got.StatusCode != http.StatusOK && (name == "in the front" || got.StatusCode != http.StatusServiceUnavailable) {
					t.Errorf("a request that waits: %+v", got)
				}
			}
			ended()
			in.gone(0)
		})
	}
}

// TestUnixSocketAfterASuccession: the launcher that has followed another one takes the file away as that one would have, also where a
// third one was to follow.
func TestUnixSocketAfterASuccession(t *testing.T) {
	t.Parallel()
	folder, err := os.MkdirTemp("", "uh") // a short path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	socket := filepath.Join(folder, "http.sock")
	gate, variable := gates(t)
	in := start(t, startOptions{root: copyApp(t, "hello"), program: replaceable(t, ""), env: []string{variable},
		args: []string{"1", "--http", "unix:" + socket, "--drain-timeout", "10m"}}).serving()
	in.signal(syscall.SIGUSR2)
	in.waitLines(`^\d+ workers? (is|are) ready`, 2)
	first := queue(t, in.socket(0), "/hang?gate=go")
	in.doing(0, "GET /hang")
	if !exists(socket) {
		t.Error("the file is gone while it serves")
	}
	in.signal(syscall.SIGUSR2)
	in.waitLines("msg=stopping signal=USR2", 2)
	in.signal(syscall.SIGTERM)
	in.waitLine("stopping: no other launcher follows")
	in.waitFor("nobody to connect", func() bool { return !exists(socket) })
	openGate(t, gate, "go")
	answered(t, []*queued{first})
	in.gone(0)
}

// accepts is how many connections wait to be accepted at a TCP address of IPv4.
func accepts(t *testing.T, address string) (waiting int) {
	t.Helper()
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(address, ":")
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	// sl local_address rem_address st tx_queue:rx_queue: of one that listens (0A) the latter is its queue
	line := regexp.MustCompile(fmt.Sprintf(`(?m)^ *\d+: [0-9A-F]{8}:%04X [0-9A-F:]+ 0A [0-9A-F]{8}:([0-9A-F]{8})`, number))
	for _, match := range line.FindAllStringSubmatch(string(table), -1) {
		length, err := strconv.ParseInt(match[1], 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		waiting += int(length)
	}
	return waiting
}

// TestRestartWhileItIsReplaced: HUP means the next launcher's start, and is told, while the workers leave as well as while the one program
// takes the place of the other.
func TestRestartWhileItIsReplaced(t *testing.T) {
	t.Parallel()
	root, dir := gatedApp(t), t.TempDir()
	between, gate := filepath.Join(dir, "between"), filepath.Join(dir, "gate")
	program := replaceable(t, `[ -n "$LISTEN_FDS" ] && { touch `+between+`; until [ -e `+gate+` ]; do sleep 0.02; done; }`)
	in := start(t, startOptions{root: root, program: program, args: []string{"1"}}).serving()
	in.signal(syscall.SIGUSR2)
	in.waitFor("the next program", func() bool { return exists(between) })
	waiting := queue(t, in.socket(0), "/")
	write(t, filepath.Join(root, "release"), "two")
	for range 5 {
		in.signal(syscall.SIGHUP)
	}
	write(t, gate, "")
	if got := waiting.answer(); !got.is("two") {
		t.Errorf("after a restart in the middle of it: %v", got)
	}
	in.waitLines(`^\d+ workers? (is|are) ready`, 2)
	in.ask("stop").says(t, exitOK, "stopped after ")
	in.gone(0)
}

// TestRestartWhileWorkersLeaveForAnother says that the next launcher loads the application.
func TestRestartWhileWorkersLeaveForAnother(t *testing.T) {
	t.Parallel()
	in, gate, requests := replaced(t)
	in.signal(syscall.SIGHUP)
	in.waitLine(`restart is the next launcher's start: it loads the application" signal=HUP`)
	in.signal(syscall.SIGUSR2)
	in.waitLine(`signal ignored: .* signal=USR2`)
	in.ask("restart").says(t, exitFailed, "the launcher is ending")
	in.waitLine(`restart is the next launcher's start: it loads the application" by="launcher restart"`)
	openGate(t, gate, "go")
	answered(t, requests)
	in.waitLines(`^\d+ workers? (is|are) ready`, 2)
	in.ask("stop").says(t, exitOK, "stopped after ")
	in.gone(0)
}

// TestSignalsThatAreHandedOn: what came too late for the launcher before is done by the one that follows.
func TestSignalsThatAreHandedOn(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: copyApp(t, "hello"), args: []string{"1"}, env: []string{"LAUNCHER_PENDING_SIGNALS=HUP,TERM"}})
	in.waitLine(`restart (noted|asked for).* signal=HUP`)
	in.waitLine("msg=stopping signal=TERM")
	in.gone(0)
}

// TestStopThatIsHandedOn: who has connected before the launcher that is to stop at once is answered.
func TestStopThatIsHandedOn(t *testing.T) {
	t.Parallel()
	root, dir := copyApp(t, "hello"), t.TempDir()
	between, gate := filepath.Join(dir, "between"), filepath.Join(dir, "gate")
	program := replaceable(t, `[ -n "$LISTEN_FDS" ] && { touch `+between+`; until [ -e `+gate+` ]; do sleep 0.02; done; export LAUNCHER_PENDING_SIGNALS=TERM; }`)
	address, socket := fmt.Sprintf("127.0.0.1:%d", freePort(t)), filepath.Join(root, "http")
	in := start(t, startOptions{root: root, program: program, args: []string{"1", "--http", address, "--http", "unix:" + socket}}).serving()
	in.signal(syscall.SIGUSR2)
	in.waitFor("the next program", func() bool { return exists(between) })
	var answers []<-chan page
	for range 3 {
		for network, address := range map[string]string{"tcp": address, "unix": socket} {
			answers = append(answers, laterBy(connected(t, client(), network, address), http.MethodGet, "http://shop.example/", nil))
		}
	}
	waiting := queue(t, in.socket(0), "/")
	write(t, gate, "")
	for i, answer := range answers {
		if got := <-answer; got.err != nil || got.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("request %d: %+v %v", i, got, got.err)
		}
	}
	if got := waiting.answer(); got.err != nil || got.status != http.StatusServiceUnavailable {
		t.Errorf("who waits for the worker: %v", got)
	}
	in.gone(0)
	if exists(socket) {
		t.Error("the socket is still there")
	}
}
