package lighttpd

import (
	"fmt"
	"strings"
)

// writer collects lines of configuration and indents them by block.
type writer struct {
	text  strings.Builder
	depth int
}

// line writes one line; without arguments format is taken as it is.
func (w *writer) line(format string, args ...any) {
	text := format
	if len(args) > 0 {
		text = fmt.Sprintf(format, args...)
	}
	if text != "" {
		w.text.WriteString(strings.Repeat("  ", w.depth))
		w.text.WriteString(text)
	}
	w.text.WriteByte('\n')
}

// comment writes each line of text behind a "#".
func (w *writer) comment(text string) {
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		w.line("%s", strings.TrimRight("# "+line, " "))
	}
}

// open begins a block and close ends it.
func (w *writer) open(head string) {
	w.line("%s {", head)
	w.depth++
}

func (w *writer) close() {
	w.depth--
	w.line("}")
}

// set writes an option whose value is in configuration syntax already.
func (w *writer) set(key, value string) { w.line("%s = %s", key, value) }
