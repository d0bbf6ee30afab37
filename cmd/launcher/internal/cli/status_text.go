//go:build linux

package cli

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	pretty "github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"launcher/preforker"
	"launcher/preforker/control"
	"launcher/preforker/core"
	"launcher/preforker/proc"
	"launcher/preforker/sockets"
)

// nothing is printed where there is no figure.
const nothing = "–"

// statusText returns a status as text for a terminal of so many columns; 0 for no terminal. Lines about the
// whole come first, then a table.
func statusText(s control.Status, width int, zone *time.Location) string {
	var out strings.Builder
	line := func(title, words string) { fmt.Fprintf(&out, "%-13s %s\n", title, words) }
	files := ", sockets in "
	if len(s.Slots) > 0 && sockets.IsPort(s.Slots[0].Socket) {
		files = ", the launcher's files in "
	}
	line("application", visible(s.Root)+files+visible(s.SocketDir))
	method := ""
	if s.SpawnMethod == string(preforker.SpawnDirect) {
		method = ", spawn method direct"
	}
	line("launcher", fmt.Sprintf("%s, started %s%s, %s", s.State, moment(s.Started, s.Time, zone), method, processWords(s.Pid, s.Memory.Launcher)))
	for _, g := range s.Generations {
		line(fmt.Sprintf("generation %d", g.Generation), generationWords(g, s.Time, zone))
		if g.Held != nil {
			line("  held back", heldWords(*g.Held, s.Time, zone))
		}
		for _, p := range g.Preloaders {
			if s.SpawnMethod != string(preforker.SpawnDirect) {
				line("  preloader", preloaderWords(p))
			}
		}
		if g.Refork != nil {
			line("  refork", reforkWords(*g.Refork))
		}
	}
	if f := s.FailedLoad; f != nil {
		line(fmt.Sprintf("generation %d", f.Generation), fmt.Sprintf("failed to load, %s: %s", moment(f.Time, s.Time, zone), visible(f.Error)))
	}
	if f := s.Failing; f != nil {
		failingLines(*f, s.Time, zone, line)
	}
	for _, slot := range s.Slots {
		slotFailureLines(slot, s.Time, zone, line)
	}
	requestLines(s, line)
	line("memory", sumWords(s.Memory))
	if s.Memory.Bound != nil {
		line("  at most", boundWords(*s.Memory.Bound))
	}
	if l := s.Memory.Limit; l != nil {
		line("  limit", limitWords(*l))
	}
	if words := limitsWords(s.Limits); words != "" {
		line("limits", words)
	}
	if c := s.Collections; c != nil {
		line("collections", fmt.Sprintf("%.1f %% of the CPU time of the requests, between them", 100*c.Share))
	}
	if f := s.Front; f != nil {
		frontLines(*f, line)
	}
	if w := s.Spare; w != nil {
		line("spare", spareWords(*w))
	}
	out.WriteString("\n" + statusTable(s.Slots, width) + "\n")
	return out.String()
}

func generationWords(g control.GenerationStatus, now time.Time, zone *time.Location) string {
	words := "loading"
	switch {
	case g.Loaded != nil:
		words = fmt.Sprintf("loaded %s in %.1f s", moment(*g.Loaded, now, zone), g.LoadTime)
	case len(g.Preloaders) > 0:
		words += " for " + inTime(duration(g.Preloaders[0].Seconds))
	}
	for _, version := range [][2]string{{"Ruby", g.Ruby}, {"Rails", g.Rails}, {"Rack", g.Rack}} {
		if version[1] != "" {
			words += ", " + version[0] + " " + visible(version[1])
		}
	}
	if len(g.Preloaders) == 0 {
		words += "; only its workers are left"
	}
	return words
}

