package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"
)

//go:embed page.html
var pageTemplate string

//go:embed page.css
var pageStyle string

// page returns the report for a browser. Its tables are made here and not by go-pretty, whose
// HTML has no scope for the heads of rows and columns and sets the align attribute,
// which HTML 5 has dropped.
func (doc *document) page() ([]byte, error) {
	parsed, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return nil, fmt.Errorf("read template of report.html: %w", err)
	}
	view := pageView{Title: doc.title, Lead: doc.lead, Alerts: doc.alerts}
	shades := &shadeSet{}
	for i := range doc.sections {
		made, err := doc.sections[i].view(fmt.Sprintf("s%d", i+1), shades)
		if err != nil {
			return nil, err
		}
		view.Sections = append(view.Sections, made)
	}
	view.Style = template.CSS(pageStyle + shades.css())
	var out bytes.Buffer
	if err := parsed.Execute(&out, view); err != nil {
		return nil, fmt.Errorf("make report.html: %w", err)
	}
	return out.Bytes(), nil
}

type pageView struct {
	Title    string
	Style    template.CSS
	Lead     []string
	Alerts   []string
	Sections []sectionView
}

type sectionView struct {
	ID, Heading string
	Text        []string
	Graph       template.HTML // "" where there is none
	GraphDesc   string
	Tables      []tableView
	Notes       []string
	Code        string
}

type tableView struct {
	ID, Caption string
	Head        []cellView
	Rows        [][]cellView
}

type cellView struct {
	Text   string
	Number bool
}

func (s *section) view(id string, shades *shadeSet) (sectionView, error) {
	made := sectionView{ID: id, Heading: s.heading, Text: s.text, Notes: s.notes, Code: strings.Join(s.code, "\n")}
	if s.graph != nil {
		drawn, err := s.graph.inlineSVG()
		if err != nil {
			return made, err
		}
		// Its texts are escaped where it is drawn.
		made.Graph, made.GraphDesc = template.HTML(drawn), s.graph.desc
		shades.add(s.graph.shades())
	}
	for i := range s.tables {
		made.Tables = append(made.Tables, s.tables[i].view(fmt.Sprintf("%s-t%d", id, i+1)))
	}
	return made, nil
}

func (t *table) view(id string) tableView {
	made := tableView{ID: id, Caption: t.caption}
	for _, column := range t.columns {
		made.Head = append(made.Head, cellView{column.name, column.number})
	}
	for _, row := range t.rows {
		cells := make([]cellView, len(row))
		for i, cell := range row {
			cells[i] = cellView{cell, t.columns[i].number}
		}
		made.Rows = append(made.Rows, cells)
	}
	return made
}

// shadeSet is the colours of all graphs of the page, each once.
type shadeSet struct{ shades []shade }

func (set *shadeSet) add(shades []shade) {
	for _, shade := range shades {
		known := false
		for _, have := range set.shades {
			known = known || have.name == shade.name
		}
		if !known {
			set.shades = append(set.shades, shade)
		}
	}
}

func (set *shadeSet) css() string {
	var light, dark strings.Builder
	for _, shade := range set.shades {
		fmt.Fprintf(&light, "%s:%s;", shade.name, shade.light)
		fmt.Fprintf(&dark, "%s:%s;", shade.name, shade.dark)
	}
	return fmt.Sprintf("svg{%s}\n@media (prefers-color-scheme:dark){svg{%s}}\n", light.String(), dark.String())
}
