//go:build linux

package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

const (
	documentWidth = 100 // columns of a line that can be broken
	readmeLines   = 130
)

// sourceRoot is the folder of go.mod.
func sourceRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above this folder")
		}
		dir = filepath.Dir(dir)
	}
}

// document is a file of Markdown that somebody has written: reports of experiments are made.
type document struct {
	path string // below the root
	text string
}

func documents(t *testing.T) (root string, all []document) {
	t.Helper()
	root = sourceRoot(t)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		switch {
		case entry.IsDir() && (name == ".git" || strings.HasSuffix(name, "-report") || name == "experiments" || name == "testdata" && filepath.Dir(path) != root):
			return filepath.SkipDir
		case entry.IsDir() || filepath.Ext(name) != ".md":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		below, err := filepath.Rel(root, path)
		all = append(all, document{below, string(text)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return root, all
}

// prose is the lines outside of code, with their numbers.
func (d document) prose() map[int]string {
	lines, code, number := map[int]string{}, false, 0
	for line := range strings.Lines(d.text) {
		number++
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			code = !code
		} else if !code {
			lines[number] = line
		}
	}
	return lines
}

var (
	link        = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	markup      = regexp.MustCompile("[`*]|\\[([^]]*)\\]\\([^)]*\\)")
	unbreakable = regexp.MustCompile(`^\s*(\||#|!\[)`)
)

// anchors are the names that a forge gives to a document's headings.
func anchors(d document) map[string]bool {
	names := map[string]bool{}
	for _, line := range d.prose() {
		heading, is := strings.CutPrefix(strings.TrimLeft(line, "#"), " ")
		if !is || !strings.HasPrefix(line, "#") {
			continue
		}
		heading = strings.ToLower(markup.ReplaceAllString(heading, "$1"))
		names[strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return r
			default:
				return -1
			}
		}, heading)] = true
	}
	return names
}

// TestDocumentsLinkToWhatIsThere: the file, and the heading in it.
func TestDocumentsLinkToWhatIsThere(t *testing.T) {
	t.Parallel()
	root, all := documents(t)
	headings := map[string]map[string]bool{}
	for _, d := range all {
		headings[d.path] = anchors(d)
	}
	if len(all) < 5 {
		t.Fatalf("only %d documents", len(all))
	}
	for _, d := range all {
		for number, line := range d.prose() {
			for _, match := range link.FindAllStringSubmatch(line, -1) {
				target, anchor, _ := strings.Cut(match[1], "#")
				if strings.Contains(target, "://") {
					continue
				}
				path := d.path
				if target != "" {
					path = filepath.Join(filepath.Dir(d.path), target)
				}
				if _, err := os.Stat(filepath.Join(root, path)); err != nil {
					t.Errorf("%s:%d: there is no %s", d.path, number, target)
				} else if anchor != "" && !headings[path][anchor] {
					t.Errorf("%s:%d: %s has no heading #%s", d.path, number, path, anchor)
				}
			}
		}
	}
}

// TestDocumentsWrap: whoever reads one in an editor sees its lines whole, but for those of tables.
func TestDocumentsWrap(t *testing.T) {
	t.Parallel()
	_, all := documents(t)
	for _, d := range all {
		for number, line := range d.prose() {
			broken := strings.Contains(strings.TrimSpace(line), " ") && !unbreakable.MatchString(line)
			if columns := utf8.RuneCountInString(line); columns > documentWidth && broken {
				t.Errorf("%s:%d has %d columns", d.path, number, columns)
			}
		}
	}
}

// fileName is the name of a source file in backquotes, perhaps with its folder.
var fileName = regexp.MustCompile("`([\\w./-]+\\.(?:go|rb))`")

// TestDocumentsNameFilesThatAreThere: by a path below the root or the document's folder, or by the end of a path.
func TestDocumentsNameFilesThatAreThere(t *testing.T) {
	t.Parallel()
	root, all := documents(t)
	var files strings.Builder
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && entry.Name() == ".git" {
			return filepath.SkipDir
		}
		files.WriteString(path + "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if filepath.Base(d.path) == "CHANGELOG.md" { // which tells of what was
			continue
		}
		for number, line := range d.prose() {
			for _, match := range fileName.FindAllStringSubmatch(line, -1) {
				if strings.HasPrefix(match[1], "config/") { // an application's
					continue
				}
				if !strings.Contains(files.String(), "/"+match[1]+"\n") {
					t.Errorf("%s:%d: there is no %s", d.path, number, match[1])
				}
			}
		}
	}
}

// TestArchitectureNamesWhatIsThere: where the architecture names functions behind a file ("`file.go`: `name`"), they are
// in that file.
func TestArchitectureNamesWhatIsThere(t *testing.T) {
	t.Parallel()
	root := sourceRoot(t)
	text, err := os.ReadFile(filepath.Join(root, "preforker", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Where to find what\n")
	section, _, _ = strings.Cut(section, "\n## ")
	named := 0
	for line := range strings.Lines(section) {
		if !strings.HasPrefix(line, "| ") {
			continue
		}
		file, source := "", ""
		spans := strings.Split(line, "`") // every second one is within backquotes
		for i := 1; i < len(spans); i += 2 {
			switch span := spans[i]; {
			case filepath.Ext(span) == ".go" || filepath.Ext(span) == ".rb":
				file = ""
				if i+1 < len(spans) && strings.HasPrefix(spans[i+1], ":") {
					file, source = span, sourceOf(t, root, span)
				}
			case file != "" && identifier.MatchString(span):
				named++
				if !regexp.MustCompile(`(?m)^\s*(?:func (?:\(.*?\) )?|def (?:self\.)?)` + span + `\b`).MatchString(source) {
					t.Errorf("%s has no %s", file, span)
				}
			}
		}
	}
	if named < 10 {
		t.Errorf("only %d functions are named", named)
	}
}

var identifier = regexp.MustCompile(`^\w+$`)

// sourceOf reads a file by its path below the folder of the supervisor, or below the root.
func sourceOf(t *testing.T, root, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "preforker", path))
	if err != nil {
		text, err = os.ReadFile(filepath.Join(root, path))
	}
	if err != nil {
		t.Errorf("the architecture names a file: %v", err)
	}
	return string(text)
}

// otherWords are those for which the field, or this project, has one of its own.
var otherWords = regexp.MustCompile(`(?i)\b(?:births?|born|unborn|(?:dies?|dying|died) young)\b|\blevers?\b`)

// TestDocumentsUseOneWord: refork, optimization and early death, as the code and the log have them.
func TestDocumentsUseOneWord(t *testing.T) {
	t.Parallel()
	_, all := documents(t)
	for _, d := range all {
		for number, line := range d.prose() {
			if word := otherWords.FindString(line); word != "" {
				t.Errorf("%s:%d: %s", d.path, number, word)
			}
		}
	}
}

// TestReadmeIsShort: what it is, how to install and run it, and where to read on.
func TestReadmeIsShort(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(sourceRoot(t), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(text, []byte("\n")); lines > readmeLines {
		t.Errorf("%d lines", lines)
	}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		if columns := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); columns > documentWidth {
			t.Errorf("line %d has %d columns", number, columns)
		}
	}
	if command, table := bytes.Index(text, []byte("\nlauncher 4\n")), bytes.Index(text, []byte("---:|")); command < 0 || table >= 0 && table < command {
		t.Error("figures before the first command")
	}
}
