package sim

import (
	"fmt"
	"testing"
	"time"

	"launcher/preforker/core"
)

// kills asks for the end of a slot's worker, perhaps twice, and perhaps of a slot that there is not.
func (w *world) kills() {
	slot := w.below(len(w.bound)+2) - w.below(2)
	e := core.KillAsked{By: "kill", Slot: slot, Now: w.below(3) == 1}
	for _, p := range w.processes {
		if p.alive && p.key.Slot == slot && p.endless {
			e.InHand = append(e.InHand, core.InHand{Key: p.key, Request: "GET /"})
		}
	}
	w.post(w.latency(), e)
	if w.oneIn(3) {
		e.Now = e.Now || w.below(2) == 1
		w.post(w.latency(), e)
	}
}

func (w *world) asksForBacktrace() {
	w.post(w.latency(), core.BacktraceAsked{By: "backtrace", Slot: w.below(len(w.bound) + 1)})
}

func (w *world) asksForRefork() {
	w.post(w.latency(), core.ReforkNowAsked{By: "refork"})
	if w.oneIn(3) {
		w.post(w.latency(), core.ReforkNowAsked{By: "refork"})
	}
}

// TestHistoriesWithVerbs: what operators ask for leads to each of its ends in enough histories.
func TestHistoriesWithVerbs(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(3000) {
		_, problem := simulate(newChoices(seed), func(w *world) {
			w.watch = func(_ time.Duration, e core.Event, actions []core.Action) {
				for _, a := range actions {
					switch a := a.(type) {
					case core.KillBegan:
						seen[fmt.Sprintf("kill now=%v", a.Now)]++
					case core.KillNoted, core.BacktraceTold, core.BacktraceMissing, core.StopNoted, core.ReforkNowBegan:
						seen[fmt.Sprintf("%T", a)]++
					case core.KillRefused:
						seen[string(a.Why)]++
					case core.KillFollowed:
						seen["next "+string(a.Next)]++
					case core.ReforkNowRefused:
						seen["refork "+string(a.Why)]++
					case core.ReforkNowEnded:
						seen["refork "+string(a.End)]++
					case core.WorkerLeft:
						if a.Reason == core.ReasonKilled {
							seen["left"]++
						}
					}
				}
			}
		})
		if problem != "" {
			t.Errorf("seed %d: %s", seed, problem)
		}
	}
	t.Logf("%v", seen)
	for _, kind := range []string{"kill now=false", "kill now=true", "core.KillNoted", "core.BacktraceTold", "core.BacktraceMissing", "core.ReforkNowBegan", "left",
		string(core.NoSuchSlot), string(core.SlotIsParked), string(core.SlotIsVacant), string(core.SlotIsWaiting), string(core.WorkerIsForked), string(core.WorkerComesUp),
		"next serves", "next comes", "next parked", "next later",
		"refork completed", "refork not forked", "refork given up", "refork " + string(core.NoReforkNoneWarm), "refork " + string(core.NoReforkUnderWay)} {
		if seen[kind] < 5 {
			t.Errorf("%s %d times", kind, seen[kind])
		}
	}
}
