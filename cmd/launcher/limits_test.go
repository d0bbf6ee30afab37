//go:build linux

package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// hangsInC is Ruby code that waits in a function of C for ever and keeps Ruby's lock: no other thread runs.
const hangsInC = `require "fiddle"; Fiddle::Function.new(Fiddle::Handle::DEFAULT["sleep"], [Fiddle::TYPE_INT], Fiddle::TYPE_INT, need_gvl: true).call(9999)`

// TestRequestsThatTakeTooLong: all workers have one at once, as where a database does not respond. Each is ended, whatever it does, the log says
// where it was if that can be had, and each slot serves again.
func TestRequestsThatTakeTooLong(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: rubyApp(t), args: []string{"5", "--request-timeout", "1s"}}).serving()
	var old []int
	for slot := range 5 {
		old = append(old, in.worker(slot))
	}
	var stuck []*queued
	for slot, code := range []string{"Thread.new { sleep }; sleep", "loop {}", hangsInC, "begin; sleep; rescue Exception; retry; end",
		`PreforkLauncher.extend_request_timeout(1.5); Process.kill("STOP", $$); sleep`} {
		stuck = append(stuck, queue(t, in.socket(slot), evaluate(code)))
	}
	for slot, pid := range old {
		in.waitLine(fmt.Sprintf(`level=ERROR msg="request has not begun its response in time: .*" slot=%d gen=1 pid=%d request="GET /run" seconds=\d`, slot, pid))
		if slot < 2 {
			in.waitLine(fmt.Sprintf(`level=ERROR msg="backtrace of a thread" slot=%d gen=1 pid=%d thread=serving state=(sleep|run)`, slot, pid))
			in.waitLine(fmt.Sprintf(`level=ERROR msg="  config.ru:3:in .*eval'" slot=%d gen=1 pid=%d thread=serving`, slot, pid))
		}
		in.waitLine(fmt.Sprintf(`msg="worker died" slot=%d gen=1 pid=%d exit="signal SIGKILL" served=0 request="GET /run" reason="request timeout"`, slot, pid))
		if a := stuck[slot].answer(); a.err == nil {
			t.Errorf("slot %d: %v", slot, a)
		}
		if a := ask(t, in.socket(slot), evaluate("$$")); a.pid() == 0 || a.pid() == pid {
			t.Errorf("slot %d is served by %v after worker %d", slot, a, pid)
		}
	}
	in.waitLine(fmt.Sprintf(`msg="backtrace of a thread" slot=0 gen=1 pid=%d thread=unnamed state=sleep`, old[0]))
	in.waitLine(fmt.Sprintf(`level=ERROR msg="no backtrace could be had: .*" slot=2 gen=1 pid=%d$`, old[2]))
	if n := in.count("slot waits"); n != 0 {
		t.Errorf("slots waited %d times", n)
	}
}

// TestRequestsThatAreNotLimited: one that was given more time, one whose response has begun, and one whose client is slow to send it.
func TestRequestsThatAreNotLimited(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: writeApp(t, map[string]string{"config.ru": `
run lambda { |env|
  case env["PATH_INFO"]
  when "/more" then PreforkLauncher.extend_request_timeout(600) && sleep(3)
  when "/stream" then next [200, {}, Enumerator.new { |parts| parts << "begun "; sleep(3); parts << Process.pid.to_s }]
  when "/stuck" then sleep
  end
  [200, {}, [Process.pid.to_s]]
}
`}), args: []string{"3", "--request-timeout", "1s"}}).serving()
	more, stream := queue(t, in.socket(0), "/more"), queue(t, in.socket(1), "/stream")
	stuck := queue(t, in.socket(2), "/stuck")
	if a := more.answer(); a.pid() != in.worker(0) {
		t.Errorf("given more time: %v", a)
	}
	if a := stream.answer(); !a.is(fmt.Sprint("begun ", in.worker(1))) {
		t.Errorf("begun: %v", a)
	}
	if a := stuck.answer(); a.err == nil {
		t.Errorf("%v", a)
	}
	in.waitLine("worker died")
	if n := in.count("worker died"); n != 1 {
		t.Errorf("%d workers died", n)
	}
}

