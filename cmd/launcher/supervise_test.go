//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestDeadWorkerIsReplaced kills workers in every way. The log names the worker and the
// request that it died in, the socket stays the same file, and what waited in its queue is
// served by the successor.
func TestDeadWorkerIsReplaced(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		app, request string // without a request it is killed from outside
		exit         string
	}{
		{"hello", "", "signal SIGKILL"},
		{"hello", "/exit?signal=KILL", "signal SIGKILL"},
		// Ruby reports it itself and then aborts.
		{"hello", "/exit?signal=SEGV", "signal SIG(SEGV|ABRT)"},
		{"hello", "/exit?status=4&bang=1", "exit status 4"},
		{"blog", "/crash", "signal SIGKILL"},
		{"blog", "/crash?exit=7", "exit status 7"},
	} {
		t.Run(test.app+" "+test.exit+test.request, func(t *testing.T) {
			in := start(t, startOptions{root: copyApp(t, test.app), args: []string{"2"}}).serving()
			socket, old, before := in.socket(0), in.worker(0), inode(t, in.socket(0))
			if a := ask(t, socket, "/pid"); a.pid() != old { // who has served is not young
				t.Fatalf("worker %d answered %v", old, a)
			}
			in.doing(0, "idle") // the answer comes before the worker is done with the request
			freeze(t, old)      // so that the requests are there, one behind the other
			var deadly *queued
			if test.request != "" {
				deadly = queue(t, socket, test.request)
			}
			var waiting []*queued
			for range 5 {
				waiting = append(waiting, queue(t, socket, "/pid"))
			}
			if deadly != nil {
				kill(t, old, syscall.SIGCONT)
			} else {
				kill(t, old, syscall.SIGKILL)
			}

			line := in.waitLine(fmt.Sprintf(`msg="worker died" slot=0 gen=1 pid=%d exit="%s( \(core dumped\))?" served=1 .*`, old, test.exit))[0]
			path, _, _ := strings.Cut(test.request, "?")
			if named := strings.Contains(line, `request="GET `+path); named != (path != "") || !strings.Contains(line, "reason=crashed") {
				t.Errorf("request %q: %s", test.request, line)
			}
			if deadly != nil {
				if a := deadly.answer(); a.err == nil {
					t.Errorf("the deadly request was answered: %v", a)
				}
			}
			var pids []int
			for _, q := range waiting {
				a := q.answer()
				if a.err != nil || a.status != 200 {
					t.Errorf("a request that waited: %v", a)
				}
				pids = append(pids, a.pid())
			}
			if slices.Contains(pids, old) || len(slices.Compact(pids)) != 1 {
				t.Errorf("the queue of %d was served by %v", old, pids)
			}
			if after := inode(t, socket); after != before {
				t.Error("the socket is another file")
			}
			if in.count("slot waits") != 0 || in.count("worker died") != 1 {
				t.Error("it was not replaced at once")
			}
			if a := ask(t, in.socket(1), "/pid"); a.status != 200 || slices.Contains(pids, a.pid()) {
				t.Errorf("the neighbour: %v", a)
			}
		})
	}
}

// TestExitInARequestEndsNoWorker: it is an exception like any other there.
func TestExitInARequestEndsNoWorker(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: copyApp(t, "hello"), args: []string{"1"}}).serving()
	worker := in.worker(0)
	if a := ask(t, in.socket(0), "/exit?status=3"); a.status != 500 {
		t.Errorf("%v", a)
	}
	in.waitLine("GET /exit: SystemExit: exit")
	if a := ask(t, in.socket(0), "/pid"); a.pid() != worker {
		t.Errorf("%v, want worker %d", a, worker)
	}
}

func kill(t testing.TB, pid int, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatalf("kill %d: %v", pid, err)
	}
}

