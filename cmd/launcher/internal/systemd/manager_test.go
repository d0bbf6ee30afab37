package systemd

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"launcher/preforker"
	"launcher/preforker/core"
	"launcher/preforker/ident"
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
	if told := queued(); !slices.Equal(told, []string{fmt.Sprintf("STATUS=%d of %[1]d slots are served", slots), "WATCHDOG=1"}) {
		t.Errorf("%q", told)
	}
}

// TestSocketsOfAllSlotsFindRoom: a launcher that starts has all of them kept at once, in the place of those from before.
func TestSocketsOfAllSlotsFindRoom(t *testing.T) {
	t.Parallel()
	m := &Manager{log: slog.New(slog.DiscardHandler), messages: make(chan message, queueLength)}
	for slot := range ident.MaxWorkers {
		m.Drop(preforker.KeptSlot(slot))
		m.queue(message{text: "FDSTORE=1\nFDNAME=" + preforker.KeptSlot(slot)})
	}
	if len(m.messages) != 2*ident.MaxWorkers || m.full {
		t.Errorf("%d messages", len(m.messages))
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
