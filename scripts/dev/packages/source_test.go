package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The process is ended in one place, behind every deferred call.
func TestExitsInMain(t *testing.T) {
	m := thisModule(t)
	for _, p := range m.packages {
		for _, f := range p.files {
			for _, call := range []string{"os.Exit", "log.Fatal", "log.Fatalf", "log.Fatalln"} {
				if f.selectors[call] && !f.test && !strings.HasPrefix(f.name, "main") {
					t.Errorf("%s calls %s", filepath.Join(m.name(p), f.name), call)
				}
			}
		}
	}
}

// What always holds of a package stands in one file, where a reader looks for it.
func TestPackageComments(t *testing.T) {
	m := thisModule(t)
	for _, p := range m.packages {
		if !slices.ContainsFunc(p.files, func(f *file) bool { return !f.test }) {
			continue // tests alone
		}
		if !slices.ContainsFunc(p.files, func(f *file) bool { return f.name == "doc.go" && strings.Contains(f.comment, "always holds") }) {
			t.Errorf("%s has no doc.go that tells what always holds", m.name(p))
		}
		for _, f := range p.files {
			if f.comment != "" && f.name != "doc.go" {
				t.Errorf("%s has a package comment of its own", filepath.Join(m.name(p), f.name))
			}
		}
	}
}

// What is longer has a seam. Tests have tables, so their functions may be of any length.
const (
	maxFileLines     = 400
	maxFunctionLines = 60
)

func TestLengths(t *testing.T) {
	m := thisModule(t)
	for _, p := range m.packages {
		for _, f := range p.files {
			if f.lines > maxFileLines {
				t.Errorf("%s has %d lines", filepath.Join(m.name(p), f.name), f.lines)
			}
			for name, lines := range f.functions {
				if lines > maxFunctionLines && !f.test {
					t.Errorf("%s: %s has %d lines", filepath.Join(m.name(p), f.name), name, lines)
				}
			}
		}
	}
}
