//go:build linux

package cli

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/text"
)

// wordsWithAnother are those for which the log, the documents and the code have another one.
var wordsWithAnother = regexp.MustCompile(`(?i)\b(?:births?|born|levers?|promised?)\b`)

// TestHelpBreaksBetweenWords: no line is wider than the terminal, and no word is lost or broken.
func TestHelpBreaksBetweenWords(t *testing.T) {
	t.Parallel()
	app := newApp(os.Stdout, os.Stderr)
	for _, command := range app.Commands {
		var words []string
		for _, width := range []int{120, 80, 60, 40} {
			var out strings.Builder
			if err := printHelp(&out, app, command, width); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(out.String()) {
				if columns := text.StringWidthWithoutEscSequences(strings.TrimSuffix(line, "\n")); columns > width && len(strings.Fields(line)) > 1 {
					t.Errorf("%s: %d columns in a terminal of %d: %q", command.Name, columns, width, line)
				}
			}
			found := strings.Fields(out.String())
			if words == nil {
				words = found
			}
			if strings.Join(found, " ") != strings.Join(words, " ") {
				t.Errorf("%s: other words at %d columns than at 120", command.Name, width)
			}
		}
		if word := wordsWithAnother.FindString(strings.Join(words, " ")); word != "" {
			t.Errorf("%s: %q, for which there is a word", command.Name, word)
		}
		for _, flag := range command.Flags {
			if !strings.Contains(strings.Join(words, " "), " --"+flag.Names()[0]) {
				t.Errorf("%s: no word of --%s", command.Name, flag.Names()[0])
			}
		}
	}
}

// TestHelpNamesEachCommand: each has a line of the usage, whose parts the help takes apart by three spaces, and each option that takes
// a value has a name for that.
func TestHelpNamesEachCommand(t *testing.T) {
	t.Parallel()
	app := newApp(os.Stdout, os.Stderr)
	for _, command := range app.Commands {
		name := strings.TrimSpace("launcher " + strings.TrimPrefix(command.Name, runName))
		listed := slices.ContainsFunc(strings.Split(app.Commands[0].UsageText, "\n"), func(line string) bool {
			usage, what, _ := strings.Cut(line, "   ")
			return strings.HasPrefix(usage+" ", name+" ") && strings.TrimSpace(what) != "" && !strings.Contains(usage, "  ")
		})
		if !listed {
			t.Errorf("%s is not among the commands", name)
		}
		for _, flag := range command.Flags {
			if option, _ := optionHelp(flag); strings.Contains(option, " VALUE") || strings.Contains(option, " value") {
				t.Errorf("%s: %s", name, option)
			}
		}
	}
}

func TestWidthOfHelp(t *testing.T) {
	t.Parallel()
	file, err := os.CreateTemp(t.TempDir(), "no-terminal")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for columns, want := range map[string]int{"": 80, "wide": 80, "100": 100, "0": 80, "-3": 80, "5": 40, "1000": 120} {
		if got := widthOfHelp(file, columns); got != want {
			t.Errorf("COLUMNS=%s: %d", columns, got)
		}
	}
}
