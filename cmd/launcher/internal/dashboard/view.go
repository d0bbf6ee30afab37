package dashboard

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"launcher/preforker/control"
)

// view is the page in words.
type view struct {
	Name, Root, State, StateClass string
	Version, Up, Clock, Stamp     string
	Pid                           int
	Since                         string // from when on the history is; "": it is whole
	Alerts                        []alert
	Tiles                         []tile
	Charts                        []chart
	Hour                          []row
	SlotsCaption                  string
	Slots                         []slotRow
	Marks                         []markRow
	MoreMarks                     string // that are not shown
	Restarts                      []restartRow
	Refused                       []refusedRow // by --http
	HasFront                      bool
	Generations                   []generationRow
	Findings                      []finding
	Said                          string // what has happened last, for those who do not see

	// Of who looks.
	Actions, Kills, SignIn bool
	Key, Notice            string
}

// The classes of what is shown, by how it is.
const (
	good = "good"
	work = "work"
	wait = "wait"
	bad  = "bad"
)

type alert struct {
	Class, Title, Text string
	Lines              []string
}

type tile struct {
	Name, Value, Unit, More, Class string
	Of                             string // what Part is of, "": there is none
	Part                           int    // of 100
}

type markRow struct{ Clock, Stamp, Class, Text string }

type restartRow struct {
	Name  string
	Count uint64
}

// refusedRow is what no worker has answered, with a code of the front's or without an answer.
type refusedRow struct {
	Code, Reason string
	Count        uint64
}

type generationRow struct {
	Number                  int
	Loaded, With, Preloader string
}

type finding struct{ Kind, Text, Where, Advice string }

// shownMarks are listed; the charts have all.
const shownMarks = 8

func viewOf(s control.Status, h *history) view {
	v := view{Name: visible(nameOf(s.Root)), Root: visible(s.Root), State: s.State, StateClass: good, Version: visible(s.Launcher), Pid: s.Pid,
		Up: inTime(s.Time.Sub(s.Started).Seconds()), Clock: clock(s.Time), Stamp: s.Time.Format(time.RFC3339)}
	if s.State != "running" {
		v.StateClass = wait
	}
	recent := h.recently(s)
	hour := hourly{now: s.Time, samples: h.inOrder(s.Time), marks: h.marks.since(s.Time)}
	if n := len(hour.samples); n > 0 {
		hour.now = hour.samples[n-1].at // the charts stay as they are until the next one
	}
	v.Alerts, v.Tiles = alertsOf(s), tilesOf(s, recent)
	v.Charts, v.Hour = hour.charts(), hour.table()
	v.Slots = slotRowsOf(s)
	v.SlotsCaption = slotsCaption(s)
	for _, m := range hour.marks[:min(len(hour.marks), shownMarks)] {
		v.Marks = append(v.Marks, markRow{clock(m.at), m.at.Format(time.RFC3339), m.kind, visible(m.text)})
	}
	if more := len(hour.marks) - shownMarks; more > 0 {
		v.MoreMarks = counted(more, "earlier one", "earlier ones")
	}
	if len(v.Marks) > 0 {
		v.Said = v.Marks[0].Clock + " " + v.Marks[0].Text
	}
	for _, reason := range slices.Sorted(maps.Keys(s.Restarts)) {
		v.Restarts = append(v.Restarts, restartRow{visible(reason), s.Restarts[reason]})
	}
	slices.SortStableFunc(v.Restarts, func(a, b restartRow) int { return cmp.Compare(b.Count, a.Count) })
	if s.Front != nil {
		v.HasFront, v.Refused = true, refusedRowsOf(*s.Front)
	}
	for _, g := range slices.Backward(s.Generations) {
		for _, f := range g.Findings {
			v.Findings = append(v.Findings, finding{visible(f.Kind), visible(f.Text), visible(f.Where), visible(f.Advice)})
		}
		v.Generations = append(v.Generations, generationRowOf(g, s.SpawnMethod))
	}
	return v
}

// refusedRowsOf are those that there were, the most frequent first.
func refusedRowsOf(f control.FrontStatus) (rows []refusedRow) {
	for _, one := range f.Refused {
		rows = append(rows, refusedRow{strconv.Itoa(one.Code), visible(one.Reason), one.Count})
	}
	for _, reason := range slices.Sorted(maps.Keys(f.Unanswered)) {
		rows = append(rows, refusedRow{none, visible(reason), f.Unanswered[reason]})
	}
	rows = slices.DeleteFunc(rows, func(r refusedRow) bool { return r.Count == 0 })
	slices.SortStableFunc(rows, func(a, b refusedRow) int { return cmp.Compare(b.Count, a.Count) })
	return rows
}

// nameOf is the application's name: its folder's, or that of the folder in which a deploy tool keeps its releases.
func nameOf(root string) string {
	above, name := filepath.Split(filepath.Clean(root))
	if above = filepath.Clean(above); filepath.Base(above) == "releases" {
		above, name = filepath.Dir(above), "current"
	}
	if base := filepath.Base(above); name == "current" && len(base) > 1 {
		return base
	}
	return name
}

