//go:build linux

package main

import (
	"strconv"
	"syscall"
	"testing"
)

// TestReforkWhoseFirstRequestFails: the slot gets a worker of the older preloader again.
func TestReforkWhoseFirstRequestFails(t *testing.T) {
	t.Parallel()
	in := reforking(t, countingApp(t, `"/raise" => -> { raise "on purpose" }`), "10", 2)
	in.tried(10)
	if a := ask(t, in.socket(0), "/raise?id=7"); a.status != 500 {
		t.Errorf("%v", a)
	}
	in.waitLine(`level=WARN msg="refork is given up; the preloader before it serves on" gen=1 refork=1 reason="its first request was answered with status 500: GET /raise`)
	in.all("gen=1", 2)
	if a := ask(t, in.socket(0), "/"); !a.is("1") {
		t.Errorf("%v", a)
	}
}

// TestReforkIsKilled before its workers are everywhere: the slots come back.
func TestReforkIsKilled(t *testing.T) {
	t.Parallel()
	in := reforking(t, countingApp(t, ""), "10", 2)
	kill(t, in.tried(10), syscall.SIGKILL)
	in.waitLine(`level=ERROR msg="preloader died; its workers serve on" gen=1 refork=1 exit="signal SIGKILL"`)
	in.all("gen=1", 2)
	if n := in.count(`is loading the application" gen=2`); n != 0 {
		t.Error("the application was loaded again")
	}
}

// TestReforkOutlivesTheOlderPreloader: the older preloader is killed in the middle, and what there is serves.
func TestReforkOutlivesTheOlderPreloader(t *testing.T) {
	t.Parallel()
	in := reforking(t, countingApp(t, `"/raise" => -> { raise "on purpose" }`), "10", 2)
	older := in.preloader()
	in.tried(10)
	kill(t, older, syscall.SIGKILL)
	in.waitLine(`msg="preloader died; its workers serve on" gen=1 exit="signal SIGKILL"`)
	ask(t, in.socket(0), "/raise")
	in.all("gen=1 refork=1", 2)
	if n := in.count(`is loading the application" gen=2`); n != 0 {
		t.Error("the application was loaded again")
	}
}

// TestRestartInTheMiddleOfARefork, which is over then.
func TestRestartInTheMiddleOfARefork(t *testing.T) {
	t.Parallel()
	in := reforking(t, countingApp(t, ""), "10", 2)
	older := in.preloader()
	reforked := in.tried(10)
	in.signal(syscall.SIGHUP)
	in.reached(2)
	in.all("gen=2", 2)
	if ran := bye(t, in.root); len(ran) != 1 || ran[0] != strconv.Itoa(older) && ran[0] != strconv.Itoa(reforked) {
		t.Errorf("exit handlers ran in %q, of %d and %d", ran, older, reforked)
	}
	in.warm(1, 10)
	in.forks(0, "gen=2 refork=1")
	in.warm(0, 1)
	in.all("gen=2 refork=1", 2)
	in.quiet()
	if ran := bye(t, in.root); len(ran) != 2 {
		t.Errorf("exit handlers ran in %q", ran)
	}
}

// TestStopInTheMiddleOfARefork has one preloader run the exit handlers.
func TestStopInTheMiddleOfARefork(t *testing.T) {
	t.Parallel()
	in := reforking(t, countingApp(t, ""), "10", 2)
	in.tried(10)
	in.quiet()
	if ran := bye(t, in.root); len(ran) != 1 {
		t.Errorf("exit handlers ran in %q", ran)
	}
}
