//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// hanging starts hello with requests that wait at the gate "go", one in the hands of slot 0's
// worker and some in its queue.
func hanging(t testing.TB, waiting int, o startOptions) (in *instance, gate string, requests []*queued) {
	t.Helper()
	gate, variable := gates(t)
	o.root, o.env = copyApp(t, "hello"), append(o.env, variable)
	o.args = append(o.args, "2")
	in = start(t, o).serving()
	requests = append(requests, queue(t, in.socket(0), "/hang?gate=go"))
	in.doing(0, "GET /hang")
	for range waiting {
		requests = append(requests, queue(t, in.socket(0), "/"))
	}
	return in, gate, requests
}

// answered checks that all were: the first by the hanging route, the others by the index.
func answered(t testing.TB, requests []*queued) {
	t.Helper()
	want := "released\n"
	for i, q := range requests {
		if a := q.answer(); !a.is(want) {
			t.Errorf("request %d: %v, want %q", i, a, want)
		}
		want = "hello\n"
	}
}

// gone checks that an instance ended well and took everything along but what a web server includes.
func (in *instance) gone(status int) {
	in.t.Helper()
	if got := in.wait(); got != status {
		in.t.Errorf("exit status %d, want %d", got, status)
	}
	if found := in.processes(); len(found) != 0 {
		in.t.Errorf("it left %+v", found)
	}
	names := entries(in.t, filepath.Join(in.root, "log"))
	// What was learned of the heap stays for the next start, where there was something.
	names = slices.DeleteFunc(names, func(name string) bool { return name == heapFileName })
	if !slices.Equal(names, []string{snippetName}) {
		in.t.Errorf("log/ has %q, want %s alone", names, snippetName)
	}
}

const heapFileName = "launcher.heap"

func entries(t testing.TB, dir string) (names []string) {
	t.Helper()
	found, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range found {
		names = append(names, entry.Name())
	}
	return names
}

// TestStopDrains: the request in hand and all that wait behind it are answered. A Ctrl-C at a
// terminal signals the whole process group, which changes nothing.
func TestStopDrains(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		signal syscall.Signal
		group  bool
		twice  bool
	}{{"TERM", syscall.SIGTERM, false, false}, {"INT", syscall.SIGINT, false, false}, {"QUIT", syscall.SIGQUIT, false, false},
		{"INT to the group", syscall.SIGINT, true, false}, {"TERM twice at once, as timeout(1) does", syscall.SIGTERM, false, true}} {
		t.Run(test.name, func(t *testing.T) {
			in, gate, requests := hanging(t, 20, startOptions{attr: &syscall.SysProcAttr{Setpgid: true}})
			target := in.cmd.Process.Pid
			if test.group {
				target = -target
			}
			kill(t, target, test.signal)
			if test.twice {
				kill(t, target, test.signal)
			}
			in.waitLine("msg=stopping signal=" + test.name[:3])
			in.waitLine(`"worker left" slot=1`)
			for _, socket := range in.sockets(2) {
				if exists(socket) {
					t.Errorf("%s is still there for new connections", socket)
				}
			}
			openGate(t, gate, "go")
			answered(t, requests)
			in.gone(0)
		})
	}
}

func TestSecondSignalKills(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		in, _, requests := hanging(t, 3, startOptions{})
		in.signal(sig)
		in.waitLine("msg=stopping")
		in.waitLine(`"worker left" slot=1`)
		in.waitFor("the kill", func() bool { // one that comes too soon is the first one
			if in.count(`"worker is killed" slot=0`) > 0 {
				return true
			}
			_ = in.cmd.Process.Signal(sig)
			return false
		})
		in.gone(0)
		if a := requests[0].answer(); a.err == nil {
			t.Errorf("the request in hand was answered: %v", a)
		}
		for i, q := range requests[1:] { // nobody could serve them, and they are told so
			if a := q.answer(); a.err != nil || a.status != 503 {
				t.Errorf("waiting request %d: %v", i, a)
			}
		}
	}
}

// TestSignalsUntilTheEnd: not even one in the last moment of the process takes its exit status.
func TestSignalsUntilTheEnd(t *testing.T) {
	t.Parallel()
	for range 5 {
		in := start(t, startOptions{root: copyApp(t, "hello"), args: []string{"1"}}).serving()
		for in.cmd.Process.Signal(syscall.SIGTERM) == nil {
			continue
		}
		in.gone(0)
	}
}

