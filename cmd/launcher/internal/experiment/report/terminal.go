package report

import (
	"fmt"
	"io"
	"strings"

	pretty "github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"launcher/cmd/launcher/internal/experiment"
)

// widthUnknown is the width where a terminal does not tell its own.
const widthUnknown = 80

// minWidth keeps a line readable on a terminal that is too narrow for anything.
const minWidth = 20

// Print writes the tables for a terminal of width columns; 0 is an unknown width.
func Print(w io.Writer, results *experiment.Results, width int) error {
	if width <= 0 {
		width = widthUnknown
	}
	doc := newDocument(results)
	if _, err := io.WriteString(w, doc.terminal(max(width, minWidth))); err != nil {
		return fmt.Errorf("print report: %w", err)
	}
	return nil
}

func (doc *document) terminal(width int) string {
	parts := []string{wrap(doc.title, "", width)}
	for _, alert := range doc.alerts {
		parts = append(parts, wrap(alert, "! ", width))
	}
	parts = append(parts, wrap(unitText, "", width))
	for i := range doc.sections {
		if s := &doc.sections[i]; !s.filesOnly {
			parts = append(parts, s.terminal(width)...)
		}
	}
	return strings.Join(parts, "\n\n") + "\n"
}

func (s *section) terminal(width int) []string {
	var parts []string
	if len(s.tables) == 0 {
		parts = append(parts, wrap(s.heading, "", width))
	}
	for _, text := range s.text {
		parts = append(parts, wrap(text, "", width))
	}
	for i := range s.tables {
		parts = append(parts, wrap(s.tables[i].caption, "", width)+"\n\n"+s.tables[i].terminal(width))
	}
	if len(s.notes) > 0 {
		notes := make([]string, len(s.notes))
		for i, note := range s.notes {
			notes[i] = wrap(note, "- ", width)
		}
		parts = append(parts, strings.Join(notes, "\n"))
	}
	return parts
}

// terminal returns the table, or, where it has more columns than the terminal, each row as a
// list: a line that the terminal breaks can no longer be read.
func (t *table) terminal(width int) string {
	writer := t.pretty(func(cell string) string { return cell })
	style := pretty.StyleLight
	style.Options = pretty.Options{SeparateHeader: true}
	style.Format = pretty.FormatOptions{Header: text.FormatDefault, Row: text.FormatDefault}
	style.Box.PaddingLeft = ""
	style.Box.PaddingRight = "  "
	writer.SetStyle(style)
	rendered := strings.Split(writer.Render(), "\n")
	for i, line := range rendered {
		rendered[i] = strings.TrimRight(line, " ")
		if text.StringWidthWithoutEscSequences(rendered[i]) > width {
			return t.list(width)
		}
	}
	return strings.Join(rendered, "\n")
}

func (t *table) list(width int) string {
	var blocks []string
	for _, row := range t.rows {
		lines := []string{wrap(row[0], "", width)}
		for i := 1; i < len(row); i++ {
			lines = append(lines, wrap(t.columns[i].name+": "+row[i], "  ", width))
		}
		blocks = append(blocks, strings.Join(lines, "\n"))
	}
	return strings.Join(blocks, "\n")
}

// wrap breaks a text into lines; mark is before the first and as many blanks before the
// others.
func wrap(content, mark string, width int) string {
	indent := strings.Repeat(" ", len(mark))
	lines := strings.Split(text.WrapSoft(content, width-len(mark)), "\n")
	for i, line := range lines {
		lines[i] = indent + strings.TrimRight(line, " ")
	}
	lines[0] = mark + strings.TrimPrefix(lines[0], indent)
	return strings.Join(lines, "\n")
}