func generationRowOf(g control.GenerationStatus, method string) generationRow {
	r := generationRow{Number: g.Generation, Loaded: "loading", Preloader: none}
	if g.Loaded != nil {
		r.Loaded = g.Loaded.Local().Format(time.DateTime) + ", in " + inTime(g.LoadTime)
	}
	var with []string
	for _, version := range [][2]string{{"Ruby", g.Ruby}, {"Rails", g.Rails}, {"Rack", g.Rack}} {
		if version[1] != "" {
			with = append(with, version[0]+" "+visible(version[1]))
		}
	}
	r.With = cmp.Or(strings.Join(with, ", "), none)
	var preloaders []string
	for _, p := range g.Preloaders {
		words := p.State
		if p.Refork > 0 {
			words = fmt.Sprintf("refork %d, %s", p.Refork, p.State)
		}
		if p.Memory != nil {
			words += ", " + inBytes(p.Memory.RSS)
		}
		preloaders = append(preloaders, words)
	}
	if method != "direct" && len(preloaders) > 0 {
		r.Preloader = strings.Join(preloaders, "; ")
	}
	return r
}

// alertsOf is what somebody has to see to.
func alertsOf(s control.Status) (alerts []alert) {
	if f := s.Failing; f != nil {
		alerts = append(alerts, alert{bad, fmt.Sprintf("The application does not load: %s in a row, since %s", counted(f.Failures, "failure", "failures"), clock(f.Time)),
			fmt.Sprintf("%s. The next try comes in %s, or with a restart.", visible(f.Error), inTime(f.Retry)), visibleLines(f.Backtrace, f.Lines)})
	} else if f := s.FailedLoad; f != nil {
		alerts = append(alerts, alert{bad, fmt.Sprintf("Generation %d has not loaded, at %s", f.Generation, clock(f.Time)),
			visible(f.Error) + ". What served before serves on; mend it, and restart.", nil})
	}
	for _, g := range s.Generations {
		if h := g.Held; h != nil {
			alerts = append(alerts, alert{bad, fmt.Sprintf("Generation %d is held back since %s", g.Generation, clock(h.Time)),
				fmt.Sprintf("Its first requests went wrong: %d errors, %d deaths, %d failed probes. The slots keep the release before; deploy again.", h.Errors, h.Deaths, h.Probes), nil})
		}
	}
	var failed []string
	var last control.SlotStatus
	for _, slot := range s.Slots {
		if slot.Failed != nil {
			failed, last = append(failed, strconv.Itoa(slot.Slot)), slot
		}
	}
	if len(failed) > 0 {
		one := alert{Class: bad, Title: "Workers die before they serve anything, in slot " + strings.Join(failed, ", "),
			Text: "They are tried again from time to time, and with a restart."}
		if died := last.Died; died != nil {
			one.Text = "The last one: " + visible(deathText(last.Slot, *died)) + ". " + one.Text
			one.Lines = visibleLines(died.Backtrace, died.Lines)
		}
		alerts = append(alerts, one)
	}
	if b := s.Memory.Bound; b != nil && !b.Provisional && s.Memory.PSS > b.Total {
		alerts = append(alerts, alert{wait, "More memory than the bound", fmt.Sprintf("All processes have %s, and should have %s at most.", inBytes(s.Memory.PSS), inBytes(b.Total)), nil})
	}
	return alerts
}

// maxLines of a backtrace or of what a process has printed are shown.
const maxLines = 12

func visibleLines(lists ...[]string) (lines []string) {
	for _, list := range lists {
		for _, text := range list[:min(len(list), maxLines)] {
			lines = append(lines, visible(text))
		}
	}
	return lines
}

func tilesOf(s control.Status, recent flow) []tile {
	workers := tile{Name: "Workers", Value: strconv.Itoa(s.Workers.Busy), Unit: "busy of " + strconv.Itoa(s.Workers.Ready),
		More: fmt.Sprintf("%s, %d busy at most", counted(len(s.Slots), "slot", "slots"), s.Workers.MaxBusy)}
	if s.Workers.Ready > 0 {
		workers.Of, workers.Part = "busy workers", 100*s.Workers.Busy/s.Workers.Ready
	}
	queue := tile{Name: "Queue", Value: strconv.Itoa(s.Queue.Now), Unit: "waiting", More: fmt.Sprintf("at most %d were seen", s.Queue.Max)}
	if s.Queue.Now > 0 {
		queue.Class = wait
	}
	requests := tile{Name: "Requests", Value: none, More: grouped(s.Requests.Served) + " since the start"}
	duration := tile{Name: "Duration", Value: none, More: "nothing in the last minute"}
	if recent.known {
		requests.Value, requests.Unit = inRate(recent.rate), "a second"
	}
	if recent.count > 0 {
		duration.Value, duration.Unit, duration.More = inTime(recent.median), "median", "p95 "+inTime(recent.tail)+", in the last minute"
	}
	errors := tile{Name: "Errors", Value: grouped(s.Requests.Errors), More: "with status 500 or more, since the start"}
	if recent.errors > 0 {
		errors.Class = bad
	}
	return []tile{workers, queue, requests, duration, errors, memoryTile(s.Memory)}
}

func memoryTile(m control.MemoryStatus) tile {
	t := tile{Name: "Memory", Value: inBytes(m.PSS), More: "used by " + counted(m.Processes, "process", "processes")}
	if m.Measured < m.Processes {
		t.More = fmt.Sprintf("used by %d among %s", m.Measured, counted(m.Processes, "process", "processes"))
	}
	if b := m.Bound; b != nil {
		t.Unit, t.Of, t.Part = "of "+inBytes(b.Total), "memory of its bound", int(min(100, 100*m.PSS/max(b.Total, 1)))
		t.More += ", bounded"
		if b.Provisional {
			t.More += " for now"
		}
	}
	return t
}
