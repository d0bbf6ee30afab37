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
}

// table lists the packages with their sizes and references, as Markdown.
func (m *module) table() string {
	sizes := map[string]*size{}
	for _, p := range m.packages {
		sizes[p.path] = &size{betweenFiles: p.betweenFiles()}
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
	out.WriteString("| package | files | lines | test files | test lines | references out | in | between its files |\n")
	out.WriteString("|:--- | ---:| ---:| ---:| ---:| ---:| ---:| ---:|\n")
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
	}
	row(&out, "sum", &sum)
	return out.String()
}

func row(out *strings.Builder, name string, s *size) {
	fmt.Fprintf(out, "| %s | %d | %d | %d | %d | %d | %d | %d |\n",
		name, s.files, s.lines, s.testFiles, s.testLines, s.out, s.in, s.betweenFiles)
}

// betweenFiles counts references from one file of a package to what another declares.
func (p *pkg) betweenFiles() int {
	declared := map[string]*file{}
	for _, f := range p.files {
		if !f.test {
			for name := range f.declared {
				declared[name] = f
			}
		}
	}
	count := 0
	for _, f := range p.files {
		if f.test {
			continue
		}
		for name, uses := range f.unresolved {
			if other := declared[name]; other != nil && other != f {
				count += uses
			}
		}
	}
	return count
}