func heldWords(h control.HeldStatus, now time.Time, zone *time.Location) string {
	words := []string{}
	for _, seen := range []struct {
		count uint64
		what  string
	}{{h.Errors, "requests answered with 500"}, {h.Deaths, "workers died"}, {h.Probes, "workers failed their probe"}} {
		if seen.count > 0 {
			words = append(words, fmt.Sprintf("%d %s", seen.count, seen.what))
		}
	}
	return fmt.Sprintf("since %s: %s, and no other answer; the slots keep the release before: deploy again (launcher restart)",
		moment(h.Time, now, zone), strings.Join(words, ", "))
}

func reforkWords(r control.ReforkStatus) string {
	if r.State == control.PutOffRefork {
		return fmt.Sprintf("put off: it would gain %s MB a worker, and pays from %s on", inMB(r.Gain), inMB(r.PaysFrom))
	}
	words := fmt.Sprintf("%d takes the slots without hurry, %d to go: the next one ", r.Refork, r.Left)
	if r.Next > 0 {
		return words + "in " + inTime(duration(r.Next))
	}
	return words + "when its worker is idle"
}

func preloaderWords(p control.PreloaderStatus) string {
	words := p.State + ", "
	if p.Refork > 0 {
		words = fmt.Sprintf("refork %d, %s", p.Refork, words)
	}
	if p.Pid == 0 {
		return strings.TrimSuffix(words, ", ")
	}
	return words + processWords(p.Pid, p.Memory)
}

func spareWords(w control.WorkerStatus) string {
	words := "generation " + originName(w) + ", "
	switch {
	case w.State != core.SpareWorker.String():
		words += w.State + ", "
	default:
		words += "for " + inTime(duration(w.Seconds)) + ", "
	}
	if w.Pid == 0 {
		return strings.TrimSuffix(words, ", ")
	}
	return words + processWords(w.Pid, w.Memory)
}

func processWords(pid int, m *control.ProcessMemory) string {
	if m == nil {
		return fmt.Sprintf("pid %d", pid)
	}
	return fmt.Sprintf("pid %d: %s MB private, %s MB shared", pid, inMB(m.Private), inMB(m.Shared))
}

// oldMemory is the age from which on that of the figures is printed.
const oldMemory = 5 * time.Second

func sumWords(m control.MemoryStatus) string {
	of := strconv.Itoa(m.Processes)
	if m.Measured < m.Processes {
		of = fmt.Sprintf("%d among %d", m.Measured, m.Processes)
	}
	words := fmt.Sprintf("%s MB, the sum of PSS of %s processes", inMB(m.PSS), of)
	if m.Processes == 1 {
		words = inMB(m.PSS) + " MB, the PSS of one process"
	}
	if age := duration(m.Seconds); age > oldMemory {
		words += fmt.Sprintf(", measured up to %s ago", inTime(age))
	}
	if m.Measured < m.Processes {
		words += " (ask again for the others)"
	}
	return words
}

// limitWords say what the kernel lets all processes together have.
func limitWords(l control.MemoryLimit) string {
	if l.File == "" {
		return inMB(l.Bytes) + " MB, the memory of the machine"
	}
	return fmt.Sprintf("%s MB, of %s", inMB(l.Bytes), visible(l.File))
}

func boundWords(p control.MemoryBound) string {
	words := fmt.Sprintf("%s MB: preloader %s + workers %d * %s + launcher %s", inMB(p.Total), inMB(p.Preloader), p.Workers, inMB(p.Each), inMB(p.Launcher))
	if p.Provisional {
		words += " (provisional, until requests tell what a worker needs)"
	}
	return words
}

// statusTable returns a row for each worker, and one for a slot that has none. On a terminal a request is cut
// so that no line is broken.
func statusTable(slots []control.SlotStatus, width int) string {
	rows := statusRows(slots)
	rendered := renderStatus(rows)
	tooWide := 0
	for line := range strings.Lines(rendered) {
		tooWide = max(tooWide, text.StringWidthWithoutEscSequences(strings.TrimRight(line, " \n"))-width)
	}
	if width == 0 || tooWide <= 0 {
		return rendered
	}
	longest := 0
	for _, row := range rows {
		longest = max(longest, text.StringWidthWithoutEscSequences(row[requestColumn].(string)))
	}
	room := max(longest-tooWide, minRequest)
	for _, row := range rows {
		row[requestColumn] = text.Snip(row[requestColumn].(string), room, "…")
	}
	return renderStatus(rows)
}