func TestDrainTimeoutKills(t *testing.T) {
	t.Parallel()
	in, _, requests := hanging(t, 0, startOptions{args: []string{"--drain-timeout", "300ms"}})
	in.signal(syscall.SIGTERM)
	in.waitLine(`"worker (did not drain in time and )?is killed" slot=0`)
	in.gone(0)
	if a := requests[0].answer(); a.err == nil {
		t.Errorf("the request in hand was answered: %v", a)
	}
}

// TestStopWhileLoading: nothing is in anybody's hands, so it ends at once.
func TestStopWhileLoading(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: copyApp(t, "broken_hang"), args: []string{"2"}})
	in.waitLine("asking the settings server")
	early := queue(t, in.socket(1), "/")
	in.signal(syscall.SIGTERM)
	in.gone(0)
	if a := early.answer(); a.status != 503 {
		t.Errorf("a connection that waited: %v", a)
	}
}

// killed ends the launcher with kill -9. Its end, as exited tells it, comes later: a worker that
// is still busy holds its standard error.
func (in *instance) killed() {
	in.t.Helper()
	in.signal(syscall.SIGKILL)
	in.waitFor("the launcher's death", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", in.cmd.Process.Pid))
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}

// TestKilledLauncherLeavesNoOrphans: idle processes leave at once, a busy one after its request, and what
// waited behind that.
func TestKilledLauncherLeavesNoOrphans(t *testing.T) {
	t.Parallel()
	in, gate, requests := hanging(t, 3, startOptions{})
	in.killed()
	in.waitFor("the idle processes to leave", func() bool { return len(in.processes()) == 1 })
	if left := in.titled("launcher worker slot=0 gen=1 GET /hang"); len(left) != 1 {
		t.Errorf("left is %+v", in.processes())
	}
	openGate(t, gate, "go")
	answered(t, requests)
	in.waitFor("the busy worker to leave", func() bool { return len(in.processes()) == 0 })
}

// TestKilledLauncherLeavesNoHangingRequest: its client may be gone, so nobody else would ever end it.
func TestKilledLauncherLeavesNoHangingRequest(t *testing.T) {
	t.Parallel()
	in, _, requests := hanging(t, 0, startOptions{args: []string{"--drain-timeout", "200ms"}})
	_ = requests[0].conn.Close()
	in.killed()
	in.waitFor("the busy worker to leave", func() bool { return len(in.processes()) == 0 })
	in.waitFor("a line about it", func() bool {
		return in.count("worker slot=0 ends in the middle of a request: the supervisor is gone") == 1
	})
}

// TestKilledLauncherLeavesNoLoader: an application that never finishes loading, or a hook that never ends, does not hear
// of the supervisor's end, so the kernel has to tell it; also where it has ended all threads but its own.
func TestKilledLauncherLeavesNoLoader(t *testing.T) {
	t.Parallel()
	const alone = "(Thread.list - [Thread.current]).each(&:kill)\n"
	const hang = "$stderr.puts 'hangs'\nsleep\n"
	const app = "run ->(_env) { [200, {}, []] }\n"
	for name, files := range map[string]map[string]string{
		"load":                 {"config.ru": hang},
		"load without threads": {"config.ru": alone + hang},
		"before_fork":          {"config.ru": app, "config/launcher.rb": "before_fork {\n" + alone + hang + "}"},
		"after_fork":           {"config.ru": app, "config/launcher.rb": "after_fork {\n" + alone + hang + "}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := start(t, startOptions{root: writeApp(t, files), args: []string{"9"}})
			in.waitLine("hangs")
			in.killed()
			in.waitFor("Ruby to leave", func() bool { return len(in.processes()) == 0 })
		})
	}
}

// TestKilledLauncherLeavesNobodyStopped: processes that a signal has stopped do not hear of anything, also where a hook
// has given up root, with which the kernel forgets whom it is to tell.
func TestKilledLauncherLeavesNobodyStopped(t *testing.T) {
	t.Parallel()
	root := writeApp(t, map[string]string{
		"config.ru":          "run ->(_env) { [200, {}, []] }\n",
		"config/launcher.rb": "after_fork { Process::UID.change_privilege(65_534) if Process.uid.zero? }\n",
	})
	in := start(t, startOptions{root: root, args: []string{"2"}}).serving()
	for _, p := range in.processes() {
		freeze(t, p.pid)
	}
	in.killed()
	in.waitFor("all processes to leave", func() bool { return len(in.processes()) == 0 })
}

