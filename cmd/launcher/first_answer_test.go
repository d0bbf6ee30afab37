//go:build linux

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
)

// held starts an application with a Rails whose routes, which are prepared first, wait for the file "go" in its folder.
func held(t *testing.T) *instance {
	t.Helper()
	root := writeApp(t, map[string]string{"config.ru": `
		app = Object.new
		def app.initialized?
		  false
		end
		def app.routes
		  File.write("preparing", "")
		  sleep 0.005 until File.exist?("go")
		  raise "these are none"
		end
		Rails = Module.new
		Rails.define_singleton_method(:application) { app }
		run ->(env) { [200, {"content-type" => "text/plain"}, ["answered"]] }`})
	in := start(t, startOptions{root: root, env: []string{"GOMAXPROCS=3"}, args: []string{"4", "--log-level", "debug"}})
	in.waitFor("the preparation", func() bool {
		_, err := os.Stat(filepath.Join(root, "preparing"))
		return err == nil
	})
	in.waitLines(`msg="worker is ready" slot=[01] gen=1 pid`, 2)
	return in
}

// early are the first workers, by pid with their slots, once others have taken their places.
func (in *instance) early() map[int]int {
	in.t.Helper()
	found := map[int]int{}
	for _, line := range regexp.MustCompile(`msg="worker is ready" slot=(\d+) gen=1 pid=(\d+)`).FindAllStringSubmatch(in.log(), -1) {
		slot, _ := strconv.Atoi(line[1])
		if pid, _ := strconv.Atoi(line[2]); pid != in.worker(slot) {
			found[pid] = slot
		}
	}
	return found
}

// TestAnswersBeforeMemoryIsPrepared, at every socket; what is prepared later takes the place of who answers.
func TestAnswersBeforeMemoryIsPrepared(t *testing.T) {
	t.Parallel()
	in := held(t)
	for slot := range 4 {
		if a := ask(t, in.socket(slot), "/"); a.status != 200 {
			t.Fatalf("slot %d: %v", slot, a)
		}
	}
	first := in.worker(0)
	if err := os.WriteFile(filepath.Join(in.root, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	in.serving()
	if in.worker(0) == first {
		t.Error("the first worker has nothing of what was prepared, and stays")
	}
	if n := in.count(`msg="worker is ready" slot=\d gen=1 pid`); n != 6 {
		t.Errorf("%d workers were started, want 2 and 4", n)
	}
}

// TestPreloaderDiesWhilePreparing: its workers serve on, and the next one goes without.
func TestPreloaderDiesWhilePreparing(t *testing.T) {
	t.Parallel()
	in := held(t)
	if err := syscall.Kill(in.preloader(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if a := ask(t, in.socket(3), "/"); a.status != 200 {
		t.Errorf("%v", a)
	}
	in.serving()
	if in.count(`has prepared`) != 0 {
		t.Error("it was tried again")
	}
	if died := in.count(`msg="worker died"`); died != 0 {
		t.Errorf("%d workers died", died)
	}
}

// TestStopWhilePreparing waits for nobody.
func TestStopWhilePreparing(t *testing.T) {
	t.Parallel()
	in := held(t)
	in.signal(syscall.SIGTERM)
	if status := in.wait(); status != exitOK {
		t.Errorf("exit status %d", status)
	}
	if killed := in.count(`exit="signal SIGKILL"`); killed != 0 {
		t.Errorf("%d were killed", killed)
	}
}
