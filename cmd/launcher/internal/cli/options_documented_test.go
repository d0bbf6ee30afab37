//go:build linux

package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var optionInTable = regexp.MustCompile("`--([a-z-]+)")

// optionsInTables are those in the first column of a document's tables, or in any.
func optionsInTables(t *testing.T, path string, anyColumn bool) (names []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "..", path))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		row, is := strings.CutPrefix(line, "| ")
		if !is {
			continue
		}
		if !anyColumn {
			row, _, _ = strings.Cut(row, " | ")
		}
		for _, match := range optionInTable.FindAllStringSubmatch(row, -1) {
			names = append(names, match[1])
		}
	}
	return names
}

// TestOptionsAreDocumented: each option has a row in the page beside its code, the README has those of
// the main job by topic, and neither names one that is not there.
func TestOptionsAreDocumented(t *testing.T) {
	t.Parallel()
	operating := optionsInTables(t, "cmd/launcher/README.md", false)
	measuring := optionsInTables(t, "cmd/launcher/internal/experiment/README.md", false)
	topics := optionsInTables(t, "README.md", true)
	var all []string
	for _, command := range newApp(os.Stdout, os.Stderr).Commands {
		for _, flag := range command.Flags {
			name := flag.Names()[0]
			all = append(all, name)
			if name == "json" { // told in a sentence
				continue
			}
			if !slices.Contains(operating, name) && (command.Name != "experiment" || !slices.Contains(measuring, name)) {
				t.Errorf("%s --%s has no row", command.Name, name)
			}
			if command.Name == runName && !slices.Contains(topics, name) {
				t.Errorf("README.md has no topic for --%s", name)
			}
		}
	}
	for _, name := range slices.Concat(operating, measuring, topics) {
		if !slices.Contains(all, name) {
			t.Errorf("a document names --%s, which is no option", name)
		}
	}
}
