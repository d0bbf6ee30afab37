package webserver

import (
	"fmt"
	"strings"
)

// Writer collects the lines of a configuration and indents them by block. Its zero value indents by four spaces.
type Writer struct {
	Indent   string
	text     strings.Builder
	depth    int
	warnings []string
}

// Line writes one line; without arguments the format is taken as it is.
func (w *Writer) Line(format string, args ...any) {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	if format == "" {
		w.text.WriteString("\n")
		return
	}
	indent := w.Indent
	if indent == "" {
		indent = "    "
	}
	w.text.WriteString(strings.Repeat(indent, w.depth) + format + "\n")
}

// Lines writes several lines, each as it is.
func (w *Writer) Lines(lines ...string) {
	for _, line := range lines {
		w.Line("%s", line)
	}
}

// Comment writes each line of a text behind a "#".
func (w *Writer) Comment(text string) {
	for line := range strings.Lines(strings.Trim(text, "\n")) {
		w.Line("%s", strings.TrimSpace("# "+strings.TrimRight(line, "\n")))
	}
}

// Warn writes what the reader has to know, and keeps it for who prints the text.
func (w *Writer) Warn(text string) {
	w.warnings = append(w.warnings, strings.Join(strings.Fields(text), " "))
	w.Comment("WARNING: " + text)
}

// Block writes a block: its head, what is in it, indented, and its end.
func (w *Writer) Block(head, end string, inside func()) {
	w.Line("%s", head)
	w.depth++
	inside()
	w.depth--
	if end != "" {
		w.Line("%s", end)
	}
}

// Warnings are those that were written.
func (w *Writer) Warnings() []string { return w.warnings }

func (w *Writer) String() string { return w.text.String() }
