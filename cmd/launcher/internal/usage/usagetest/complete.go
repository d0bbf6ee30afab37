package usagetest

import (
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

//go:embed testdata/ask.bash
var askBash string

//go:embed testdata/ask.zsh
var askZsh string

//go:embed testdata/ask.fish
var askFish string

// Shells are those that can be asked.
func Shells() []string { return []string{"bash", "zsh", "fish"} }

// Complete returns what a shell completes at the end of each line, sorted, with the completion that a program's script defines. Only the
// words that are candidates for the word at the end of the line are returned, from bash those behind the last "=" and ":". The shell is
// in a folder with a file, words.txt, and a folder, words.
func Complete(t testing.TB, shell, program, script string, lines []string) (all [][]string) {
	t.Helper()
	dir, here := t.TempDir(), wordsFolder(t)
	script = write(t, dir, "script", script)
	var cmd *exec.Cmd
	switch shell {
	case "bash":
		cmd = exec.Command(find(t, "bash"), append([]string{"--noprofile", "--norc", write(t, dir, "ask", askBash), program, script}, splitForBash(lines)...)...)
	case "zsh":
		cmd = exec.Command(find(t, "zsh"), append([]string{"-f", write(t, dir, "ask", askZsh), program, script, filepath.Join(dir, "found")}, lines...)...)
	case "fish":
		cmd = exec.Command(find(t, "fish"), append([]string{"--no-config", write(t, dir, "ask", askFish), script}, lines...)...)
	default:
		t.Fatalf("there is no shell %s", shell)
	}
	cmd.Dir, cmd.Env = here, environment(dir)
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", shell, err, output)
	}
	var words []string
	for line := range strings.Lines(string(output)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "=" {
			slices.Sort(words)
			all = append(all, slices.Compact(words))
			words = nil
			continue
		}
		word, _, _ := strings.Cut(line, "\t")
		if word = strings.TrimSpace(word); word != "" {
			words = append(words, word)
		}
	}
	if entries, err := os.ReadDir(here); err != nil || len(entries) != 2 {
		t.Errorf("%s has made a file: %v %v", shell, entries, err)
	}
	if len(all) != len(lines) {
		t.Fatalf("%s has completed %d lines of %d: %s", shell, len(all), len(lines), output)
	}
	return all
}

func environment(home string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LC_ALL=C.UTF-8", "TERM=dumb"}
}

func wordsFolder(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "words.txt", "")
	if err := os.Mkdir(filepath.Join(dir, "words"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TypeInBash types lines into a bash at a terminal, tabs in them, and returns the arguments of the program in each, in angle brackets. The
// folder is that of Complete.
func TypeInBash(t testing.TB, program, script string, lines []string) []string {
	t.Helper()
	dir, here := t.TempDir(), wordsFolder(t)
	input := "PS1= PS2=; bind 'set enable-bracketed-paste off'; source " + write(t, dir, "script", script) + "\n" +
		program + "() { printf '%s' 'typed:'; printf '<%s>' \"$@\"; echo; }\n"
	for _, line := range lines {
		input += program + " " + line + "\n"
	}
	cmd := exec.Command(find(t, "script"), "--quiet", "--command", find(t, "bash")+" --noprofile --norc -i", "/dev/null")
	cmd.Dir, cmd.Env, cmd.Stdin = here, environment(dir), strings.NewReader(input+"exit\n")
	output, err := cmd.CombinedOutput()
	var typed []string
	for line := range strings.Lines(string(output)) {
		if _, arguments, found := strings.Cut(strings.TrimSpace(line), "typed:<"); found && !strings.Contains(line, "printf") {
			typed = append(typed, "<"+arguments)
		}
	}
	if err != nil || len(typed) != len(lines) {
		t.Fatalf("%v: %d lines of %d: %s", err, len(typed), len(lines), output)
	}
	return typed
}

func find(t testing.TB, shell string) string {
	t.Helper()
	path, err := exec.LookPath(shell)
	if err != nil {
		t.Fatalf("%s is missing (install it: make test-deps)", shell)
	}
	return path
}

func write(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// bashWord is a word as readline has it, which ends one at "=" and ":".
var bashWord = regexp.MustCompile(`[=:]+|[^=:]+`)

// splitForBash returns each line, the number of its words, and the words.
func splitForBash(lines []string) (all []string) {
	for _, line := range lines {
		var words []string
		for word := range strings.FieldsSeq(line) {
			words = append(words, bashWord.FindAllString(word, -1)...)
		}
		if strings.HasSuffix(line, " ") {
			words = append(words, "")
		}
		all = append(append(all, line, strings.Repeat("x", len(words))), words...)
	}
	return all
}
