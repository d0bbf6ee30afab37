package report

import (
	"fmt"
	"strings"

	pretty "github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"launcher/cmd/launcher/internal/experiment"
)

// Summary returns the result in short, in Markdown: one table of the largest number of
// processes, and what must be known to read it.
func Summary(results *experiment.Results) string {
	f := newFigures(results)
	if f.n == 0 {
		return "Nothing has been measured yet.\n"
	}
	runs := f.runsOf(f.n)
	best := f.bestPeer(f.n)
	made := table{columns: append(textColumns("Method"), numberColumns("After launch, MB", "Peak, MB", "Of direct", "After load, MB", "Of direct",
		"Requests/s", "Of best peer", "Lowest 2 s", "p99, ms", "Worst p99 of 2 s", "Errors")...)}
	for _, run := range runs {
		made.rows = append(made.rows, []string{label(run), f.spread(run, launchedMB, figure), f.spread(run, peakMB, figure),
			f.ofDirect(run), f.spread(run, lastMB, figure), f.ofDirectLast(run), f.spread(run, throughputOf, figure), ofBest(run, best), f.lowest(run), f.spread(run, p99Of, figure), f.worst(run),
			fmt.Sprint(run.Traffic.Errors)})
	}
	about := fmt.Sprintf("%s of %s, sum of PSS, after the launch, at the peak under the load of %s, and after it. %s",
		count(f.n, "process", "processes"), appName(results),
		count(results.Load.Requests, "request", "requests"), unitText)
	parts := []string{made.markdown(), escapeMarkdown(strings.TrimSpace(about + " " + windowText + " " + f.roundsText()))}
	if results.Incomplete != "" {
		parts = append(parts, escapeMarkdown("Incomplete: "+clean(results.Incomplete)))
	}
	for _, note := range errorNotes(runs) {
		parts = append(parts, escapeMarkdown(note))
	}
	return strings.Join(parts, "\n\n") + "\n"
}

func (doc *document) markdown() []byte {
	parts := []string{"# " + escapeMarkdown(doc.title)}
	for _, alert := range doc.alerts {
		parts = append(parts, "> **"+escapeMarkdown(alert)+"**")
	}
	for _, text := range doc.lead {
		parts = append(parts, escapeMarkdown(text))
	}
	for i := range doc.sections {
		parts = append(parts, doc.sections[i].markdown()...)
	}
	return []byte(strings.Join(parts, "\n\n") + "\n")
}

func (s *section) markdown() []string {
	parts := []string{"## " + escapeMarkdown(s.heading)}
	for _, text := range s.text {
		parts = append(parts, escapeMarkdown(text))
	}
	if s.graph != nil {
		parts = append(parts, fmt.Sprintf("![%s](%s.svg)", escapeMarkdown(s.graph.desc), s.graph.id))
	}
	for i := range s.tables {
		parts = append(parts, "**"+escapeMarkdown(s.tables[i].caption)+"**", s.tables[i].markdown())
	}
	if len(s.notes) > 0 {
		notes := make([]string, len(s.notes))
		for i, note := range s.notes {
			notes[i] = "- " + escapeMarkdown(note)
		}
		parts = append(parts, strings.Join(notes, "\n"))
	}
	if len(s.code) > 0 {
		fence := fenceFor(s.code)
		parts = append(parts, fence+"sh\n"+strings.Join(s.code, "\n")+"\n"+fence)
	}
	return parts
}

// fenceFor returns a fence that is longer than any in the commands (CommonMark 0.31, section 4.5).
func fenceFor(code []string) string {
	fence := "```"
	for strings.Contains(strings.Join(code, "\n"), fence) {
		fence += "`"
	}
	return fence
}

// markdown returns the table with unpadded cells: how wide a letter is depends on the machine's
// language, and the file must not.
func (t *table) markdown() string { return t.pretty(escapeMarkdown).RenderMarkdown() }

// pretty returns the table for go-pretty, every text escaped.
func (t *table) pretty(escape func(string) string) pretty.Writer {
	writer := pretty.NewWriter()
	style := pretty.StyleDefault
	style.Format.Header = text.FormatDefault
	style.Format.Row = text.FormatDefault
	writer.SetStyle(style)
	header := make(pretty.Row, len(t.columns))
	configs := make([]pretty.ColumnConfig, len(t.columns))
	for i, column := range t.columns {
		header[i] = escape(column.name)
		configs[i] = pretty.ColumnConfig{Number: i + 1, Align: text.AlignLeft, AlignHeader: text.AlignLeft}
		if column.number {
			configs[i].Align, configs[i].AlignHeader = text.AlignRight, text.AlignRight
		}
	}
	writer.AppendHeader(header)
	writer.SetColumnConfigs(configs)
	for _, cells := range t.rows {
		row := make(pretty.Row, len(cells))
		for i, cell := range cells {
			row[i] = escape(cell)
		}
		writer.AppendRow(row)
	}
	return writer
}

// escapeMarkdown returns a text so that Markdown shows it as it is. The bar is left to go-pretty, which escapes
// it in tables; outside of them it means nothing.
func escapeMarkdown(text string) string {
	return markdownEscapes().Replace(text)
}

func markdownEscapes() *strings.Replacer {
	return strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`,
		"#", `\#`, "~", `\~`, "$", `\$`, "&", "&amp;", "<", "&lt;", ">", "&gt;")
}
