//go:build linux

package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// failingApp is an application whose workers exit as soon as they are forked: those of the slots
// that its file "failing" names, while it is there.
func failingApp(t testing.TB) string {
	return writeApp(t, map[string]string{
		"config.ru": `run ->(_env) { [200, {}, ["alive"]] }`,
		"config/launcher.rb": `
failing = File.join(__dir__, "..", "failing")
after_fork { |slot| exit!(5) if File.exist?(failing) && File.read(failing).include?(slot.to_s) }
`})
}

// TestSocketGoesAndComesBack: a slot whose workers exit early loses its socket when it has to
// wait for longer than a second, and gets it back with the next attempt. What
// waited in its queue is refused in the protocol where there is nobody else.
func TestSocketGoesAndComesBack(t *testing.T) {
	t.Parallel()
	flag := filepath.Join(t.TempDir(), "flag")
	in := start(t, startOptions{root: copyApp(t, "broken_dies_young"), env: []string{"DIES_YOUNG=" + flag}, args: []string{"1"}}).serving()
	waiting := in.queueAndFail(0, 5, flag, "")
	for i, q := range waiting {
		if a := q.answer(); a.err != nil || a.status != 503 {
			t.Errorf("connection %d: %v", i, a)
		}
	}
	in.waitFor("the socket to go", func() bool { return !exists(in.socket(0)) })
	in.growingWaits(0)
	remove(t, flag)
	in.waitFor("the socket to come back", func() bool { return exists(in.socket(0)) })
	in.waitLines(`msg="worker is ready" slot=0`, 2)
	if a := ask(t, in.socket(0), "/"); !a.is("alive\n") {
		t.Errorf("%v", a)
	}
}

// TestClosingSocketHandsItsQueueOver to a neighbour that serves.
func TestClosingSocketHandsItsQueueOver(t *testing.T) {
	t.Parallel()
	root := failingApp(t)
	in := start(t, startOptions{root: root, args: []string{"3"}}).serving()
	for i, q := range in.queueAndFail(1, 8, filepath.Join(root, "failing"), "1") {
		if a := q.answer(); !a.is("alive") {
			t.Errorf("connection %d: %v", i, a)
		}
	}
	in.waitFor("the socket to go", func() bool { return !exists(in.socket(1)) })
	for _, slot := range []int{0, 2} {
		if a := ask(t, in.socket(slot), "/"); !a.is("alive") || in.count(fmt.Sprintf(`"worker is ready" slot=%d`, slot)) != 1 {
			t.Errorf("neighbour %d: %v", slot, a)
		}
	}
}

// queueAndFail has connections wait in a slot's queue, and then its workers exit early.
func (in *instance) queueAndFail(slot, count int, flag, text string) (waiting []*queued) {
	in.t.Helper()
	worker := in.worker(slot)
	freeze(in.t, worker)
	for range count {
		waiting = append(waiting, queue(in.t, in.socket(slot), "/"))
	}
	write(in.t, flag, text)
	kill(in.t, worker, syscall.SIGKILL)
	return waiting
}

// growingWaits waits for a slot's pause of more than a second, and checks all before it: each
// is twice as long as the one before, less at most a half.
func (in *instance) growingWaits(slot int) {
	in.t.Helper()
	in.waitLine(fmt.Sprintf(`slot waits .*slot=%d .* wait=[1-9][\d.]*s`, slot))
	line := regexp.MustCompile(fmt.Sprintf(`slot waits .*slot=%d deaths=(\d+) wait=(\S+)`, slot))
	next := 2
	for _, match := range line.FindAllStringSubmatch(in.log(), -1) {
		deaths, _ := strconv.Atoi(match[1])
		wait, err := time.ParseDuration(match[2])
		full := 100 * time.Millisecond << (deaths - 2)
		if err != nil || deaths != next || wait < full/2 || wait > full {
			in.t.Errorf("after %d deaths the wait was %v, %v; want half of %v to all of it after %d deaths", deaths, wait, err, full, next)
		}
		next++
	}
}

// TestHookThatRaises: the log shows the exception and the place, the slots without it serve, and
// the pauses keep the machine from forking for nothing.
func TestHookThatRaises(t *testing.T) {
	t.Parallel()
	root := writeApp(t, map[string]string{
		"config.ru":          `run ->(_env) { [200, {}, ["alive"]] }`,
		"config/launcher.rb": "after_fork { |slot| raise ArgumentError, 'slot one is bad' if slot == 1 }\n",
	})
	in := start(t, startOptions{root: root, args: []string{"3"}})
	in.growingWaits(1)
	in.waitLine(`msg="worker died" slot=1 gen=1 pid=\d+ exit="exit status 1" served=0 error="ArgumentError: slot one is bad at config/launcher.rb:1:in .* reason="boot failed"`)
	for _, slot := range []int{0, 2} {
		if a := ask(t, in.socket(slot), "/"); !a.is("alive") || in.count(fmt.Sprintf(`"worker is ready" slot=%d`, slot)) != 1 {
			t.Errorf("slot %d: %v", slot, a)
		}
	}
	if in.count("workers are ready") != 0 || in.count(`"worker died" slot=[02]`) != 0 {
		t.Error("the log tells of other slots")
	}
}

// TestEveryHookRaises: the launcher stays, for the application may be mended, and stops as asked.
func TestEveryHookRaises(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: copyApp(t, "broken_fork_hook"), args: []string{"2"}})
	for slot := range 2 {
		in.growingWaits(slot)
		in.waitLine(fmt.Sprintf(`"worker died" slot=%d .*error="RuntimeError: hook failed in slot %d at config/launcher.rb:3:`, slot, slot))
	}
	in.signal(syscall.SIGTERM)
	if status := in.wait(); status != 0 {
		t.Errorf("exit status %d", status)
	}
	if strings.Contains(in.log(), "worker is ready") {
		t.Error("a worker was ready")
	}
}
