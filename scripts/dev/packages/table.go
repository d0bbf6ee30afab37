package main

import (
	"fmt"
	"strings"
)

// size is a row of the table.
type size struct {
	files, lines          int
	testFiles, testLines  int
	out, in, betweenFiles int // references of the program, not of its tests
	circular              int // files that lead back to themselves
}

// table lists the packages with their sizes and references, as Markdown.
func (m *module) table() string {
	sizes := map[string]*size{}
	for _, p := range m.packages {
		references := p.references()
		sizes[p.path] = &size{betweenFiles: references.sum(), circular: references.circular()}
	}
	for _, p := range m.packages {
		s := sizes[p.path]
		for _, f := range p.files {
			if f.test {
				s.testFiles++
				s.testLines += f.lines
				continue
			}
			s.files++
			s.lines += f.lines
			for imported, references := range f.imports {
				if other := sizes[imported]; other != nil {
					s.out += references
					other.in += references
				}
			}
		}
	}
	var out strings.Builder
	out.WriteString("| package | files | lines | test files | test lines | references out | in | between its files | files in circles |\n")
	out.WriteString("|:--- | ---:| ---:| ---:| ---:| ---:| ---:| ---:| ---:|\n")
	var sum size
	for _, p := range m.packages {
		s := sizes[p.path]
		row(&out, m.name(p), s)
		sum.files += s.files
		sum.lines += s.lines
		sum.testFiles += s.testFiles
		sum.testLines += s.testLines
		sum.out += s.out
		sum.in += s.in
		sum.betweenFiles += s.betweenFiles
		sum.circular += s.circular
	}
	row(&out, "sum", &sum)
	return out.String()
}

func row(out *strings.Builder, name string, s *size) {
	fmt.Fprintf(out, "| %s | %d | %d | %d | %d | %d | %d | %d | %d |\n",
		name, s.files, s.lines, s.testFiles, s.testLines, s.out, s.in, s.betweenFiles, s.circular)
}
