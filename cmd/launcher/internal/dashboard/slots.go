package dashboard

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"launcher/preforker/control"
)

// slotRow is a worker of a slot, or a slot without one.
type slotRow struct {
	ID                      string
	Slot                    int
	State, Class, For       string
	Slow, Queued            bool
	Request, Queue, Served  string
	Last, Longest, CPU      string
	Private, Shared         string
	PrivatePart, SharedPart int // of 100, of the largest worker
	Replaced, Why           string
	Pid, Gen                string
	Kill                    int // its pid, where it can be killed; 0: it cannot
}

func slotRowsOf(s control.Status) (rows []slotRow) {
	largest := uint64(1)
	for _, slot := range s.Slots {
		for _, w := range slot.Workers {
			if w.Memory != nil {
				largest = max(largest, w.Memory.RSS)
			}
		}
	}
	for _, slot := range s.Slots {
		if len(slot.Workers) == 0 {
			rows = append(rows, emptyRowOf(slot))
		}
		for _, w := range slot.Workers {
			row := ofSlot(slot)
			row.ID = fmt.Sprintf("s%d-%d", slot.Slot, w.Pid)
			row.addWorker(w, s.Limits)
			if m := w.Memory; m != nil {
				row.Private, row.Shared = inBytes(m.Private), inBytes(m.Shared)
				row.PrivatePart, row.SharedPart = int(100*m.Private/largest), int(100*m.Shared/largest)
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// ofSlot is what a row tells of the slot itself.
func ofSlot(slot control.SlotStatus) slotRow {
	row := slotRow{Slot: slot.Slot, Queue: none, Served: strconv.FormatUint(slot.Served, 10), Last: none, Longest: none, CPU: none, Private: none, Shared: none, Pid: none, Gen: none}
	if slot.Queue != nil {
		row.Queue, row.Queued = strconv.Itoa(*slot.Queue), *slot.Queue > 0
	}
	var sum uint64
	var why []string
	for _, reason := range slices.Sorted(maps.Keys(slot.Restarts)) {
		sum += slot.Restarts[reason]
		why = append(why, fmt.Sprintf("%s: %d", visible(reason), slot.Restarts[reason]))
	}
	row.Replaced, row.Why = strconv.FormatUint(sum, 10), strings.Join(why, ", ")
	return row
}

// emptyRowOf is a slot without a worker.
func emptyRowOf(slot control.SlotStatus) slotRow {
	row := ofSlot(slot)
	row.ID, row.State, row.Class, row.For = fmt.Sprintf("s%d", slot.Slot), slot.State, wait, none
	if slot.Failed != nil {
		row.Class = bad
	}
	if slot.Retry > 0 {
		row.For = "next in " + inTime(slot.Retry)
	}
	if !slot.Open {
		row.State += ", closed"
	}
	return row
}

func (row *slotRow) addWorker(w control.WorkerStatus, limits control.LimitsStatus) {
	row.State, row.Class, row.For = w.State, wait, inTime(w.Seconds)
	switch w.State {
	case "idle":
		row.Class = good
	case "busy":
		row.Class = work
	}
	if w.Reason != "" {
		row.State += ", " + visible(w.Reason)
	}
	if r := w.Request; r != nil {
		row.Request, row.For = visible(r.Method+" "+r.Path), inTime(r.Seconds)
		if r.Cut {
			row.Request += "…"
		}
		row.Slow = limits.SlowLog > 0 && r.Seconds > limits.SlowLog || limits.RequestTimeout > 0 && r.Seconds > limits.RequestTimeout/2
	}
	if w.Last > 0 {
		row.Last = inTime(w.Last)
	}
	if w.Longest > 0 {
		row.Longest = inTime(w.Longest)
	}
	if w.CPU > 0 {
		row.CPU = inTime(w.CPU)
	}
	if row.Gen = strconv.Itoa(w.Generation); w.Refork > 0 {
		row.Gen = fmt.Sprintf("%d.%d", w.Generation, w.Refork)
	}
	if w.Pid != 0 {
		row.Pid, row.Kill = strconv.Itoa(w.Pid), w.Pid
	}
}

// slotsCaption sums the table up.
func slotsCaption(s control.Status) string {
	states := map[string]int{}
	for _, slot := range s.Slots {
		for _, w := range slot.Workers {
			states[w.State]++
		}
		if len(slot.Workers) == 0 {
			states[slot.State]++
		}
	}
	var words []string
	for _, state := range slices.Sorted(maps.Keys(states)) {
		words = append(words, fmt.Sprintf("%d %s", states[state], state))
	}
	return strings.Join(words, ", ")
}
