package preforker

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"launcher/preforker/ident"
)

// TestKillsOfTheKernelExplainEnds: each explains one end, of a process that has got KILL from nobody here, and not much later.
func TestKillsOfTheKernelExplainEnds(t *testing.T) {
	killed, now := ident.ExitStatus{Signal: ident.SIGKILL}, time.Unix(1000, 0)
	count := uint64(7)
	var failure error
	k := oomKills{read: func() (uint64, error) { return count, failure }, seen: 7}
	expect := func(what string, want, got bool) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %v", what, got)
		}
	}
	expect("no kill", false, k.explain(killed, false, now))
	count = 9
	expect("killed by the supervisor", false, k.explain(killed, true, now))
	expect("another signal", false, k.explain(ident.ExitStatus{Signal: 11}, false, now))
	expect("the first of two", true, k.explain(killed, false, now))
	expect("the second", true, k.explain(killed, false, now.Add(time.Second)))
	expect("a third", false, k.explain(killed, false, now.Add(time.Second)))
	count = 10
	k.note(now.Add(2 * time.Second)) // of something that a worker has started, perhaps
	expect("much later", false, k.explain(killed, false, now.Add(time.Minute)))
	count, failure = 11, errors.New("gone")
	expect("not known", false, k.explain(killed, false, now.Add(time.Minute)))
	count, failure = 0, nil
	expect("begun anew", false, k.explain(killed, false, now.Add(time.Minute)))
	count = 3
	k.follow(now.Add(2 * time.Minute))
	expect("noted long before", false, k.explain(killed, false, now.Add(3*time.Minute)))
	expect("nobody tells", false, (&oomKills{}).explain(killed, false, now))
}

// TestMemoryLimitsOfThisMachine are known.
func TestMemoryLimitsOfThisMachine(t *testing.T) {
	m := readMemoryLimits(slog.New(slog.DiscardHandler))
	if m.bytes == 0 || m.status() == nil || m.kills.read == nil || len(m.kills.recent) != 0 {
		t.Errorf("%+v", m)
	}
}
