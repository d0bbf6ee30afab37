package sim

import (
	"testing"
	"time"

	"launcher/preforker/core"
)

// patience is longer than anybody takes for a last request.
const patience = 130 * time.Second

// TestReleasesThatAnswerErrors are held back where they are asked before they have all slots, and no slot has them then. The next
// release gets all slots; with direct spawning it is the same one once it answers well, as where a table has been added.
func TestReleasesThatAnswerErrors(t *testing.T) {
	held, gone, lost := 0, 0, 0
	for seed := range uint64(900) {
		w := newWorld(newChoices(seed))
		if len(w.bound) < 3 || w.policy.Min > 0 || w.policy.Limits != (core.Limits{}) {
			continue
		}
		w.faults = 0
		clear(w.poisoned)
		clear(w.barren)
		began, ended, announced := time.Duration(0), time.Duration(0), 0
		w.watch = func(now time.Duration, _ core.Event, actions []core.Action) {
			for _, a := range actions {
				switch a := a.(type) {
				case core.ReleaseHeld:
					began = now
				case core.ReleaseLifted:
					ended = now
				case core.Announce:
					announced = a.Generation
				}
			}
		}
		w.post(0, core.Started{})
		w.requests(1500)
		for w.next() && w.check.problem == "" && announced == 0 {
		}
		w.nextBad = answersErrors
		w.post(w.latency(), core.RestartAsked{By: "HUP"})
		for w.next() && w.check.problem == "" && announced == 1 && (began == 0 || w.now < began+patience) {
		}
		if w.check.problem != "" {
			t.Errorf("seed %d: %s", seed, w.check.problem)
			continue
		}
		switch {
		case announced == 2: // it had all slots before it was asked
			gone++
			continue
		case began == 0:
			lost++
			continue
		}
		held++
		if ended != 0 {
			t.Errorf("seed %d: held back at %v, and not at %v", seed, began, ended)
		}
		if older := len(w.check.olderThan(2)); older == 0 || older < len(w.bound) && !w.check.direct() {
			t.Errorf("seed %d: %d of %d slots have the release before", seed, older, len(w.bound))
		}
		w.nextBad, w.bad[2] = sound, sound
		next := 2
		mended := w.check.direct() && w.check.hasWorkerOf(2) // by a worker whose answers tell
		if !mended {
			next = 3
			w.post(w.latency(), core.RestartAsked{By: "HUP"})
		}
		for w.next() && w.check.problem == "" && announced == 1 {
		}
		if announced != next || ended == 0 == mended {
			t.Errorf("seed %d: lifted at %v, all slots have %d, want %d; %s", seed, ended, announced, next, w.check.problem)
		}
	}
	if t.Logf("%d were held back, %d had all slots before, %d neither", held, gone, lost); held < 200 || lost > 0 {
		t.Error("the histories are not what they should be")
	}
}