const (
	requestColumn = 6
	// minRequest is the width that a request has on any terminal.
	minRequest = 12
)

func statusRows(slots []control.SlotStatus) (rows []pretty.Row) {
	for _, slot := range slots {
		name, queue := visible(filepath.Base(slot.Socket)), nothing
		if !slot.Open {
			name = "(closed)"
		}
		if slot.Queue != nil {
			queue = strconv.Itoa(*slot.Queue)
		}
		if len(slot.Workers) == 0 {
			retry := nothing
			if slot.Retry > 0 {
				retry = "next in " + inTime(duration(slot.Retry))
			}
			rows = append(rows, pretty.Row{slot.Slot, name, nothing, nothing, slot.State, retry, "", nothing, nothing, nothing, nothing, queue})
		}
		for _, w := range slot.Workers {
			rows = append(rows, append(append(pretty.Row{slot.Slot, name}, workerCells(w)...), queue))
		}
	}
	return rows
}

func workerCells(w control.WorkerStatus) pretty.Row {
	pid, request, last, private, shared := nothing, "", nothing, nothing, nothing
	if w.Pid != 0 {
		pid = strconv.Itoa(w.Pid)
	}
	since := w.Seconds
	if r := w.Request; r != nil {
		request, since = visible(r.Method+" "+r.Path), r.Seconds
		if r.Cut {
			request += "…"
		}
	}
	if w.Last > 0 {
		last = inShortTime(duration(w.Last))
	}
	if w.Memory != nil {
		private, shared = inMB(w.Memory.Private), inMB(w.Memory.Shared)
	}
	return pretty.Row{pid, originName(w), w.State, inTime(duration(since)), request, last, w.Served, private, shared}
}

// originName returns a generation, and after a point the refork where there was one.
func originName(w control.WorkerStatus) string {
	if w.Refork == 0 {
		return strconv.Itoa(w.Generation)
	}
	return fmt.Sprintf("%d.%d", w.Generation, w.Refork)
}

func renderStatus(rows []pretty.Row) string {
	writer := pretty.NewWriter()
	writer.AppendHeader(pretty.Row{"SLOT", "SOCKET", "PID", "GEN", "STATE", "FOR", "REQUEST", "LAST", "SERVED", "PRIVATE", "SHARED", "QUEUE"})
	writer.AppendRows(rows)
	var columns []pretty.ColumnConfig
	for _, name := range []string{"SLOT", "PID", "GEN", "FOR", "LAST", "SERVED", "PRIVATE", "SHARED", "QUEUE"} {
		columns = append(columns, pretty.ColumnConfig{Name: name, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	writer.SetColumnConfigs(columns)
	style := pretty.StyleLight
	style.Options = pretty.Options{}
	style.Format = pretty.FormatOptions{Header: text.FormatDefault, Row: text.FormatDefault}
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	writer.SetStyle(style)
	lines := strings.Split(writer.Render(), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
}

// inMB returns bytes in MB.
func inMB(bytes uint64) string { return strconv.FormatFloat(float64(bytes)/proc.MB, 'f', 1, 64) }

func duration(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

// inTime returns a time in its two largest units.
func inTime(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < 0:
		return "0 s"
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
	case d < day:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	default:
		return fmt.Sprintf("%d d %d h", d/day, d%day/time.Hour)
	}
}

func moment(at, now time.Time, zone *time.Location) string {
	return fmt.Sprintf("%s (%s ago)", at.In(zone).Format(time.DateTime), inTime(now.Sub(at)))
}
