package sim

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"launcher/preforker/core"
)

var (
	histories = flag.Int("histories", usualHistories, "how many histories are simulated")
	firstSeed = flag.Uint64("seed", 0, "the seed of the first of them")
)

// shrinkTries bounds how long a history that fails is made shorter.
const shrinkTries = 4000

// simulate lets one history pass, and returns what was wrong with it, or "".
func simulate(ch *choices, prepare func(*world)) (*world, string) {
	w := newWorld(ch)
	if prepare != nil {
		prepare(w)
	}
	w.post(0, core.Started{})
	ticks := []int{3, 8, 20, 45}[ch.below(4)]
	pace := ch.below(len(paces))
	w.after(w.pause(pace), func() { w.environment(ticks, pace) })
	for !w.calm && w.next() {
		w.checkStop()
		if w.steps > maxSteps && !w.stopping {
			w.calms()
		}
	}
	if w.check.problem == "" && !w.finished && w.calm {
		w.liveness()
	}
	return w, w.check.problem
}

// maxSteps bounds the part of a history in which things go wrong.
const maxSteps = 3000

// TestSimulation simulates histories of consecutive seeds. One that fails is made shorter and kept as a file, which
// TestReplay takes from then on.
func TestSimulation(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(800)) // a history leaves much behind, and little lives on
	var next, steps, stopped atomic.Int64
	var once sync.Once
	var workers sync.WaitGroup
	began := time.Now()
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for n := next.Add(1) - 1; n < int64(*histories); n = next.Add(1) - 1 {
				seed := *firstSeed + uint64(n)
				ch := newChoices(seed)
				w, problem := simulate(ch, nil)
				steps.Add(int64(w.steps))
				if w.finished {
					stopped.Add(1)
				}
				if problem != "" {
					next.Store(int64(*histories))
					once.Do(func() { t.Error(report(t, seed, n+1, ch.made, problem)) })
				}
			}
		})
	}
	workers.Wait()
	t.Logf("%d histories, %d steps; %d ended with a stop; %v", *histories, steps.Load(), stopped.Load(), time.Since(began).Round(time.Millisecond))
}

// report makes a history that fails shorter, keeps it, and returns its end for a person.
func report(t *testing.T, seed uint64, nth int64, made []uint16, problem string) string {
	made = shrink(made, func(shorter []uint16) bool {
		_, found := simulate(givenChoices(shorter), nil)
		return kindOf(found) == kindOf(problem)
	}, shrinkTries)
	var lines []string
	w, shrunk := simulate(givenChoices(made), func(w *world) {
		w.watch = func(now time.Duration, e core.Event, actions []core.Action) {
			lines = append(lines, fmt.Sprintf("%12v %T %+v", now, e, e))
			for _, a := range actions {
				lines = append(lines, fmt.Sprintf("%14s%T %+v", "", a, a))
			}
		}
	})
	lines = lines[max(0, len(lines)-maxLines):]
	return fmt.Sprintf("history %d, seed %d: %s\n%s\n%d slots, %+v\n%s\n%s", nth, seed, problem, strings.Join(lines, "\n"),
		w.slots, w.policy, shrunk, keep(t, seed, made))
}

// maxLines of a history are shown, the last ones.
const maxLines = 300

// keptHistories is the folder of those that have failed once.
var keptHistories = filepath.Join("testdata", "histories")

// keep writes a history as a launcher records it.
func keep(t *testing.T, seed uint64, made []uint16) string {
	path := filepath.Join(keptHistories, fmt.Sprintf("seed-%d.jsonl", seed))
	if err := os.MkdirAll(keptHistories, 0o755); err != nil {
		return err.Error()
	}
	if err := os.WriteFile(path, recorded(t, made), 0o644); err != nil {
		return err.Error()
	}
	return "kept as " + path + ": TestReplay takes it from now on"
}

// kindOf is a problem without what differs from one history to the next.
func kindOf(problem string) string {
	kind := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, strings.ReplaceAll(problem, " refork=", ""))
	return kind[:min(len(kind), 24)]
}
