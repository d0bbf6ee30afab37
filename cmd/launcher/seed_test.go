//go:build linux

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// seeding starts a countingApp whose slots are filled from its first workers, which have all the time for it.
func seeding(t *testing.T, root string, more ...string) *instance {
	t.Helper()
	args := append([]string{"6", "--refork-after", "5", "--seed-time", "5m", "--log-level", "debug"}, more...)
	return start(t, startOptions{root: root, args: args, env: []string{"GOMAXPROCS=2"}})
}

// TestSlotsAreFilledOnceFromAWarmWorker: who asks at whatever socket is answered meanwhile, by one of two workers.
func TestSlotsAreFilledOnceFromAWarmWorker(t *testing.T) {
	t.Parallel()
	in := seeding(t, countingApp(t, ""))
	in.waitLines(`msg="worker is ready" slot=[01] gen=1 pid`, 2)
	if a := ask(t, in.socket(5), "/"); a.status != 200 {
		t.Fatalf("a slot without a worker: %v", a)
	}
	visitors := visit(6, "/", in.sockets(6)...)
	in.serving()
	if n := len(visitors.end(t, 0)); n == 0 {
		t.Error("nobody asked")
	}
	early := in.count(`msg="worker left" .*reason="replaced by a fork of what was prepared"`)
	if all, warm := in.count(`msg="worker is ready"`)-early, in.count(`msg="worker is ready" slot=[2-5] gen=1 refork=1 `); all != 6 || warm != 4 {
		t.Errorf("%d workers were started, %d of them as forks of a warm one; want 6 and 4\n%s", all, warm, in.log())
	}
	if drained := in.count(`msg="worker left"`) - early; drained != 0 {
		t.Errorf("%d workers were replaced", drained)
	}
	if served := ask(t, in.socket(4), "/").body; served == "1" {
		t.Error("it has not what the worker had that it was forked from")
	}
	in.quiet()
}

// TestSlotsAreFilledWithoutRequests, when the time is over.
func TestSlotsAreFilledWithoutRequests(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: countingApp(t, ""), env: []string{"GOMAXPROCS=2"},
		args: []string{"4", "--refork-after", "5", "--seed-time", "1ms", "--log-level", "debug"}}).serving()
	early := in.count(`msg="worker left" .*reason="replaced by a fork of what was prepared"`)
	if ready := in.count(`msg="worker is ready" slot=\d gen=1 pid`) - early; ready != 4 {
		t.Errorf("%d workers are ready", ready)
	}
	in.quiet()
}

// TestRestartFillsSlotsFromAWarmWorker: the seeds of the new release take two slots, the others roll once.
func TestRestartFillsSlotsFromAWarmWorker(t *testing.T) {
	t.Parallel()
	in := seeding(t, countingApp(t, ""))
	in.waitLine(`msg="worker is ready"`)
	visitors := visit(6, "/", in.sockets(6)...)
	in.serving()
	in.signal(syscall.SIGHUP)
	in.waitLine(`msg="workers are forks of a warm worker now" gen=2`)
	if n := len(visitors.end(t, 0)); n == 0 {
		t.Error("nobody asked")
	}
	if seeds, warm := in.count(`msg="worker is ready" slot=\d gen=2 pid`), in.count(`msg="worker is ready" slot=\d gen=2 refork=1 `); seeds != 2 || warm != 4 {
		t.Errorf("%d workers of what was loaded, %d forks of a warm one", seeds, warm)
	}
	in.quiet()
}

// TestStopWhileASeedServesOtherSlots: what waits at sockets without a worker is served, too.
func TestStopWhileASeedServesOtherSlots(t *testing.T) {
	t.Parallel()
	root := countingApp(t, `"/wait" => -> { sleep 0.005 until File.exist?("go") }`)
	in := seeding(t, root)
	in.waitLines(`msg="worker is ready" slot=[01] gen=1 pid`, 2)
	ask(t, in.socket(5), "/") // it is lent by now
	var waiting []*queued
	for slot := range 6 {
		waiting = append(waiting, queue(t, in.socket(slot), "/wait"))
	}
	in.waitFor("two requests in hand", func() bool {
		return len(slices.DeleteFunc(in.titled("launcher worker "), func(p process) bool { return !strings.Contains(p.title, "/wait") })) == 2
	})
	in.signal(syscall.SIGTERM)
	in.waitLine(`msg=stopping`)
	if err := os.WriteFile(filepath.Join(root, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for slot, w := range waiting {
		if a := w.answer(); a.err != nil || a.status != 200 {
			t.Errorf("slot %d: %v", slot, a)
		}
	}
	if status := in.wait(); status != exitOK {
		t.Errorf("exit status %d", status)
	}
}
