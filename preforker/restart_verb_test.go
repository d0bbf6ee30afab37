package preforker

import (
	"log/slog"
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

// TestSentence says no word twice where a value begins with its key.
func TestSentence(t *testing.T) {
	t.Parallel()
	got := sentence("worker died", []slog.Attr{slog.Int(keySlot, 1), slog.String(keyExit, "exit status 1"), slog.String(keyReason, "exiting")})
	if got != "worker died (slot 1, exit status 1, reason exiting)" {
		t.Error(got)
	}
}
