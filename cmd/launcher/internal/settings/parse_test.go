package settings

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// describe writes what a file says on lines.
func describe(f *File) string {
	var out strings.Builder
	for _, setting := range f.Settings {
		fmt.Fprintf(&out, "%d:%d %s", setting.At.Line, setting.At.Column, setting.Name)
		if setting.List {
			out.WriteString(" list")
		}
		for _, value := range setting.Values {
			fmt.Fprintf(&out, " %d:%d %s %q", value.At.Line, value.At.Column, []string{"text", "number", "bool", "null", "section"}[value.Kind], value.Text)
		}
		out.WriteString("\n")
	}
	return out.String()
}

func TestFiles(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "",
		"# nothing\n\n":                "",
		"---\n":                        "",
		"%YAML 1.1\n---\na: 1\n":       "3:1 a 3:4 number \"1\"\n",
		"a: \tb\t\nc: \"d\te\"":        "1:1 a 1:4 text \"b\"\n2:1 c 2:4 text \"d\\te\"\n",
		"workers: 4\n":                 "1:1 workers 1:10 number \"4\"\n",
		"workers: 4\r\nmin: 2\r\n":     "1:1 workers 1:10 number \"4\"\n2:1 min 2:6 number \"2\"\n",
		"\ufeffworkers: 4":             "1:1 workers 1:10 number \"4\"\n",
		"---\n# c\nworkers: 4 # d\n":   "3:1 workers 3:10 number \"4\"\n",
		"a: 0660\nb: 0x10\nc: 1_000":   "1:1 a 1:4 number \"0660\"\n2:1 b 2:4 number \"0x10\"\n3:1 c 3:4 number \"1_000\"\n",
		"a: off\nb: true\nc: 30s":      "1:1 a 1:4 text \"off\"\n2:1 b 2:4 bool \"true\"\n3:1 c 3:4 text \"30s\"\n",
		"a: \"x # y\"\nb: 'it''s'":     "1:1 a 1:4 text \"x # y\"\n2:1 b 2:4 text \"it's\"\n",
		"a: [x, 'y, z', 3]":            "1:1 a list 1:5 text \"x\" 1:8 text \"y, z\" 1:16 number \"3\"\n",
		"a:\n  - x:1\n  - /y\nb: [ ]":  "1:1 a list 2:5 text \"x:1\" 3:5 text \"/y\"\n4:1 b list\n",
		"a:\n- x\n- y":                 "1:1 a list 2:3 text \"x\" 3:3 text \"y\"\n",
		"a:\nb: ~\nc: null\nd: ''":     "1:1 a 1:3 null \"\"\n2:1 b 2:4 null \"\"\n3:1 c 3:4 null \"\"\n4:1 d 4:4 text \"\"\n",
		"h: |\n  A: b\n  C: d\n":       "1:1 h 1:4 text \"A: b\\nC: d\"\n",
		"production:\n  workers: 4":    "1:1 production 2:3 section \"\"\n",
		"a: 127.0.0.1:3000\nb: :3000":  "1:1 a 1:4 text \"127.0.0.1:3000\"\n2:1 b 2:4 text \":3000\"\n",
		"{workers: 4, http: [a, b]}\n": "1:2 workers 1:11 number \"4\"\n1:14 http list 1:21 text \"a\" 1:24 text \"b\"\n",
		"größe: 4\nb: ö: \n":           "problem",
	} {
		f, err := Parse("launcher.yml", []byte(text))
		if want == "problem" {
			if err == nil {
				t.Errorf("%q: no problem, but %s", text, describe(f))
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if got := describe(f); got != want {
			t.Errorf("%q:\n%swant\n%s", text, got, want)
		}
	}
}

// TestProblems: each has its place, and all of a file are told.
func TestProblems(t *testing.T) {
	for text, want := range map[string][]string{
		"a: 1\na: 2\nb: 3\n\nb: 4":         {"f:2:1: a is there twice, first in line 1", "f:5:1: b is there twice, first in line 3"},
		"a: &x 1\nb: *x":                   {"f:1:4: a: an anchor (&) is not read", "f:2:4: b: an alias (*) is not read"},
		"<<: {a: 1}":                       {"f:1:1: a merge (<<) is no name of an option"},
		"a: !!str 1":                       {"f:1:4: a: a tag (!) is not read"},
		"- a":                              {"f:1:1: the file has a list, not names of options and their values"},
		"workers":                          {"f:1:1: the file has a text, not names of options and their values"},
		"4: 5":                             {"f:1:1: a number is no name of an option"},
		"a: 1\n---\nb: 2":                  {"f:3:1: a second document begins here"},
		"%YAML 1.2\n---\na: 1\n---\nb: 2":  {"f:5:1: a second document begins here"},
		"%YAML 1.2\na: 1":                  {"f:1:1: the line of a directive (%) needs --- in a line below it"},
		"a: 1\nb: c\td":                    {"f:2:4: b: there is a tab in the text"},
		"a: [b, c\td]":                     {"f:1:8: a: there is a tab in the text"},
		"a: 1\n\tb: 2":                     {"f:2:1: this is not YAML: "},
		"a: @x":                            {"f:1:4: this is not YAML: '@' is a reserved character"},
		"a: 1\nb: \"x":                     {"f:2:4: this is not YAML: "},
		"a: [1, 2":                         {"f:1:4: this is not YAML: "},
		"a: <%= 4 %>":                      {"f:1:4: a: ERB is not evaluated here"},
		"a: [b, [c]]":                      {"f:1:8: a: a list is no value"},
		"a: [b, {c: d}]":                   {"f:1:8: a: a list has values, not names with values"},
		"a: 1\nb: x\xff":                   {"f:2:5: this is not UTF-8"},
		"\xff\xfea\x00:\x00":               {"f:1:1: this is not UTF-8"},
		"a: x\x00":                         {"f:1:5: there is the control character U+0000"},
		"a: \"\\0\"":                       {"f:1:4: a: the value has a control character"},
		"a: " + strings.Repeat("[", 40000): {"f:1:20: this is nested deeper than options are"},
		"a: " + strings.Repeat("{", 40000): {"f:1:20: this is nested deeper than options are"},
		strings.Repeat("- ", 30000):        {"f:1:1: this is nested deeper than options are"},
		strings.Repeat("? ", 30000):        {"f:1:1: this is nested deeper than options are"},
	} {
		_, err := Parse("f", []byte(text))
		var problems Problems
		if !errors.As(err, &problems) {
			t.Errorf("%.80q: %v", text, err)
			continue
		}
		if len(problems) != len(want) {
			t.Errorf("%.80q: %q, want %q", text, problems, want)
			continue
		}
		for i, problem := range problems {
			if !strings.HasPrefix(problem.Error(), want[i]) || problem.Try == "" {
				t.Errorf("%.80q: %q (%q), want %q", text, problem.Error(), problem.Try, want[i])
			}
		}
	}
}

// TestExcerpt: the mark stands below the place, also in a long line and behind tabs and wide letters.
func TestExcerpt(t *testing.T) {
	f := &File{Path: "f", lines: []string{"workers: x", "ö:\tx\r", strings.Repeat("a", 400) + "bc"}}
	for want, at := range map[string]Place{
		"    1 | workers: x\n      |          ^\n":                                              {1, 10},
		"    2 | ö: x\n      |    ^\n":                                                          {2, 4},
		"    3 | " + strings.Repeat("a", 80) + "bc\n      | " + strings.Repeat(" ", 80) + "^\n": {3, 401},
		"    9 | \n      | ^\n":                                                                 {9, 7},
	} {
		if got := f.Problem(at, "", "").Excerpt(); got != want {
			t.Errorf("%v:\n%swant\n%s", at, got, want)
		}
	}
}

func TestChanges(t *testing.T) {
	parse := func(text string) *File {
		f, err := Parse("f", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	before := parse("workers: 4\nhttp: [a, b]\nmin: 2\n")
	for text, want := range map[string]string{
		"# other\nmin: 2\nworkers: 4\nhttp:\n- a\n- b\n": "[]",
		"workers: 5\nhttp: [a, b]\nspare: 1\n":           "[min spare workers]",
		"workers: '4'\nhttp: [b, a]\nmin: 2\n":           "[http workers]",
		"":                                               "[http min workers]",
	} {
		if got := fmt.Sprint(Changes(before, parse(text))); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	if got := fmt.Sprint(Changes(nil, before), Changes(before, nil), Changes(nil, nil)); got != "[http min workers] [http min workers] []" {
		t.Error(got)
	}
}

// FuzzParse: whatever a file has, it is read or refused with a place in it.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"workers: 4\nhttp: [a, b]\n", "a: &x [*x]\n", "? a\n: b\n", "a: |\n  b\n", "a: \"\\x41\n b\"", "%YAML 1.2\n---\na: 1\n...\n",
		"a: 1\n\tb: 2", "- - - a", "{a: {b: [c]}}", "<<: *a", "a: !!binary x", "'a': 'b''c'", "a: >-\n\n x\n  y\n", "a:  # c\n  - b # d\n", "a: b: c", "\ufeffa: 1"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > MaxSize {
			return
		}
		file, err := Parse("f", text)
		if err == nil {
			for _, setting := range file.Settings {
				if setting.Name == "" && setting.At == (Place{}) || !setting.List && len(setting.Values) != 1 {
					t.Errorf("%+v", setting)
				}
			}
			return
		}
		var problems Problems
		if !errors.As(err, &problems) || len(problems) == 0 {
			t.Fatalf("%v", err)
		}
		for _, p := range problems {
			if p.At.Line < 1 || p.At.Column < 0 || strings.Count(p.Excerpt(), "\n") != 2 || strings.Contains(p.Text, "cannot be read as YAML") {
				t.Errorf("%+v\n%q", p, p.Excerpt())
			}
		}
	})
}
