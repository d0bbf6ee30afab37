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

// TestFewWorkersServeAllSlots for as long as they can keep up: when all of them are busy, the others come.
func TestFewWorkersServeAllSlots(t *testing.T) {
	t.Parallel()
	root := countingApp(t, `"/wait" => -> { sleep 0.005 until File.exist?("go") }`)
	in := seeding(t, root, "--seed-time", "1s")
	in.waitLine(`^6 slots are served, by 1 worker so far: the others come once one is warm\. lighttpd: include`)
	in.waitLine(`msg="worker left" .*reason="replaced by a fork of what was prepared"`)
	for slot := range 4 {
		if a := ask(t, in.socket(slot), "/"); a.status != 200 {
			t.Errorf("slot %d: %v", slot, a)
		}
	}
	in.statusWhen("two workers alone", func(s control.Status) bool {
		return len(slices.DeleteFunc(s.Slots, func(s control.SlotStatus) bool { return s.State == control.LentSlot })) == 2
	})
	waiting := []*queued{queue(t, in.socket(4), "/wait"), queue(t, in.socket(5), "/wait")}
	in.serving()
	in.waitLine(`msg="no slot waits for a warm worker any more" gen=1 reason="none was warm in time"`)
	if err := os.WriteFile(filepath.Join(root, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, w := range waiting {
		if a := w.answer(); a.err != nil || a.status != 200 {
			t.Errorf("%v", a)
		}
	}
	in.quiet()
}

// TestRestartThatNobodyAsks: two workers of the new release take over all slots, and the older one is gone.
func TestRestartThatNobodyAsks(t *testing.T) {
	t.Parallel()
	in := seeding(t, countingApp(t, ""), "--seed-time", "1ms")
	in.waitLine(`^6 slots are served`)
	in.signal(syscall.SIGHUP)
	in.waitLine(`msg="all slots are served" gen=2 workers=2`)
	in.waitLine(`msg="preloader retired" gen=1`)
	for slot := range 4 {
		if a := ask(t, in.socket(slot), "/"); a.status != 200 {
			t.Errorf("slot %d: %v", slot, a)
		}
	}
	in.waitFor("the end of the older workers", func() bool { return len(in.titled("launcher worker ")) == 2 })
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
