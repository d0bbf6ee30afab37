//go:build linux

package main

import (
	"path/filepath"
	"syscall"
	"testing"
)

// askedWhileBusy is a worker of slot 0 that was asked for a preloader and has a request in hand, until there is
// a file "go" in its folder.
func askedWhileBusy(t *testing.T) (in *instance, long *queued) {
	t.Helper()
	root := countingApp(t, `"/wait" => -> { sleep 0.005 until File.exist?("go") },
		"/orphan" => -> { Process.wait(spawn("sh", "-c", "true & echo $! >orphan")) }`)
	in = reforking(t, root, "1", 2)
	return in, in.askedBehind("/wait")
}

// askedBehind has slot 0's worker serve one request and take another into its hands, before the launcher, which is stopped
// meanwhile, can ask for a refork.
func (in *instance) askedBehind(target string) (long *queued) {
	in.t.Helper()
	in.unseen(func() {
		in.warm(0, 1)
		long = queue(in.t, in.socket(0), target)
		in.doing(0, "GET "+target)
	})
	in.waitLine(lineAsked)
	return long
}

// TestReforkWhileARequestIsInHand begins when that is done. Until then the new one's pid is not known: what the
// application leaves behind meanwhile is reaped later.
func TestReforkWhileARequestIsInHand(t *testing.T) {
	t.Parallel()
	in, long := askedWhileBusy(t)
	if a := ask(t, in.socket(1), "/orphan"); !a.is("1") {
		t.Errorf("%v", a)
	}
	if n := in.count(lineReforked); n != 0 {
		t.Error("the refork came too early")
	}
	write(t, filepath.Join(in.root, "go"), "")
	if a := long.answer(); !a.is("2") {
		t.Errorf("%v", a)
	}
	in.waitLine(lineReforked)
	in.forks(0, "gen=1 refork=1")
	in.warm(0, 1)
	in.all("gen=1 refork=1", 2)
	in.quiet()
}

// TestReforkOfAWorkerThatIsKilled is none, and another is made later.
func TestReforkOfAWorkerThatIsKilled(t *testing.T) {
	t.Parallel()
	in, long := askedWhileBusy(t)
	kill(t, in.worker(0), syscall.SIGKILL)
	if a := long.answer(); a.err == nil {
		t.Errorf("%v", a)
	}
	in.waitLine(`level=WARN msg="refork failed; the preloader serves on" gen=1 refork=1 reason="the worker left before it had begun"`)
	in.all("gen=1", 2)
	in.waitFor("zombies to be reaped", func() bool { return len(in.zombies()) == 0 })
}

// TestStopWhileAReforkIsAskedFor lets the request end, and nothing is reforked.
func TestStopWhileAReforkIsAskedFor(t *testing.T) {
	t.Parallel()
	in, long := askedWhileBusy(t)
	in.signal(syscall.SIGTERM)
	in.waitLine(`msg=stopping`)
	write(t, filepath.Join(in.root, "go"), "")
	if a := long.answer(); !a.is("2") {
		t.Errorf("%v", a)
	}
	in.gone(exitOK)
	if ran := bye(t, in.root); in.count(lineReforked) != 0 || len(ran) != 1 {
		t.Errorf("%d reforks, exit handlers ran in %q", in.count(lineReforked), ran)
	}
}

// TestRestartWhileAReforkIsAskedFor: what was asked of the older code is of no use any more.
func TestRestartWhileAReforkIsAskedFor(t *testing.T) {
	t.Parallel()
	in, long := askedWhileBusy(t)
	in.signal(syscall.SIGHUP)
	in.reached(2)
	write(t, filepath.Join(in.root, "go"), "")
	if a := long.answer(); !a.is("2") {
		t.Errorf("%v", a)
	}
	in.all("gen=2", 2)
	if in.count("refork failed") != 0 {
		t.Error("it is told as a failure")
	}
	in.quiet()
}

// TestReforkTakesTooLong behind a request that never ends, and is no more when that ends after all.
func TestReforkTakesTooLong(t *testing.T) {
	t.Parallel()
	root := countingApp(t, `"/wait" => -> { sleep 0.005 until File.exist?("go") }`)
	in := start(t, startOptions{root: root, args: []string{"2", "--refork-after", "1", "--seed-time", "0", "--boot-timeout", "10s", "--log-level", "debug"}}).serving()
	long := in.askedBehind("/wait")
	in.waitLine(`msg="refork takes too long" gen=1 refork=1 timeout=10s`)
	write(t, filepath.Join(root, "go"), "")
	if a := long.answer(); !a.is("2") {
		t.Errorf("%v", a)
	}
	in.waitLine(`level=WARN msg="refork failed; the preloader serves on" gen=1 refork=1 .*reason="boot timeout"`)
	in.all("gen=1", 2)
	if n := in.count(lineReforked); n != 0 {
		t.Error("the refork came all the same")
	}
}