// TestSlowLog has where a request is, and nothing else follows.
func TestSlowLog(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: rubyApp(t), args: []string{"1", "--slow-log", "200ms"}}).serving()
	worker := in.worker(0)
	gate := filepath.Join(t.TempDir(), "gate")
	slow := queue(t, in.socket(0), evaluate(fmt.Sprintf(`sleep 0.01 until File.exist?(%q); $$`, gate)))
	in.waitLine(fmt.Sprintf(`level=WARN msg="request takes long \(--slow-log\)" slot=0 gen=1 pid=%d request="GET /run" seconds=0`, worker))
	in.waitLine(fmt.Sprintf(`level=WARN msg="  config.ru:3:in .*eval'" slot=0 gen=1 pid=%d thread=serving`, worker))
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if a := slow.answer(); a.pid() != worker {
		t.Errorf("%v", a)
	}
}

// TestMemoryLimit ends a worker in the middle of the request in which it grows.
func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: rubyApp(t), args: []string{"2", "--memory-limit", "150MB"}}).serving()
	worker, other := in.worker(0), in.worker(1)
	a := ask(t, in.socket(0), evaluate(`grown = []; loop { grown << "x" * 5_000_000; sleep 0.02; raise "not ended" if grown.size > 400 }`))
	if a.err == nil {
		t.Errorf("%v", a)
	}
	in.waitLine(fmt.Sprintf(`level=ERROR msg="worker has more memory of its own than it may.*" slot=0 gen=1 pid=%d private="\d+ MB" limit="150 MB" request="GET /run"`, worker))
	in.waitLine(fmt.Sprintf(`msg="worker died" slot=0 gen=1 pid=%d exit="signal SIGKILL" .*request="GET /run" reason="memory limit"`, worker))
	if a := ask(t, in.socket(0), evaluate("$$")); a.pid() == 0 || a.pid() == worker {
		t.Errorf("%v", a)
	}
	if a := ask(t, in.socket(1), evaluate("$$")); a.pid() != other {
		t.Errorf("another worker was ended, too: %v", a)
	}
}

// TestWorkersThatAreReplacedBesideTheirSuccessor: the application asks for it, or they are there for long enough. No request is lost.
func TestWorkersThatAreReplacedBesideTheirSuccessor(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: rubyApp(t), args: []string{"2", "--log-level", "debug"}}).serving()
	worker, other := in.worker(0), in.worker(1)
	if a := ask(t, in.socket(0), evaluate(`PreforkLauncher.recycle!("it has grown"); $$`)); a.pid() != worker {
		t.Errorf("%v", a)
	}
	in.waitLine(fmt.Sprintf(`level=INFO msg="worker is to be replaced: the application asks for it" slot=0 gen=1 pid=%d reason="it has grown"`, worker))
	in.waitLine(fmt.Sprintf(`msg="worker left" slot=0 gen=1 pid=%d exit="exit status 0" served=1 .*reason="recycled for the application"`, worker))
	if a := ask(t, in.socket(0), evaluate("$$")); a.pid() == 0 || a.pid() == worker {
		t.Errorf("%v", a)
	}
	if a := ask(t, in.socket(1), evaluate("$$")); a.pid() != other {
		t.Errorf("%v", a)
	}
	aged := start(t, startOptions{root: rubyApp(t), args: []string{"2", "--max-age", "2s", "--log-level", "debug"}}).serving()
	aged.waitLines(`msg="worker left" slot=\d gen=1 pid=\d+ exit="exit status 0" .*reason="reached its age"`, 3)
	if n := aged.count("worker died"); n != 0 {
		t.Errorf("%d workers died", n)
	}
}

// TestFrontOfARequestThatTakesTooLong: its client gets 504, and no second worker the request.
func TestFrontOfARequestThatTakesTooLong(t *testing.T) {
	t.Parallel()
	b := startFront(t, rubyApp(t), 2, "--request-timeout", "1s")
	if got := fetch(client(), http.MethodGet, b.url+evaluate("sleep"), nil); got.err != nil || got.StatusCode != http.StatusGatewayTimeout {
		t.Errorf("%+v", got)
	}
	b.in.waitLine("worker died")
	if n := b.in.count("worker died"); n != 1 {
		t.Errorf("%d workers died", n)
	}
	b.in.signal(syscall.SIGTERM)
	if status := b.in.wait(); status != exitOK {
		t.Errorf("status %d", status)
	}
}