// TestSuccessorOfAKilledLauncher starts in the same folder while a worker of the first one is
// still busy on the old socket.
func TestSuccessorOfAKilledLauncher(t *testing.T) {
	t.Parallel()
	in, gate, requests := hanging(t, 0, startOptions{})
	old := in.worker(0)
	in.killed()
	successor := start(t, startOptions{root: in.root, args: []string{"2"}}).serving()
	for slot := range 2 {
		if a := ask(t, successor.socket(slot), "/pid"); a.status != 200 || a.pid() == old {
			t.Errorf("slot %d of the successor: %v", slot, a)
		}
	}
	openGate(t, gate, "go")
	answered(t, requests)
	successor.waitFor("the old worker to leave", func() bool { return parentOf(old) == 0 })
	if a := ask(t, successor.socket(0), "/"); !a.is("hello\n") {
		t.Errorf("after that: %v", a)
	}
	successor.signal(syscall.SIGTERM)
	successor.gone(0)
}

// TestSuccessorEndsWhatAKilledLauncherHasLeft: a worker that hears of nothing, since a handler of the application keeps
// its main thread, and whose request never ends. What that has forked is not the launcher's to end.
func TestSuccessorEndsWhatAKilledLauncherHasLeft(t *testing.T) {
	t.Parallel()
	root := rubyApp(t)
	in := start(t, startOptions{root: root, args: []string{"2"}}).serving()
	deaf := in.worker(0)
	queue(t, in.socket(0), evaluate(`
		$daemon = fork { Process.setsid; $0 = "launcher worker of its own"; File.write("daemon", $$); sleep }
		Signal.trap("USR1") { File.write("deaf", ""); sleep }
		Process.kill("USR1", $$)
		sleep`))
	in.waitFor("the main thread to be held up", func() bool {
		return exists(filepath.Join(root, "deaf")) && exists(filepath.Join(root, "daemon"))
	})
	daemon := helper(t, root, "daemon")
	in.killed()
	in.waitFor("the others to leave", func() bool { return len(in.processes()) == 2 })

	successor := start(t, startOptions{root: root, args: []string{"1", "--drain-timeout", "100ms"}}).serving()
	successor.waitLine(fmt.Sprintf(`level=WARN msg="workers of a launcher that was killed are still there; they may finish their requests" pids=\[%d\]`, deaf))
	successor.waitLine(fmt.Sprintf(`level=WARN msg="worker of a launcher that was killed did not leave, and is killed" pid=%d`, deaf))
	successor.waitFor("its end", func() bool { return !lives(deaf) })
	if !lives(daemon) {
		t.Error("what a request has forked was killed")
	}
	kill(t, daemon, syscall.SIGKILL)
	if a := ask(t, successor.socket(0), evaluate("$$")); a.status != 200 {
		t.Errorf("the successor: %v", a)
	}
}

// TestLogReaderThatLeaves: neither a closed standard error nor a closed standard output stops
// the service or a later stop. The first is what "launcher 2 2>&1 | head -1" does.
func TestLogReaderThatLeaves(t *testing.T) {
	t.Parallel()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	in := startOn(t, copyApp(t, "hello"), write, false, "2")
	if _, err := read.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	_ = read.Close()
	for slot := range 2 {
		in.waitFor("a socket", func() bool { return listens(in.socket(slot)) })
		if a := ask(t, in.socket(slot), "/raise"); a.status != 500 {
			t.Errorf("slot %d: %v", slot, a)
		}
		in.waitFor("a worker of its own", func() bool {
			return strings.Contains(ask(t, in.socket(slot), "/pid").body, fmt.Sprintf("title launcher worker slot=%d ", slot))
		})
	}
	old := in.worker(0)
	kill(t, old, syscall.SIGKILL)
	if a := ask(t, in.socket(0), "/pid"); a.status != 200 || a.pid() == old {
		t.Errorf("the successor: %v", a)
	}
	in.signal(syscall.SIGTERM)
	in.gone(0)
}

// TestDrainTimeoutOfTheFront: a request through --http that never ends gets the time to drain
// once, not first from the front and then from its worker.
func TestDrainTimeoutOfTheFront(t *testing.T) {
	t.Parallel()
	_, variable := gates(t)
	in := start(t, startOptions{root: copyApp(t, "hello"), env: []string{variable},
		args: []string{"1", "--http", "127.0.0.1:0", "--drain-timeout", "300ms"}})
	address := in.waitLine(`workers? (?:is|are) ready: (http://\S+)/$`)[1]
	ended := make(chan error)
	go func() {
		resp, err := client().Get(address + "/hang?gate=go")
		if err == nil {
			_ = resp.Body.Close()
		}
		ended <- err
	}()
	in.doing(0, "GET /hang")
	in.signal(syscall.SIGTERM)
	in.waitLine("killing what is left")
	in.gone(0)
	<-ended
}
