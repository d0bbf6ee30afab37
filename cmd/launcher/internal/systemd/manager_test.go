package systemd

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"launcher/preforker"
	"launcher/preforker/core"
)

// TestWhatMustBeToldFindsRoom: hundreds of workers come up while the service manager is busy with others.
func TestWhatMustBeToldFindsRoom(t *testing.T) {
	t.Parallel()
	const slots = 2 * queueLength
	m := &Manager{reporter: reporter{watchdog: true}, log: slog.New(slog.DiscardHandler), messages: make(chan message, queueLength)}
	for served := range slots + 1 {
		m.Tell(preforker.Condition{Phase: core.PhaseRunning, Slots: slots, Served: served})
	}
	queued := func() (texts []string) {
		for len(m.messages) > 0 {
			texts = append(texts, (<-m.messages).text)
		}
		return texts
	}
	if told := queued(); !slices.Contains(told, "READY=1") || m.full {
		t.Errorf("%d messages, without READY=1", len(told))
	}
	m.Tell(preforker.Condition{Phase: core.PhaseRunning, Slots: slots, Served: slots})
	if told := queued(); !slices.Equal(told, []string{"STATUS=512 of 512 slots are served", "WATCHDOG=1"}) {
		t.Errorf("%q", told)
	}
}

// TestWatchdogIsFedOnceAPeriod, not with each of a thousand events a second.
func TestWatchdogIsFedOnceAPeriod(t *testing.T) {
	t.Parallel()
	r := reporter{watchdog: true, feed: time.Second}
	condition := preforker.Condition{Phase: core.PhaseRunning, Slots: 1, Served: 1}
	r.report(condition, time.Unix(1, 0))
	for after, want := range map[time.Duration]int{0: 0, 999 * time.Millisecond: 0} {
		if told := r.report(condition, time.Unix(1, 0).Add(after)); len(told) != want {
			t.Errorf("%v: %q", after, told)
		}
	}
	if told := r.report(condition, time.Unix(2, 0)); !slices.Equal(told, []string{"WATCHDOG=1"}) {
		t.Errorf("%q", told)
	}
}
