//go:build linux

package main

import (
	"fmt"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"
)

// rubyApp is an application that runs the Ruby that it is asked to, and responds with what that returns.
func rubyApp(t testing.TB) string {
	return writeApp(t, map[string]string{"config.ru": `
require "uri"
run ->(env) { [200, {}, [eval(URI.decode_www_form_component(env["QUERY_STRING"])).to_s]] }
`})
}

func evaluate(code string) string { return "/run?" + url.QueryEscape(code) }

// TestWorkerThatCannotServeIsReplaced has requests do to their worker what leaves it there, or half there. Whatever
// it was, the slot has another one soon, which serves what comes after; the log has the reason, and the
// request where it was in hand.
func TestWorkerThatCannotServeIsReplaced(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: rubyApp(t), args: []string{"1"}}).serving()
	socket := in.socket(0)
	worker := ask(t, socket, evaluate("$$")).pid()
	for _, test := range []struct{ code, log string }{
		{`exec("sleep", "600")`, `signal SIGKILL" served=1 request="GET /run" reason="closed its channel"`},
		{`Process.daemon(true, true); $$`, `exit status 0" served=1 request="GET /run" reason=crashed`},
		{`(Thread.list - [Thread.main]).each(&:kill)`, `exit status 1" served=1 request="GET /run" reason=crashed`},
		{`ObjectSpace.each_object(IO) { |io| io.close rescue nil }`, `exit status 1" served=1 request="GET /run" reason=crashed`},
		{`(3..99).each { |fd| IO.for_fd(fd).close rescue nil }`, `.*" served=1 request="GET /run" reason=.*`},
		{`Signal.trap("USR1") { raise "in a trap" }; Process.kill("USR1", $$); 1`, `exit status 1" served=\d+ .*reason=crashed`},
		{`def Process.clock_gettime(*) raise "frozen" end`, `exit status 1" served=\d+ .*reason=crashed`},
		{`class Hash; undef_method :[]=; end`, `exit status 1" served=\d+ .*reason=crashed`},
		{`def IO.select(*) sleep end`, `signal SIGKILL" served=\d+ reason="took no connections"`},
		{`exit!(3)`, `exit status 3" served=\d+ request="GET /run" reason=crashed`},
	} {
		struck := queue(t, socket, evaluate(test.code))
		before := worker
		in.waitFor("another worker", func() bool { // some fail with the next request only
			answered := make(chan int, 1)
			next := queue(t, socket, evaluate("$$"))
			go func() { answered <- next.answer().pid() }()
			var another <-chan time.Time
			if strings.Contains(test.code, "IO.select") {
				another = time.After(5 * time.Second) // it may have accepted this one, and is replaced only where somebody waits
			}
			select {
			case worker = <-answered:
				return worker != 0 && worker != before
			case <-another:
				return false
			}
		})
		in.waitLine(fmt.Sprintf(`msg="worker died" slot=0 gen=1 pid=%d exit="%s`, before, test.log))
		_ = struck.conn.Close()
	}
	if n := in.count("slot waits"); n != 0 {
		t.Errorf("it was not replaced at once: the slot waited %d times", n)
	}
}

// TestStoppedProcessesAreContinued: a worker that a request has stopped serves on, and one that was
// stopped by somebody else serves who waits. So does a preloader that has to fork.
func TestStoppedProcessesAreContinued(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: rubyApp(t), args: []string{"2"}}).serving()
	// The process stops a little later, all of it: the request lasts until it is continued.
	queue(t, in.socket(0), evaluate(`continued = false; was = Signal.trap("CONT") { continued = true }; Process.kill("STOP", $$)
		sleep 0.001 until continued; Signal.trap("CONT", was)`))
	behind := queue(t, in.socket(0), evaluate("$$"))
	freeze(t, in.worker(1))
	freeze(t, in.preloader())
	waits := queue(t, in.socket(1), evaluate("$$"))
	for slot, q := range []*queued{behind, waits} {
		if a := q.answer(); a.pid() != in.worker(slot) {
			t.Errorf("slot %d: %v", slot, a)
		}
	}
	in.waitLine(`level=WARN msg="worker was stopped by a signal and is continued" slot=0 gen=1 pid=\d+`)
	in.waitLine(`level=WARN msg="worker was stopped by a signal and is continued" slot=1 gen=1 pid=\d+$`)
	in.waitLine(`level=WARN msg="preloader was stopped by a signal and is continued" gen=1`)
	if in.count("worker died") != 0 {
		t.Error("a worker died")
	}
}

// TestReplacedWorkerThatDoesNotLeave: its successor serves, so it may take its time, but only for a request.
func TestReplacedWorkerThatDoesNotLeave(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: rubyApp(t), args: []string{"1"}}).serving()
	worker := in.worker(0)
	if a := ask(t, in.socket(0), evaluate(`def IO.select(*) sleep end`)); a.status != 200 {
		t.Errorf("%v", a)
	}
	in.signal(syscall.SIGHUP)
	in.waitLine(fmt.Sprintf(`msg="worker does not leave, and is killed" slot=0 gen=1 pid=%d reason="replaced by a newer generation"`, worker))
	in.waitLine(fmt.Sprintf(`msg="worker died" slot=0 gen=1 pid=%d exit="signal SIGKILL" .*reason="did not leave"`, worker))
}

// TestRequestsThatTheirWorkerSurvives do what ends another server's process, or nothing at all. What a worker has to hear
// and do later it hears and does.
func TestRequestsThatTheirWorkerSurvives(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: rubyApp(t), args: []string{"1"}}).serving()
	socket := in.socket(0)
	worker := in.worker(0)
	for _, test := range []struct {
		code   string
		status int
	}{
		{"abort", 500},
		{"exit", 500},
		{"def deep; deep; end; deep", 500},
		{"raise NoMemoryError", 500},
		{"Thread.list.each(&:kill)", 500}, // which ends with exit where it comes to the main thread
		{`%w[TERM INT CONT CHLD HUP USR1 USR2].each { |name| Signal.trap(name) {} }; 1`, 200},
		{"Process.wait(fork { exit!(0) }); 1", 200},
		{"Process.wait(fork { abort }); 1", 200},
		{"at_exit { sleep }; 1", 200}, // of a request: it is run when the worker leaves, within the drain timeout
		{`def Process.setproctitle(*) raise "frozen" end`, 200},
		{"module Kernel; def puts(*) raise end; end", 200},
		{"def Thread.new(*) raise end", 200},
		{"$stdout.close; $stderr.close", 200},
	} {
		if a := ask(t, socket, evaluate(test.code)); a.status != test.status {
			t.Errorf("%s: %v", test.code, a)
		}
		if a := ask(t, socket, evaluate("$$")); a.pid() != worker {
			t.Fatalf("after %s: %v", test.code, a)
		}
	}
	in.signal(syscall.SIGHUP)
	in.waitFor("the next generation", func() bool { return ask(t, socket, evaluate("$$")).pid() != worker })
}
