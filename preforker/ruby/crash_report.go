package ruby

import (
	"slices"
	"strings"
)

// crashReport is what Ruby prints when code in C has crashed in it: a line with the place and the signal, and hundreds of others, among
// them the backtrace of Ruby. It ends with SIGABRT then, so that the line alone says which signal it was.
type crashReport struct {
	line      string
	backtrace []string // the innermost frames last
	reading   bool     // the backtrace
}

// crashFrames are how many frames are kept, the innermost ones.
const crashFrames = 4

func (r *crashReport) take(text string) {
	switch {
	case strings.Contains(text, "[BUG]") && len(r.backtrace) == 0: // an application may say that, too
		r.line = text
	case strings.HasPrefix(text, "-- Ruby level backtrace information"):
		r.reading = len(r.backtrace) == 0
	case text == "" || strings.HasPrefix(text, "-- "):
		r.reading = false
	case r.reading:
		if r.backtrace = append(r.backtrace, text); len(r.backtrace) > crashFrames {
			r.backtrace = r.backtrace[1:]
		}
	}
}

// lines are the last ones of a process, or where Ruby has crashed in it, the report: what comes last is a map of its memory.
func (r *crashReport) lines(last []string) []string {
	switch {
	case r.line == "" || slices.Contains(last, r.line):
		return last
	case len(r.backtrace) == 0:
		return append([]string{r.line, "…"}, last[2:]...) // there are linesKept of them
	}
	lines := []string{r.line}
	for _, frame := range slices.Backward(r.backtrace) {
		lines = append(lines, frame)
	}
	return lines
}
