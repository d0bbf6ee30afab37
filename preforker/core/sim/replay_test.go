package sim

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"launcher/preforker/core"
	"launcher/preforker/history"
)

var historyFile = flag.String("history", "", "a file that a launcher has written with --record: an absolute path")

// TestReplay takes recorded histories through the core again, with the invariants: the one of -history, with all
// that happened in it, or those that are kept in testdata.
func TestReplay(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(keptHistories, "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if *historyFile != "" {
		paths = []string{*historyFile}
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			for _, h := range read(t, path) {
				t.Logf("launcher %s, %v: %d slots, %+v, %d events", h.Launcher, h.Began, h.Slots, h.Policy, len(h.Steps))
				replay(t, h)
			}
		})
	}
}

func read(t *testing.T, path string) []*history.History {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatalf("%v (go test runs in the package's folder: give an absolute path)", err)
	}
	defer file.Close()
	found, err := history.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// replay checks each step. Kept histories are of older cores, which may have done something else; one that is given is compared.
func replay(t *testing.T, h *history.History) {
	check := newChecker(h.Slots, h.Policy)
	check.recorded = true
	number, differ, told := 0, 0, ""
	h.Replay(func(step history.Step, actions []core.Action) {
		number++
		check.step(step.At, step.Event, actions)
		if number == len(h.Steps) || !failsAtOnce(h.Steps[number].Event) {
			check.settled()
		}
		if check.problem != told {
			told = check.problem
			t.Errorf("event %d: %s", number, told)
		}
		if *historyFile == "" {
			return
		}
		t.Logf("%d %v %T %+v", number, step.At, step.Event, step.Event)
		for _, a := range actions {
			t.Logf("    %T %+v", a, a)
		}
		if now := encoded(t, actions); !slices.Equal(now, step.Actions) {
			differ++
			t.Logf("    recorded was %s", step.Actions)
		}
	})
	if differ > 0 {
		t.Errorf("the core makes something else of %d of %d events: is it of the version that has recorded them (%s)?", differ, number, h.Launcher)
	}
}

// failsAtOnce says whether an event may be the failure of an action of the event before: then that one is not over yet.
func failsAtOnce(e core.Event) bool {
	switch e.(type) {
	case core.SlotNotBound, core.WorkerSpawnFailed, core.PreloaderExited:
		return true
	}
	return false
}

func encoded(t *testing.T, actions []core.Action) (all []string) {
	t.Helper()
	for _, a := range actions {
		text, err := history.Encode(a)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(text))
	}
	return all
}

// recorded is a simulated history as a launcher would have recorded it.
func recorded(t *testing.T, made []uint16) []byte {
	t.Helper()
	w, _ := simulate(givenChoices(made), nil)
	var text bytes.Buffer
	out, err := history.NewWriter(&text, history.Header{Launcher: "simulation", Slots: w.slots, Policy: w.policy})
	if err != nil {
		t.Fatal(err)
	}
	simulate(givenChoices(made), func(w *world) {
		w.draw = out.Random(w.draw)
		w.watch = func(now time.Duration, e core.Event, actions []core.Action) {
			if err := out.Step(now, e, actions); err != nil {
				t.Fatal(err)
			}
		}
	})
	return text.Bytes()
}

// TestRecordedHistoriesReplay: each event and action of simulated histories is the same once it was written and read.
func TestRecordedHistoriesReplay(t *testing.T) {
	for seed := range uint64(200) {
		ch := newChoices(seed)
		simulate(ch, nil)
		found, err := history.Read(bytes.NewReader(recorded(t, ch.made)))
		if err != nil || len(found) != 1 {
			t.Fatalf("seed %d: %d histories, %v", seed, len(found), err)
		}
		found[0].Replay(func(step history.Step, actions []core.Action) {
			if now := encoded(t, actions); !slices.Equal(now, step.Actions) {
				t.Fatalf("seed %d: %T %+v leads to %s, was %s", seed, step.Event, step.Event, now, step.Actions)
			}
		})
	}
}