// freeze stops a process with all its threads. The signal alone returns before that.
func freeze(t testing.TB, pid int) {
	t.Helper()
	kill(t, pid, syscall.SIGSTOP)
	waitFor(t, "a process to stop", func() bool {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		return len(threads) > 0 && !slices.ContainsFunc(threads, func(path string) bool {
			stat, err := os.ReadFile(path)
			return err != nil || !strings.Contains(string(stat), ") T ")
		})
	})
}

func inode(t testing.TB, path string) uint64 {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Ino
}

func TestTitles(t *testing.T) {
	t.Parallel()
	dir, variable := gates(t)
	in := start(t, startOptions{root: copyApp(t, "hello"), env: []string{variable}, args: []string{"2"}}).serving()
	hanging := queue(t, in.socket(1), "/hang?gate=go")
	in.doing(1, "GET /hang")
	in.alone(1, 2)
	var titles []string
	for _, p := range in.processes() {
		titles = append(titles, p.title)
	}
	slices.Sort(titles)
	want := []string{"launcher preloader gen=1 " + in.root, "launcher worker slot=0 gen=1 idle", "launcher worker slot=1 gen=1 GET /hang"}
	if !slices.Equal(titles, want) {
		t.Errorf("titles %q, want %q", titles, want)
	}
	openGate(t, dir, "go")
	if a := hanging.answer(); !a.is("released\n") {
		t.Errorf("%v", a)
	}
	in.waitFor("an idle worker", func() bool { return len(in.titled("launcher worker slot=1 gen=1 idle")) == 1 })
}

func TestConnectionsBeforeTheApplicationHasLoaded(t *testing.T) {
	t.Parallel()
	root := slowApp(t)
	in := start(t, startOptions{root: root, args: []string{"2"}})
	in.waitLine("is loading the application")
	var early []*queued
	for i := range 20 {
		early = append(early, queue(t, in.socket(i%2), "/"))
	}
	if in.count("workers are ready") != 0 {
		t.Fatal("the application did not wait")
	}
	remove(t, filepath.Join(root, "hold"))
	for i, q := range early {
		if a := q.answer(); !a.is("hello") {
			t.Errorf("connection %d: %v", i, a)
		}
	}
}

// slowApp loads only while there is no file "hold" in its root. It makes one.
func slowApp(t testing.TB) string {
	return writeApp(t, map[string]string{"hold": "", "config.ru": `
sleep 0.01 while File.exist?(File.join(__dir__, "hold"))
run ->(_env) { [200, {}, ["hello"]] }
`})
}

func TestWarnsOfThreadsAndSockets(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: copyApp(t, "threads"), args: []string{"1"}}).serving()
	in.waitLine(`level=WARN msg="boot started a thread .*: telemetry" gen=1 kind=thread where=lib/telemetry.rb:\d+ advice="start it in after_fork `)
	in.waitLine(`level=WARN msg="boot opened a socket .*: 127.0.0.1:\d+ to nobody \(listening or unconnected\)" gen=1 kind=socket advice="connect again in after_fork `)
	in.waitLine(`level=WARN msg="boot opened a socket .*: 127.0.0.1:\d+ to 127.0.0.1:\d+" gen=1 kind=socket`)
	in.waitLine(`level=WARN msg="boot opened a socket .*: unnamed unix socket to unnamed unix socket" gen=1 kind=socket`)
	if log := in.log(); strings.Contains(log, "harmless") {
		t.Error("warned of a thread that is marked as safe")
	}
	if a := ask(t, in.socket(0), "/"); !a.is("no thread\n") {
		t.Errorf("%v", a)
	}
}

