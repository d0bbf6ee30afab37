//go:build linux

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"launcher/preforker/core"
	"launcher/preforker/history"
)

// TestRecordedRunReplays: what a launcher has recorded, from its start to its end, leads to the same actions again.
func TestRecordedRunReplays(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: copyApp(t, "hello"), args: []string{"2", "--record", "record.jsonl", "--seed-time", "0"}, defaults: true}).serving()
	kill(t, in.worker(0), syscall.SIGKILL)
	in.waitLines(`msg="worker is ready" slot=0 gen=1`, 2)
	in.signal(syscall.SIGHUP)
	in.waitLines(`msg="worker is ready" slot=[01] gen=2`, 2)
	in.signal(syscall.SIGTERM)
	if status := in.wait(); status != exitOK {
		t.Fatalf("exit status %d", status)
	}

	path := filepath.Join(in.root, "record.jsonl")
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Fatalf("%v, %v, want a file for its owner alone", info, err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	found, err := history.Read(file)
	if err != nil || len(found) != 1 {
		t.Fatalf("%d histories, %v", len(found), err)
	}
	var killed, finished int
	found[0].Replay(func(step history.Step, actions []core.Action) {
		if exited, is := step.Event.(core.WorkerExited); is && exited.Exit.Signal == 9 {
			killed++
		}
		var now []string
		for _, a := range actions {
			encoded, err := json.Marshal(a)
			if err != nil {
				t.Fatal(err)
			}
			if _, is := a.(core.Finish); is {
				finished++
			}
			now = append(now, string(encoded))
		}
		if !slices.EqualFunc(now, step.Actions, func(now, was string) bool { return strings.Contains(was, now) }) {
			t.Errorf("%T %+v leads to %s, recorded was %s", step.Event, step.Event, now, step.Actions)
		}
	})
	if killed != 1 || finished != 1 {
		t.Errorf("%d workers killed, %d ends", killed, finished)
	}

	// The way that the documents give, with the invariants.
	replay := exec.Command(tool(t, "go"), "test", "-count", "1", "-run", "Replay", "./preforker/core/sim", "-history", path)
	replay.Dir = "../.."
	if output, err := replay.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}

// TestRecordThatCannotBeWritten: nothing is started.
func TestRecordThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: copyApp(t, "hello"), args: []string{"1", "--record", "missing/record.jsonl"}})
	if status := in.wait(); status != exitFailed {
		t.Errorf("exit status %d", status)
	}
	in.waitLine(`open record: open .*missing/record.jsonl: no such file or directory`)
	in.waitLine(`Try: name a file that can be written with --record`)
}
