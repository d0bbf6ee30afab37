package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// a small module: a imports b and c, b imports c, a test of c imports d.
var sources = map[string]string{
	"go.mod":      "module example.org/m\n\ngo 1.25\n",
	"a/a.go":      "package a\n\nimport (\n\t\"os\"\n\n\t\"example.org/m/b\"\n\tsea \"example.org/m/c\"\n)\n\nfunc A() { os.Exit(b.B + sea.C + sea.C) }\n",
	"b/b.go":      "package b\n\nimport \"example.org/m/c\"\n\nvar B = func() int { c := struct{ C int }{}; return c.C }() + c.C\n",
	"c/c.go":      "package c\n\nconst C = 1 + d\n\ntype T int\n",
	"c/other.go":  "//go:build windows\n\npackage c\n\nconst d = 2\nvar e = C\nfunc (t *T) m() {}\n",
	"c/c_test.go": "package c\n\nimport _ \"example.org/m/d\"\n",
	"d/d.go":      "package d\n",
}

func smallModule(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for name, source := range sources {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestDrawing(t *testing.T) {
	var out bytes.Buffer
	if err := run([]string{smallModule(t)}, &out); err != nil {
		t.Fatal(err)
	}
	want := strings.TrimLeft(`
%%%mermaid
graph TD
  a --> b
  b --> c
%%%

| package | files | lines | test files | test lines | references out | in | between its files | files in circles |
|:--- | ---:| ---:| ---:| ---:| ---:| ---:| ---:| ---:|
| a | 1 | 10 | 0 | 0 | 3 | 0 | 0 | 0 |
| b | 1 | 5 | 0 | 0 | 1 | 1 | 0 | 0 |
| c | 2 | 12 | 1 | 3 | 0 | 3 | 2 | 2 |
| d | 1 | 1 | 0 | 0 | 0 | 0 | 0 | 0 |
| sum | 5 | 28 | 1 | 3 | 4 | 4 | 2 | 2 |
`, "\n")
	if got := strings.ReplaceAll(out.String(), "```", "%%%"); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	m, err := load(smallModule(t))
	if err != nil {
		t.Fatal(err)
	}
	if a := m.find("a"); !a.files[0].selectors["os.Exit"] {
		t.Error("a call of another package was not seen")
	}
}
