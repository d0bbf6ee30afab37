//go:build linux

package main

import (
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"launcher/preforker/control"
)

// spared starts an application that answers with its pid, with a spare, which is there when it returns.
func spared(t *testing.T, more ...string) (*instance, int) {
	t.Helper()
	root := writeApp(t, map[string]string{"config.ru": `run(->(_) { [200, {}, [Process.pid.to_s]] })`})
	in := start(t, startOptions{root: root, args: append([]string{"2", "--spare", "1", "--log-level", "debug"}, more...)}).serving()
	return in, in.spare(0)
}

// spare is the pid of a spare that waits, which another one was before.
func (in *instance) spare(other int) (pid int) {
	in.t.Helper()
	in.statusWhen("a spare", func(s control.Status) bool {
		if s.Spare != nil && s.Spare.State == "spare" && s.Spare.Pid != other {
			pid = s.Spare.Pid
		}
		return pid != 0
	})
	return pid
}

// TestSpareTakesTheSlotOfAWorkerThatDies, without a fork: the preloader is stopped meanwhile.
func TestSpareTakesTheSlotOfAWorkerThatDies(t *testing.T) {
	t.Parallel()
	in, spare := spared(t)
	if found := in.titled("launcher spare gen=1"); len(found) != 1 || found[0].pid != spare {
		t.Errorf("spares by their title: %v", found)
	}
	preloader := in.preloader()
	if err := syscall.Kill(preloader, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(in.worker(1), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if a := ask(t, in.socket(1), "/"); a.status != 200 || a.body != strconv.Itoa(spare) {
		t.Errorf("%v, want the spare %d", a, spare)
	}
	in.waitLine(`msg="worker is ready" slot=1 gen=1 pid=` + strconv.Itoa(spare) + ` .*spare=true`)
	if err := syscall.Kill(preloader, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	next := in.spare(spare)
	if err := syscall.Kill(next, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	in.waitLine(`msg="worker died" spare=true gen=1 pid=` + strconv.Itoa(next))
	in.spare(next)
	in.signal(syscall.SIGTERM)
	if status := in.wait(); status != exitOK {
		t.Errorf("exit status %d", status)
	}
}

// TestSpareIsOfTheNewestCode: after a restart no slot gets the older one.
func TestSpareIsOfTheNewestCode(t *testing.T) {
	t.Parallel()
	in, old := spared(t)
	in.signal(syscall.SIGHUP)
	in.waitLine(`msg="preloader retired" gen=1`)
	spare := in.spare(old)
	if status := in.status(); status.Spare.Generation != 2 {
		t.Errorf("the spare is of generation %d", status.Spare.Generation)
	}
	if err := syscall.Kill(in.worker(0), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if a := ask(t, in.socket(0), "/"); a.body != strconv.Itoa(spare) {
		t.Errorf("%v, want the spare %d", a, spare)
	}
	if found := in.titled("launcher spare gen=1"); len(found) != 0 {
		t.Errorf("older spares: %v", found)
	}
}

// TestSpareServesWhileNobodyCanFork: its preloader has died, and the next one loads.
func TestSpareServesWhileNobodyCanFork(t *testing.T) {
	t.Parallel()
	root := versionedApp(t)
	in := start(t, startOptions{root: root, args: []string{"2", "--spare", "1"}}).serving()
	spare := in.spare(0)
	write(t, filepath.Join(root, "hold"), "")
	kill(t, in.preloader(), syscall.SIGKILL)
	in.waitLine(`msg="preloader is loading the application" gen=2`)
	kill(t, in.worker(0), syscall.SIGKILL)
	in.waitLine(`msg="worker is ready" slot=0 gen=1 pid=` + strconv.Itoa(spare) + ` .*spare=true`)
	if a := ask(t, in.socket(0), "/"); !a.is("one") {
		t.Errorf("%v", a)
	}
	remove(t, filepath.Join(root, "hold"))
	in.reached(2)
}

// TestSpareEndsWithTheSupervisor, by whatever cause that ends.
func TestSpareEndsWithTheSupervisor(t *testing.T) {
	t.Parallel()
	in, _ := spared(t)
	in.signal(syscall.SIGKILL)
	<-in.exited
	in.waitFor("the end of all", func() bool { return len(in.processes()) == 0 })
}

// TestSpareByDefault: it counts in the bound of the memory, which is there before it.
func TestSpareByDefault(t *testing.T) {
	t.Parallel()
	root := writeApp(t, map[string]string{"config.ru": `run(->(_) { [200, {}, ["hello"]] })`})
	in := start(t, startOptions{root: root, args: []string{"2", "--max-private", "8MB", "--seed-time", "0"}, defaults: true}).serving()
	in.spare(0)
	status := in.status()
	if bound := status.Memory.Bound; bound == nil || bound.Workers != 3 || status.Memory.Processes != 5 {
		t.Errorf("%+v", status.Memory)
	}
}
