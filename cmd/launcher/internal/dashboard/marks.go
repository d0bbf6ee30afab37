package dashboard

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"launcher/preforker/control"
	"launcher/preforker/printable"
)

// maxMarks are kept: where workers die all the time, the last ones say it.
const maxMarks = 64

// maxMarkText bounds what is kept of an error.
const maxMarkText = 300

// The kinds of marks.
const (
	deployMark = "deploy"
	deathMark  = "death"
	failMark   = "failure"
)

// mark is something that has happened at a moment.
type mark struct {
	at   time.Time
	kind string
	text string
}

// marks are what has happened, in its order.
type marks struct {
	all    []mark
	events bool              // tell of deaths, and not the status
	place  uint64            // of the next event
	loaded time.Time         // the last load that is noted
	failed time.Time         // the last load that has failed
	died   map[int]time.Time // of each slot, the last death that is noted
}

// note finds what is new in a status.
func (m *marks) note(s control.Status) {
	var found []mark
	for _, g := range s.Generations {
		if g.Loaded != nil && g.Loaded.After(m.loaded) {
			found, m.loaded = append(found, mark{*g.Loaded, deployMark, fmt.Sprintf("generation %d loaded in %s", g.Generation, inTime(g.LoadTime))}), *g.Loaded
		}
	}
	if f := s.FailedLoad; f != nil && f.Time.After(m.failed) {
		found, m.failed = append(found, mark{f.Time, failMark, fmt.Sprintf("generation %d has not loaded: %s", f.Generation, f.Error)}), f.Time
	}
	if m.died == nil {
		m.died = map[int]time.Time{}
	}
	for _, slot := range s.Slots {
		if d := slot.Died; !m.events && d != nil && d.Time.After(m.died[slot.Slot]) {
			found, m.died[slot.Slot] = append(found, mark{d.Time, deathMark, deathText(slot.Slot, *d)}), d.Time
		}
	}
	m.add(found, s.Time)
}

// workerDied is what an event says of a worker that has died.
const workerDied = "worker died"

// noteEvents finds the deaths among events.
func (m *marks) noteEvents(lines []json.RawMessage, now time.Time) {
	var found []mark
	for _, line := range lines {
		var e struct {
			Time                              time.Time
			Msg, Exit, Error, Request, Reason string
			Slot, Pid                         int
		}
		if json.Unmarshal(line, &e) == nil && e.Msg == workerDied {
			died := control.DeathStatus{Pid: e.Pid, Reason: e.Reason, Exit: e.Exit, Error: e.Error, Request: e.Request}
			found = append(found, mark{e.Time, deathMark, deathText(e.Slot, died)})
		}
	}
	m.add(found, now)
}

// add keeps what was found in the last hour, in its order.
func (m *marks) add(found []mark, now time.Time) {
	for _, one := range found {
		if now.Sub(one.at) <= span {
			one.text = printable.Cut(one.text, maxMarkText)
			m.all = append(m.all, one)
		}
	}
	slices.SortStableFunc(m.all, func(a, b mark) int { return a.at.Compare(b.at) })
	m.all = slices.Delete(m.all, 0, max(0, len(m.all)-maxMarks))
}

// deathText says how a worker has died.
func deathText(slot int, d control.DeathStatus) string {
	words := []string{fmt.Sprintf("slot %d: worker %d %s", slot, d.Pid, d.Reason)}
	for _, more := range []string{d.Exit, d.Error} {
		if more != "" {
			words = append(words, more)
		}
	}
	if d.Request != "" {
		words = append(words, "in "+d.Request)
	}
	return strings.Join(words, ", ")
}

// since are those of the last hour, the newest first.
func (m *marks) since(now time.Time) (recent []mark) {
	for _, one := range slices.Backward(m.all) {
		if now.Sub(one.at) <= span {
			recent = append(recent, one)
		}
	}
	return recent
}
