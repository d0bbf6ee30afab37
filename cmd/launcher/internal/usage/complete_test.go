package usage_test

import (
	"cmp"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"launcher/cmd/launcher/internal/usage"
	"launcher/cmd/launcher/internal/usage/usagetest"
)

// odd is a text that shells and formatters would take for something else.
const odd = "it's \"$(touch broken)\" `\\` %s; 'x' [y] {z} ~ ^ . \\fB – \n.so /etc/passwd"

// tool is a program with a little of everything.
func tool() usage.Program {
	root := usage.Option{Names: []string{"root"}, Placeholder: "FOLDER", What: odd, Value: usage.Value{Kind: usage.Folders}}
	format := usage.Option{Names: []string{"format", "f", "old-format"}, Placeholder: "FORMAT", What: "`FORMAT`: " + odd, Default: odd,
		Variables: []string{"TOOL_FORMAT"}, Value: usage.Value{Words: []string{"text", "json", "$(touch broken)"}}}
	parts := usage.Option{Names: []string{"parts"}, Placeholder: "PART", What: "parts", Value: usage.Value{Words: []string{"one", "two"}, List: true}}
	other := usage.Option{Names: []string{"format"}, Placeholder: "FORMAT", What: "another", Value: usage.Value{Words: []string{"short", "long"}}}
	return usage.Program{Name: "tool", Version: "1.2", Made: time.Unix(1e9, 0), Options: []usage.Option{{Names: []string{"help", "h"}, What: "print this"}},
		Files: []usage.File{{Path: ".tool", What: ".so /etc/group " + odd}}, SeeAlso: []string{"bash(1)"},
		Commands: []usage.Command{
			{What: "do " + odd, Usage: "tool [options] NUM\ntool show FILE   show it\n", Text: odd + "\n\nExit status: 0 done.", Options: []usage.Option{root, format, parts,
				{Names: []string{"file"}, Placeholder: "FILE", What: "file", Value: usage.Value{Kind: usage.Files}},
				{Names: []string{"user"}, Placeholder: "USER", What: "user", Value: usage.Value{Kind: usage.Users}},
				{Names: []string{"wait"}, What: "wait"}}, Arguments: usage.Value{Words: []string{"auto"}}},
			{Name: "show", What: odd, Usage: "tool show FILE", Text: odd, Options: []usage.Option{root, other}, Arguments: usage.Value{Kind: usage.Files}},
			{Name: "send", What: "send it", Usage: "tool send unix:PATH", Text: odd, Options: []usage.Option{format}, Arguments: usage.Value{Words: []string{"unix:", "tcp:"}}},
			{Name: "help", What: "help", Usage: "tool help [command]", Arguments: usage.Value{Kind: usage.Commands}},
		}}
}

func scripts(p usage.Program) map[string]string {
	return map[string]string{"bash": p.Bash(), "zsh": p.Zsh(), "fish": p.Fish()}
}

// TestShellsComplete has each shell complete the same lines.
func TestShellsComplete(t *testing.T) {
	t.Parallel()
	tests := []struct {
		line string
		want string
		only string // of these shells
	}{
		{"tool ", "auto help send show", ""},
		{"tool s", "send show", ""},
		{"tool sh", "show", ""},
		{"tool help s", "send show", ""},
		{"tool show --", "--format --help --root", ""},
		{"tool --wait --format json s", "send show", ""},
		{"tool --format ", "json text", ""},
		{"tool --old-format ", "json text", "bash zsh"}, // which fish does not know
		{"tool --file w", "words words.txt", "zsh"},     // bash leaves files to readline: TestBashAtATerminal
		{"tool --file w", "words.txt words/", "fish"},
		{"tool --root ", "words", "zsh"},
		{"tool --root w", "words/", "fish"},
		{"tool show w", "words words.txt", "zsh"},
		{"tool show w", "words.txt words/", "fish"},
		{"tool -f j", "json", ""},
		{"tool --format=j", "json", ""},
		{"tool show --format ", "long short", ""},
		{"tool --format long show --format s", "short", ""},
		{"tool send --format t", "text", ""},
		{"tool --parts t", "two", ""},
		{"tool --parts two,", "two,one two,two", ""},
		{"tool --parts=two,o", "two,one", ""},
		{"tool --root show --wait s", "send show", ""}, // the folder show
		{"tool 4 s", "", ""},
		{"tool -4 s", "", ""},
		{"tool -- s", "", ""},
		{"tool send u", "unix:", ""},
		{"tool --user roo", "root", ""},
	}
	lines := make([]string, len(tests))
	for i, test := range tests {
		lines[i] = test.line
	}
	for shell, script := range scripts(tool()) {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			for i, got := range usagetest.Complete(t, shell, "tool", script, lines) {
				// fish returns the whole word, and what is only like it where nothing else is; zsh what follows the last comma.
				for j, word := range got {
					got[j] = strings.TrimPrefix(word, "--format=")
					got[j] = strings.TrimPrefix(got[j], "--parts=")
				}
				want := strings.Fields(tests[i].want)
				if shell == "zsh" {
					for j, word := range want {
						want[j] = word[strings.LastIndexByte(word, ',')+1:]
					}
				}
				if !slices.Equal(got, want) && strings.Contains(cmp.Or(tests[i].only, shell), shell) {
					t.Errorf("%q: %q, not %q", lines[i], got, want)
				}
			}
		})
	}
}

// TestBashAtATerminal types into a real one, whose readline ends words at "=" and ":".
func TestBashAtATerminal(t *testing.T) {
	t.Parallel()
	lines, want := []string{}, []string{}
	for typed, arguments := range map[string]string{
		"sh\twords.\t":          "<show><words.txt>",
		"--format=j\t":          "<--format=json>",
		"--root word\t":         "<--root><words/>",
		"--root=word\tshow w\t": "<--root=words/show><w>", // readline waits for more of a folder
		"--file=words.\tsh\t":   "<--file=words.txt><show>",
		"send u\tpath":          "<send><unix:path>",
		"--parts two,o\tsh\t":   "<--parts><two,one><show>",
	} {
		lines, want = append(lines, typed), append(want, arguments)
	}
	for i, got := range usagetest.TypeInBash(t, "tool", tool().Bash(), lines) {
		if got != want[i] {
			t.Errorf("%q: %s, not %s", lines[i], got, want[i])
		}
	}
}

// overprinted is a letter that another one follows in its place: bold and italic ones are.
var overprinted = regexp.MustCompile(".\b")

// TestManual: no formatter has anything to say of the page, and its words are those of the program.
func TestManual(t *testing.T) {
	t.Parallel()
	page := tool().Manual()
	usagetest.Lint(t, page)
	mandoc := exec.Command("mandoc", "-T", "utf8", "-O", "width=200")
	mandoc.Stdin = strings.NewReader(page)
	output, err := mandoc.Output()
	if err != nil {
		t.Fatal(err)
	}
	text := overprinted.ReplaceAllString(string(output), "")
	text = strings.Join(strings.Fields(text), " ")
	for _, words := range []string{".so /etc/group it", strings.Join(strings.Fields(odd), " "), "tool show FILE", "-f", "Also takes, as above: --root.", "EXIT STATUS 0 done.", "TOOL_FORMAT", "bash(1)", "2001-09-09"} {
		if !strings.Contains(text, words) {
			t.Errorf("%q is missing in\n%s", words, text)
		}
	}
	if strings.Contains(text, "old-format") {
		t.Error("a name of former times is told")
	}
}
