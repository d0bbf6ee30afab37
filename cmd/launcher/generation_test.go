//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"launcher/preforker/linux"
)

// versionedApp responds with the text that its file "version" had when it was loaded. It
// loads only while there is no file "hold", and /wait waits while there is a file "wait".
func versionedApp(t testing.TB) string {
	return writeApp(t, map[string]string{"version": "one", "config.ru": `
sleep 0.01 while File.exist?(File.join(__dir__, "hold"))
version = File.read(File.join(__dir__, "version"))
run(lambda { |env|
  sleep 0.01 while env["PATH_INFO"] == "/wait" && File.exist?(File.join(__dir__, "wait"))
  [200, {}, [version]]
})
`})
}

// reached waits until every slot is served by a generation after the first.
func (in *instance) reached(generation int) {
	in.t.Helper()
	in.waitLine(fmt.Sprintf(`msg="all slots have a ready worker" gen=%d`, generation))
}

// rolled waits until every slot is served by a generation alone: so many workers of the older one, which
// serve the same sockets until then, have left.
func (in *instance) rolled(older, generation, workers int) {
	in.t.Helper()
	in.reached(generation)
	in.waitLines(fmt.Sprintf(`msg="worker left" slot=\d+ gen=%d .*reason="replaced by a newer generation"`, older), workers)
}

// alone checks that the processes are those of one generation.
func (in *instance) alone(generation, workers int) {
	in.t.Helper()
	tag := fmt.Sprintf(" gen=%d ", generation)
	var found []process
	in.waitFor(fmt.Sprintf("generation %d to be alone", generation), func() bool {
		found = in.processes()
		return len(found) == 1+workers && !slices.ContainsFunc(found, func(p process) bool { return !strings.Contains(p.title, tag) })
	})
	if in.t.Failed() {
		in.t.Logf("beside generation %d there is %+v", generation, found)
	}
}

// TestPreloaderIsReplaced kills the preloader while visitors ask: nobody notices.
func TestPreloaderIsReplaced(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: versionedApp(t), args: []string{"3"}}).serving()
	old := []int{in.worker(0), in.worker(1), in.worker(2)}
	visitors := visit(3, "/", in.sockets(3)...)
	kill(t, in.preloader(), syscall.SIGKILL)
	in.waitLine(`msg="preloader died; its workers serve on" gen=1 exit="signal SIGKILL"`)
	in.reached(2)
	in.alone(2, 3)
	if bodies := visitors.end(t, 0); !slices.Equal(bodies, []string{"one"}) {
		t.Errorf("visitors got %q", bodies)
	}
	for slot, pid := range old {
		in.waitLine(fmt.Sprintf(`msg="worker left" slot=%d gen=1 pid=%d exit="exit status 0" .*reason="replaced by a newer generation"`, slot, pid))
	}
	if n := in.count("worker died"); n != 0 {
		t.Errorf("%d workers died", n)
	}
}

// TestWorkerDiesWhileNobodyCanFork: its slot's requests wait for the next generation.
func TestWorkerDiesWhileNobodyCanFork(t *testing.T) {
	t.Parallel()
	root := versionedApp(t)
	in := start(t, startOptions{root: root, args: []string{"2"}}).serving()
	write(t, filepath.Join(root, "hold"), "")
	kill(t, in.preloader(), syscall.SIGKILL)
	in.waitLine(`msg="preloader is loading the application" gen=2`)
	worker := in.worker(0)
	kill(t, worker, syscall.SIGKILL)
	in.waitLine(fmt.Sprintf(`msg="worker died" slot=0 gen=1 pid=%d`, worker))
	var waiting []*queued
	for range 5 {
		waiting = append(waiting, queue(t, in.socket(0), "/"))
	}
	if a := ask(t, in.socket(1), "/"); !a.is("one") {
		t.Errorf("the neighbour: %v", a)
	}
	remove(t, filepath.Join(root, "hold"))
	for _, q := range waiting {
		if a := q.answer(); !a.is("one") {
			t.Errorf("%v", a)
		}
	}
	in.reached(2)
	in.alone(2, 2)
}

