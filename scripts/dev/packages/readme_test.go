package main

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the graph into preforker/README.md")

// The graph in the document of the architecture is what the command draws.
func TestGraphInReadme(t *testing.T) {
	const name, begin, end = "../../../preforker/README.md", "```mermaid\n", "```\n"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	drawn, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatal("preforker/README.md has no graph")
	}
	graph := thisModule(t).graph()
	if drawn == graph {
		return
	}
	if !*update {
		t.Fatalf("preforker/README.md has another graph (make packages UPDATE=1 writes it):\n%s\nthe packages are:\n%s", drawn, graph)
	}
	if err := os.WriteFile(name, []byte(before+begin+graph+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