func TestHooks(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "hooks.log")
	in := start(t, startOptions{root: copyApp(t, "hooks"), env: []string{"HOOKS_LOG=" + log}, args: []string{"3"}}).serving()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for range 3 {
		want = append(want, fmt.Sprintf("before_fork pid=%d", in.preloader()))
	}
	for slot := range 3 {
		want = append(want, fmt.Sprintf("after_fork %d pid=%d", slot, in.worker(slot)))
	}
	for pid, slot := range in.early() {
		want = append(want, fmt.Sprintf("before_fork pid=%d", in.preloader()), fmt.Sprintf("after_fork %d pid=%d", slot, pid))
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	slices.Sort(lines)
	slices.Sort(want)
	if !slices.Equal(lines, want) {
		t.Errorf("hooks were called\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

// TestEveryWorkerIsTheLaunchersChild, and so is what an application turns into a daemon: it
// comes to the launcher as an orphan, and must not stay as a zombie.
func TestEveryWorkerIsTheLaunchersChild(t *testing.T) {
	t.Parallel()
	root := writeApp(t, map[string]string{"config.ru": `
run(lambda { |_env|
  reader, writer = IO.pipe
  Process.wait(fork do
    Process.setsid
    fork do
      writer.syswrite(Process.pid.to_s)
      writer.close
      sleep 0.01 until File.exist?(File.join(__dir__, "gate"))
      exit!(9)
    end
    exit!(0)
  end)
  writer.close
  [200, {}, [reader.read]]
})
`})
	in := start(t, startOptions{root: root, args: []string{"3"}}).serving()
	launcher := in.cmd.Process.Pid
	workers := in.titled("launcher worker ")
	if len(workers) != 3 {
		t.Fatalf("workers: %+v", workers)
	}
	for _, p := range workers { // a worker may be ready before the process between has left
		in.waitFor(fmt.Sprintf("%q to be the launcher's child", p.title), func() bool { return parentOf(p.pid) == launcher })
	}
	daemon := ask(t, in.socket(0), "/").pid()
	if daemon == 0 {
		t.Fatal("no daemon")
	}
	in.waitFor("the daemon to come to the launcher", func() bool { return parentOf(daemon) == launcher })
	openGate(t, root, "gate")
	in.waitFor("the daemon to be reaped", func() bool { return parentOf(daemon) == 0 })
	if a := ask(t, in.socket(0), "/"); a.status != 200 {
		t.Errorf("after that: %v", a)
	}
}

// parentOf is 0 for a process that is gone: a zombie still has one.
func parentOf(pid int) int {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	ppid, _ := strconv.Atoi(strings.Fields(rest)[1])
	return ppid
}

// TestNoDatabaseConnectionIsShared asks every worker many times, in turn, of an application
// whose boot has used the database and has left the connection open.
func TestNoDatabaseConnectionIsShared(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: copyApp(t, "blog"), env: []string{"BLOG_CONNECT_AT_BOOT=1"}, args: []string{"4"}}).serving()
	kill(t, in.worker(3), syscall.SIGKILL) // one that was forked later than the others
	in.waitLines(`msg="worker is ready" slot=3`, 2)
	owners := map[int]int{}
	for i := range 80 {
		var row struct {
			Token, Read string
			Pid, Owner  int
		}
		token := fmt.Sprintf("t%d", i)
		a := ask(t, in.socket(i%4), "/rows?token="+token)
		if err := json.Unmarshal([]byte(a.body), &row); err != nil || a.status != 200 {
			t.Fatalf("row %d: %v", i, a)
		}
		if row.Read != token || row.Token != token || row.Owner != row.Pid || row.Pid != in.worker(i%4) {
			t.Fatalf("row %d: %+v", i, row)
		}
		owners[row.Owner]++
	}
	if len(owners) != 4 {
		t.Errorf("connections are owned by %v, want 4 workers", owners)
	}
	if n := openFiles(t, in.preloader(), "production.sqlite3"); n != 0 {
		t.Errorf("the preloader still holds %d descriptors of the database", n)
	}
}

// openFiles counts the descriptors of a process whose file has such a name.
func openFiles(t testing.TB, pid int, name string) (n int) {
	t.Helper()
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && strings.Contains(target, name) {
			n++
		}
	}
	return n
}
