//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A load ends once it is steady: after twice ten seconds at the soonest, and long before its greatest number of requests.
func TestExperimentUntilSteady(t *testing.T) {
	t.Parallel()
	x := startExperiment(t, copyApp(t, "hello"), "--straight", "--method", "smart", "--processes", "1", "--rate", "20", "--until-steady")
	if status := x.wait(); status != exitOK {
		t.Fatalf("exit status %d", status)
	}
	traffic := x.results().Runs[0].Traffic
	if n := len(traffic.Windows); traffic.Errors != 0 || traffic.Requests >= 100_000 || n < 19 || n > 800 {
		t.Errorf("%d requests and %d windows, %v", traffic.Requests, n, traffic.Failures)
	}
	x.nothingLeft()
}

// What is stopped keeps the runs that were finished, and leaves nothing behind.
func TestExperimentStopped(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*trial){
		"INT":                      func(x *trial) { x.signal(syscall.SIGINT) },
		"the experiment is killed": func(x *trial) { kill(x.t, x.child(), syscall.SIGKILL) },
		"its watchdog is killed":   func(x *trial) { kill(x.t, x.cmd.Process.Pid, syscall.SIGKILL) },
	} {
		for _, when := range []string{"running --before-run", "launching", "under load"} {
			t.Run(name+" "+when, func(t *testing.T) {
				t.Parallel()
				args := []string{"--method", "smart", "--processes", "1,2", "--requests", "10000000", "--rate", "100000"}
				if strings.HasPrefix(when, "running") {
					args = append(args, "--before-run", "sleep 1000 & sleep 1000")
				}
				x := startExperiment(t, copyApp(t, "hello"), args...)
				// The first run is short: it fails when its worker's socket has nobody behind it.
				x.waitLine("smart × 1, " + when)
				end(x)
				if status := x.wait(); status == exitOK {
					t.Error("a stopped experiment looks like a whole one")
				}
				x.nothingLeft()
				if strings.HasPrefix(name, "its watchdog") {
					emptyTemp(t, x) // nobody was left to do it
				}
			})
		}
	}
}

// emptyTemp removes what a killed watchdog could not.
func emptyTemp(t *testing.T, x *trial) {
	t.Helper()
	for _, v := range x.cmd.Env {
		if dir, found := strings.CutPrefix(v, "TMPDIR="); found {
			left, _ := filepath.Glob(filepath.Join(dir, "*"))
			for _, path := range left {
				_ = os.RemoveAll(path)
			}
		}
	}
}

func TestExperimentKeepsFinishedRuns(t *testing.T) {
	t.Parallel()
	x := startExperiment(t, copyApp(t, "hello"), "--method", "smart", "--processes", "1,2,3", "--requests", "50")
	x.waitLine("smart × 2, launching")
	x.signal(syscall.SIGTERM)
	if status := x.wait(); status != exitFailed {
		t.Errorf("exit status %d", status)
	}
	results := x.results()
	if len(results.Runs) != 1 || results.Runs[0].Processes != 1 || !strings.Contains(results.Incomplete, "TERM") {
		t.Errorf("kept %d runs, incomplete %q", len(results.Runs), results.Incomplete)
	}
	if !strings.Contains(x.log(), "what is measured is kept") || !strings.Contains(x.log(), "the report is in") {
		t.Errorf("a person is not told:\n%s", x.log())
	}
	x.nothingLeft()
}

// A command before the runs that fails ends the experiment: what is ahead would not begin with the same data.
func TestExperimentCommandFails(t *testing.T) {
	t.Parallel()
	x := startExperiment(t, copyApp(t, "hello"), "--straight", "--method", "smart", "--processes", "1", "--requests", "5", "--repeat", "3",
		"--before-run", "echo $RAILS_ENV >>runs; test $(wc -l <runs) -lt 2 || { echo no room is left >&2; exit 3; }")
	if status := x.wait(); status != exitFailed || !strings.Contains(x.log(), "exit status 3\n  no room is left") || !strings.Contains(x.log(), "Try: ") {
		t.Errorf("exit status %d, log:\n%s", status, x.log())
	}
	results := x.results()
	if len(results.Runs) != 1 || results.Runs[0].Traffic.Requests != 5 || !strings.Contains(results.Incomplete, "run --before-run before smart × 1: exit status 3") {
		t.Errorf("%d runs, incomplete %q", len(results.Runs), results.Incomplete)
	}
	x.nothingLeft()
}

func TestExperimentStopsBeforeMemoryRunsShort(t *testing.T) {
	t.Parallel()
	x := startExperiment(t, copyApp(t, "hello"), "--method", "smart", "--processes", "1,2", "--reserve", "100000000")
	if status := x.wait(); status != exitFailed {
		t.Errorf("exit status %d", status)
	}
	if !strings.Contains(x.log(), "short of memory") {
		t.Errorf("the reason is missing:\n%s", x.log())
	}
	x.nothingLeft()
}
