//go:build linux

package cli

import (
	"fmt"
	"time"

	"launcher/preforker/control"
)

// statusLines are how many lines of a backtrace, and of what was printed, the status has; all of them are in its JSON.
const statusLines = 5

// failingLines say that the application is loaded again but seldom.
func failingLines(f control.GenerationFailure, now time.Time, zone *time.Location, line func(title, words string)) {
	line("failed", fmt.Sprintf("since %s: %d loads one after the other; the next one in %s, or with a restart (HUP)",
		moment(f.Time, now, zone), f.Failures, inTime(duration(f.Retry))))
	line("  the last", visible(f.Error))
	detailLines(f.Backtrace, f.Lines, line)
}

// slotFailureLines say that a slot has failed, or is on the way there, and how its last worker has died.
func slotFailureLines(slot control.SlotStatus, now time.Time, zone *time.Location, line func(title, words string)) {
	if f := slot.Failed; f != nil {
		words := fmt.Sprintf("failed since %s: %d workers died one after the other", moment(f.Time, now, zone), f.Deaths)
		if slot.Retry > 0 {
			words += fmt.Sprintf("; the next one in %s, or with a restart (HUP)", inTime(duration(slot.Retry)))
		}
		line(fmt.Sprintf("slot %d", slot.Slot), words)
	}
	if d := slot.Died; d != nil && slot.Failed != nil {
		line("  died", deathWords(*d, now, zone))
		detailLines(d.Backtrace, d.Lines, line)
	}
}

func deathWords(d control.DeathStatus, now time.Time, zone *time.Location) string {
	words := fmt.Sprintf("%s, pid %d of generation %s: %s, %s", moment(d.Time, now, zone), d.Pid,
		originName(control.WorkerStatus{Generation: d.Generation, Refork: d.Refork}), d.Reason, d.Exit)
	if d.Request != "" {
		words += ", in " + visible(d.Request)
	}
	if d.Error != "" {
		words += ": " + visible(d.Error)
	}
	return words
}

func detailLines(backtrace, lines []string, line func(title, words string)) {
	for _, frame := range backtrace[:min(len(backtrace), statusLines)] {
		line("", "  from "+visible(frame))
	}
	for _, printed := range lines[max(0, len(lines)-statusLines):] {
		line("", "  printed "+visible(printed))
	}
}
