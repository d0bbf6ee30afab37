package report

import "launcher/cmd/launcher/internal/experiment"

// document is the report without a form: plain texts, which each form (page, Markdown, terminal)
// escapes in its own way.
type document struct {
	title    string
	lead     []string
	alerts   []string // what a reader must know first
	sections []section
}

// section is a part of the report. Its fields are shown in their order.
type section struct {
	heading string
	text    []string
	graph   *graph
	tables  []table
	notes   []string
	code    []string // commands
	// filesOnly keeps it off the terminal, where there is no room for everything.
	filesOnly bool
}

// table is a table whose rows have their first cell as a head.
type table struct {
	caption string
	columns []column
	rows    [][]string
}

// column is the head of a column, which is right-aligned where it has numbers.
type column struct {
	name   string
	number bool
}

// textColumns and numberColumns return columns of these names.
func textColumns(names ...string) []column   { return columns(false, names) }
func numberColumns(names ...string) []column { return columns(true, names) }

func columns(number bool, names []string) []column {
	made := make([]column, len(names))
	for i, name := range names {
		made[i] = column{name: name, number: number}
	}
	return made
}

func newDocument(results *experiment.Results) *document {
	f := newFigures(results)
	doc := &document{title: "Memory of " + count(f.largestNumber(), "process", "processes") + " of " + appName(results)}
	if f.n > 0 {
		doc.title = "Memory of " + count(f.n, "process", "processes") + " of " + appName(results)
	}
	doc.lead = lead(f)
	doc.alerts = alerts(results)
	if f.n > 0 {
		doc.sections = append(doc.sections,
			memorySection(f), instrumentSection(f), everyNumberSection(f), lineSection(f),
			launchSection(f), trafficSection(f))
		if lasting, found := lastingSection(f); found {
			doc.sections = append(doc.sections, lasting)
		}
		doc.sections = append(doc.sections, timeSections(f)...)
	} else {
		doc.sections = append(doc.sections, section{heading: "Memory", text: []string{"Nothing has been measured yet."}})
	}
	if split, found := splitSection(f); found {
		doc.sections = append(doc.sections, split)
	}
	if missing, found := missingSection(results); found {
		doc.sections = append(doc.sections, missing)
	}
	if f.n > 0 {
		doc.sections = append(doc.sections, questionSection(f))
	}
	doc.sections = append(doc.sections, circumstances(results)...)
	return doc
}
