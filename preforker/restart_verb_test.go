package preforker

import (
	"testing"

	"launcher/preforker/core"
	"launcher/preforker/hint"
)

// TestHeldReleaseOfACommand is told once, with what to do where that is to be read.
func TestHeldReleaseOfACommand(t *testing.T) {
	t.Parallel()
	for want, held := range map[string]core.ReleaseHeld{
		"restart: generation 5 is given up: release is held back: its first requests have all failed; the slots keep the one before (errors 3, deaths 0)": {Generation: 5, Errors: 3, Older: 3, Workers: 2},
		"restart: generation 5 is given up: release is held back: its workers have failed their probe; the slots keep the one before (probes 3)":          {Generation: 5, Probes: 3, Older: 3, Workers: 2},
	} {
		r := &followedRestart{generation: 5, held: &held}
		err := r.failure(core.RestartEnded{Generation: 5, End: core.RestartHeld})
		if err == nil || err.Error() != want || hint.Of(err) != heldAdvice {
			t.Errorf("%v, %q", err, hint.Of(err))
		}
	}
}
