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
	operating := slices.Concat(optionsInTables(t, "cmd/launcher/README.md", false), optionsInTables(t, "cmd/launcher/OPERATIONS.md", false))
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

// A launcher's command line as documents have it: a line of code, perhaps in that of a service, or words within
// backquotes.
var (
	commandInCode  = regexp.MustCompile(`^(?:.*(?:-- |/))?launcher((?: [\w./:,-]+)+)(?: >.*)?$`)
	commandInProse = regexp.MustCompile("`launcher((?: [\\w./:,-]+)+)(?: >[^`]*)?`")
	programOutput  = regexp.MustCompile(`^launcher doctor found`)
)

func documentedCommands(text string) (commands []string) {
	code := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "```"):
			code = !code
		case !code:
			for _, match := range commandInProse.FindAllStringSubmatch(line, -1) {
				commands = append(commands, match[1])
			}
		case commandInCode.MatchString(line) && !programOutput.MatchString(line):
			commands = append(commands, commandInCode.FindStringSubmatch(line)[1])
		}
	}
	return commands
}

// TestDocumentedCommandsAreRead: what documents tell a user to type is a command, with options that it has.
func TestDocumentedCommandsAreRead(t *testing.T) {
	t.Parallel()
	app := newApp(os.Stdout, os.Stderr)
	for path, atLeast := range map[string]int{"README.md": 7, "cmd/launcher/README.md": 12, "cmd/launcher/internal/experiment/README.md": 2} {
		text, err := os.ReadFile(filepath.Join("..", "..", "..", "..", path))
		if err != nil {
			t.Fatal(err)
		}
		commands := documentedCommands(string(text))
		if len(commands) < atLeast {
			t.Errorf("%s has only %d commands: %q", path, len(commands), commands)
		}
		for _, command := range commands {
			words := strings.Fields(strings.Replace(command, "NUM", "4", 1))
			if _, err := readCommandLine(app, words); err != nil {
				t.Errorf("%s: launcher%s: %v", path, command, err)
			}
		}
	}
}
