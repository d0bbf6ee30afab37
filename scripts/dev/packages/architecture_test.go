package main

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the graph into the architecture")

// The graph stands between these lines.
const (
	architecture = "../../../preforker/README.md"
	graphBegins  = "<!-- drawn by make packages -->\n"
	graphEnds    = "<!-- end of what is drawn -->\n"
)

// TestArchitectureHasTheGraph: "go test ./scripts/dev/packages -update" draws it anew.
func TestArchitectureHasTheGraph(t *testing.T) {
	text, err := os.ReadFile(architecture)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(text), graphBegins)
	drawn, after, ends := strings.Cut(rest, graphEnds)
	if !begins || !ends {
		t.Fatalf("%s has no place for the graph", architecture)
	}
	want := "```mermaid\n" + thisModule(t).graph() + "```\n"
	switch {
	case drawn == want:
	case *update:
		if err := os.WriteFile(architecture, []byte(before+graphBegins+want+graphEnds+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s does not show which package imports which: go test ./scripts/dev/packages -update", architecture)
	}
}