// TestRestart loads changed code, then code that is broken, then mended code, while visitors ask
// and one request is in hand.
func TestRestart(t *testing.T) {
	t.Parallel()
	root := versionedApp(t)
	in := start(t, startOptions{root: root, args: []string{"3"}}).serving()
	visitors := visit(3, "/", in.sockets(3)...)
	in.waitFor("an answer of the first version", func() bool { return visitors.seen("one") })

	write(t, filepath.Join(root, "version"), "two")
	write(t, filepath.Join(root, "wait"), "")
	long := queue(t, in.socket(1), "/wait")
	in.doing(1, "GET /wait")
	in.signal(syscall.SIGHUP)
	in.reached(2)
	remove(t, filepath.Join(root, "wait"))
	if a := long.answer(); !a.is("one") {
		t.Errorf("the request that was in hand all the while: %v", a)
	}
	in.alone(2, 3)
	for slot := range 3 {
		if a := ask(t, in.socket(slot), "/"); !a.is("two") {
			t.Errorf("slot %d: %v", slot, a)
		}
	}

	mended := "run ->(_env) { [200, {}, ['three']] }\n"
	write(t, filepath.Join(root, "config.ru"), "def broken\n  raise IndexError, 'no such thing'\nend\nbroken\n")
	in.signal(syscall.SIGHUP)
	in.waitLine(`msg="generation failed to load; the workers that are there serve on" gen=3 error="load the application: IndexError: no such thing` +
		`\\n  in the application:\\n    config.ru:2:in .*broken'\\n    config.ru:4:`)
	in.alone(2, 3)
	freeze(t, in.worker(1)) // what waits is served by a successor of the old generation
	waiting := queue(t, in.socket(1), "/")
	kill(t, in.worker(1), syscall.SIGKILL)
	if a := waiting.answer(); !a.is("two") {
		t.Errorf("after the broken one: %v", a)
	}
	in.waitLine(`msg="worker is ready" slot=1 gen=2`)

	write(t, filepath.Join(root, "config.ru"), mended)
	in.signal(syscall.SIGHUP)
	in.reached(4)
	in.alone(4, 3)
	in.waitFor("an answer of the third version", func() bool { return visitors.seen("three") })
	bodies := visitors.end(t, 1)
	if !slices.Equal(bodies, []string{"one", "three", "two"}) {
		t.Errorf("visitors got %q", bodies)
	}
}

// hasSessionPriority says whether the session of a process has a priority, as the kernel tells it where it has one for sessions.
func hasSessionPriority(t *testing.T, pid, want string) bool {
	t.Helper()
	text, err := os.ReadFile("/proc/" + pid + "/autogroup")
	if errors.Is(err, os.ErrNotExist) {
		return true
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.HasSuffix(string(text), " nice "+want+"\n")
}

// TestReleaseLoadsWithALowPriority, beside those who serve; its workers have the one of all others.
func TestReleaseLoadsWithALowPriority(t *testing.T) {
	t.Parallel()
	root := slowApp(t)
	remove(t, filepath.Join(root, "hold"))
	in := start(t, startOptions{root: root, args: []string{"2"}}).serving()
	priority := func(pid string) int {
		number, err := strconv.Atoi(pid)
		if err != nil {
			t.Fatal(err)
		}
		kernel, err := syscall.Getpriority(syscall.PRIO_PROCESS, number)
		if err != nil {
			t.Fatal(err)
		}
		return 20 - kernel
	}
	own := priority("0")
	low := own
	if linux.MayLowerNiceness(own) {
		low = min(own+10, 19)
	}
	first := in.waitLine(`msg="preloader is loading the application" gen=1 pid=(\d+)`)[1]
	write(t, filepath.Join(root, "hold"), "")
	in.signal(syscall.SIGHUP)
	second := in.waitLine(`msg="preloader is loading the application" gen=2 pid=(\d+)`)[1]
	if was, is := priority(first), priority(second); was != own || is != low {
		t.Errorf("%d while it loads, and %d of the one that serves: want %d and %d", is, was, low, own)
	}
	if !hasSessionPriority(t, first, "0") || os.Geteuid() == 0 && !hasSessionPriority(t, second, "5") { // what others set may put it off
		t.Error("its session has the priority of the others")
	}
	remove(t, filepath.Join(root, "hold"))
	in.reached(2)
	waitFor(t, "the priority of the session", func() bool {
		return hasSessionPriority(t, second, "0") && hasSessionPriority(t, strconv.Itoa(in.worker(0)), "0")
	})
	for _, pid := range []string{second, strconv.Itoa(in.worker(0)), strconv.Itoa(in.worker(1))} {
		if is := priority(pid); is != own {
			t.Errorf("process %s: %d, want %d", pid, is, own)
		}
	}
}

// TestRestartWhileLoading: the load that is on its way may have read old code already.
func TestRestartWhileLoading(t *testing.T) {
	t.Parallel()
	root := slowApp(t)
	in := start(t, startOptions{root: root, args: []string{"1"}})
	in.waitLine("is loading the application")
	in.signal(syscall.SIGHUP)
	in.waitLine("restart noted")
	remove(t, filepath.Join(root, "hold"))
	in.serving() // the first generation is not what it was started for any more
	in.alone(2, 1)
}
