package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/text"

	"launcher/cmd/launcher/internal/experiment"
)

var update = flag.Bool("update", false, "write the golden files anew")

func checkGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what it was (go test -update writes it anew); got:\n%s", name, got)
	}
}

func write(t *testing.T, results *experiment.Results) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "new", "folder")
	if err := Write(dir, results); err != nil {
		t.Fatal(err)
	}
	return dir
}

func content(t *testing.T, dir, name string) []byte {
	t.Helper()
	read, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func printed(t *testing.T, results *experiment.Results, width int) string {
	t.Helper()
	// In some languages a "±" is two columns wide.
	text.OverrideRuneWidthEastAsianWidth(false)
	var out bytes.Buffer
	if err := Print(&out, results, width); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestGoldens(t *testing.T) {
	for name, results := range map[string]*experiment.Results{"full": full(), "minimal": minimal(), "empty": {}} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, results)
			for _, file := range []string{"report.md", "report.html", "graph.svg", "graph-time.svg"} {
				checkGolden(t, name+"-"+file, content(t, dir, file))
			}
			checkGolden(t, name+"-summary.md", []byte(Summary(results)))
			checkGolden(t, name+"-terminal.txt", []byte(printed(t, results, 120)))
			checkGolden(t, name+"-terminal-narrow.txt", []byte(printed(t, results, 40)))
			if name == "minimal" {
				checkGolden(t, name+"-samples.csv", content(t, dir, "samples.csv"))
				checkGolden(t, name+"-results.json", content(t, dir, "results.json"))
			}
		})
	}
}

func TestSameResultsGiveTheSameBytes(t *testing.T) {
	first, second := write(t, full()), write(t, full())
	entries, err := os.ReadDir(first)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
		if !bytes.Equal(content(t, first, entry.Name()), content(t, second, entry.Name())) {
			t.Errorf("%s differs", entry.Name())
		}
	}
	want := []string{"graph-time.png", "graph-time.svg", "graph.png", "graph.svg", "report.html", "report.md", "results.json", "samples.csv", "summary.md"}
	if !reflect.DeepEqual(names, want) {
		t.Errorf("the folder has %v, want %v", names, want)
	}
}

func TestRoundTrip(t *testing.T) {
	for name, results := range map[string]*experiment.Results{"full": full(), "minimal": minimal()} {
		written, err := resultsJSON(results)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), ResultsFile)
		if err := os.WriteFile(path, written, 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, results) {
			t.Errorf("%s: results.json does not give back what was written", name)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"later format": `{"format": 99}`,
		"no format":    `{}`,
		"half a file":  `{"format": 1, "runs": [`,
	} {
		path := filepath.Join(dir, "results.json")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := Read(filepath.Join(dir, "none.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// Every beginning of an experiment is written while it runs.
func TestEveryPartOfResultsCanBeWritten(t *testing.T) {
	all := full()
	for done := 0; done <= len(all.Runs); done += 14 {
		results := full()
		results.Runs = results.Runs[:done]
		dir := write(t, results)
		checkFiles(t, dir)
		printed(t, results, 0)
		Summary(results)
	}
}

func TestOddResultsCanBeWritten(t *testing.T) {
	onlyFailed := minimal()
	onlyFailed.Runs[0].Error = "did not start"
	silent := minimal()
	silent.Runs[0].Peak.PSS = 0
	noServed := minimal()
	noServed.Runs[0].Traffic = experiment.Traffic{}
	sameNumber := full()
	for i := range sameNumber.Runs {
		sameNumber.Runs[i].Processes = 4
	}
	apart := full()
	apart.Runs = []experiment.Run{apart.Runs[0], madeRun(madeMethods()[1], 1, 2)}
	unknown := full()
	for i := range unknown.Runs {
		unknown.Runs[i].Method += "-next"
	}
	long := minimal()
	for i := range 20000 {
		long.Runs[0].Samples = append(long.Runs[0].Samples, madeSample(float64(i)/10, experiment.PhaseLoad, 70+float64(i%50), 1))
	}
	for name, results := range map[string]*experiment.Results{"only failed": onlyFailed, "no memory": silent, "no traffic": noServed,
		"one number, many runs": sameNumber, "no number shared": apart, "unknown methods": unknown, "long": long, "hostile": hostile()} {
		t.Run(name, func(t *testing.T) {
			checkFiles(t, write(t, results))
			printed(t, results, 100)
			Summary(results)
		})
	}
}

func checkFiles(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"graph.svg", "graph-time.svg"} {
		if err := wellFormed(content(t, dir, name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"graph.png", "graph-time.png"} {
		if _, err := png.Decode(bytes.NewReader(content(t, dir, name))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	rows, err := csv.NewReader(bytes.NewReader(content(t, dir, "samples.csv"))).ReadAll()
	if err != nil || len(rows[0]) != 12 {
		t.Errorf("samples.csv: %v, %v", rows[0], err)
	}
	if !json.Valid(content(t, dir, "results.json")) {
		t.Error("results.json is not JSON")
	}
	for _, name := range []string{"report.html", "report.md", "graph.svg"} {
		if text := string(content(t, dir, name)); strings.Contains(text, "NaN") || strings.Contains(text, "Inf ") || strings.Contains(text, "-0 ") {
			t.Errorf("%s has a figure that is none", name)
		}
	}
}

func wellFormed(document []byte) error {
	decoder := xml.NewDecoder(bytes.NewReader(document))
	for {
		if _, err := decoder.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func TestHostileTextsStayTexts(t *testing.T) {
	dir := write(t, hostile())
	page := string(content(t, dir, "report.html"))
	for _, bad := range []string{"<script", "\x1b", "\x00", "ZgotmplZ", "\u202e"} {
		if strings.Contains(page, bad) {
			t.Errorf("report.html has %q", bad)
		}
	}
	if !strings.Contains(page, "a&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;") {
		t.Error("report.html does not have the text escaped once")
	}
	if strings.Contains(page, "$x$ :var(") || !strings.Contains(page, "$x$ :#0072B2 ]]&gt;") {
		t.Error("a text that looks like a colour became a variable")
	}
	markdown := string(content(t, dir, "report.md"))
	markdown, _, _ = strings.Cut(markdown, "````") // commands are as they are
	if strings.Contains(markdown, "<script") || strings.Contains(markdown, "[x](y)") {
		t.Error("report.md has the texts unescaped")
	}
	terminal := printed(t, hostile(), 100)
	for _, char := range terminal {
		if char != '\n' && !unicode.IsGraphic(char) {
			t.Errorf("the terminal gets %U", char)
		}
	}
	rows, err := csv.NewReader(bytes.NewReader(content(t, dir, "samples.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, row := range rows {
		found = found || strings.Contains(row[0], "\x1b[31m")
	}
	if !found {
		t.Error("samples.csv does not have the name as it was")
	}
}

// A cell with a bar and a line break must not become two.
func TestMarkdownTablesHaveTheirColumns(t *testing.T) {
	bars := 0
	for _, line := range strings.Split(string(newDocument(hostile()).markdown()), "\n") {
		if !strings.HasPrefix(line, "|") {
			bars = 0
			continue
		}
		got := strings.Count(line, "|") - strings.Count(line, `\|`)
		if bars > 0 && got != bars {
			t.Errorf("%d bars and not %d in %q", got, bars, line)
		}
		bars = got
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"  a\r\n\tb  ":           "a b",
		"\x1b[31mred":            "[31mred",
		"\xff":                   "\uFFFD",
		"a\uFFFFb":               "a b",
		"Ærøskøbing 日本":          "Ærøskøbing 日本",
		strings.Repeat("x", 401): strings.Repeat("x", 400) + "…",
		strings.Repeat("x", 400): strings.Repeat("x", 400),
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a\n\x1b[0m\xff")
	f.Fuzz(func(t *testing.T, text string) {
		got := clean(text)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > textLimit+2 || clean(got) != got && utf8.RuneCountInString(got) < textLimit {
			t.Errorf("clean(%q) = %q", text, got)
		}
		if err := wellFormed([]byte("<a>" + strings.NewReplacer("<", "", "&", "").Replace(got) + "</a>")); err != nil {
			t.Errorf("clean(%q) = %q: %v", text, got, err)
		}
	})
}

func TestFigures(t *testing.T) {
	for _, example := range []struct{ got, want string }{
		{figure(0), "0"}, {figure(-0.01), "0.0"}, {figure(9.94), "9.9"}, {figure(9.96), "10"}, {figure(1426.4), "1426"},
		{figure(-12.6), "-13"}, {figure(math.NaN()), none}, {figure(math.Inf(1)), none},
		{megabytes(171 * megabyte), "171"}, {grownMB(10*megabyte, 30*megabyte), none}, {grownMB(30*megabyte, 10*megabyte), "20"},
		{percent(47, 186), "25 %"}, {percent(1, 0), none}, {articleSaving(), "75 %"},
		{times(1.31, 0.13), "10.1 ×"}, {times(1, -1), none},
		{count(1, "process", "processes"), "1 process"}, {count(2, "process", "processes"), "2 processes"},
		{commandLine([]string{"a", "", "it's", "x y", "--n=1,2"}), `a '' 'it'\''s' 'x y' --n=1,2`},
	} {
		if example.got != example.want {
			t.Errorf("got %q, want %q", example.got, example.want)
		}
	}
}

// ofTwo has runs of two processes alone, on a machine that gave memory back meanwhile.
func ofTwo() *experiment.Results {
	results := minimal()
	results.Methods, results.Processes = []experiment.Method{"direct", "smart"}, []int{2}
	results.Runs = []experiment.Run{madeRun(madeMethods()[0], 0, 2), madeRun(madeMethods()[1], 1, 2)}
	for i := range results.Runs {
		results.Runs[i].Before.FreeUsed = 64 << 30
	}
	return results
}

// TestNothingStandsWhereItDoesNotBelong: figures of ten processes in a table of two, a line through one point, memory
// that was used less than not at all.
func TestNothingStandsWhereItDoesNotBelong(t *testing.T) {
	f := newFigures(ofTwo())
	for _, row := range memorySection(f).tables[0].rows {
		if strings.HasPrefix(row[0], "2007") {
			t.Errorf("among two processes: %q", row)
		}
	}
	if notes := strings.Join(memorySection(f).notes, " "); !strings.Contains(notes, "2007: 10 Rails processes took 186 MB one by one and 47 MB forked") {
		t.Errorf("nothing is told of 2007: %q", notes)
	}
	if s := lineSection(f); len(s.tables) != 0 || !strings.Contains(s.text[0], "--processes 1,4") {
		t.Errorf("a line through one point: %+v", s)
	}
	if columns := launchSection(f).tables[0].columns; len(columns) != 3 {
		t.Errorf("one more than one: %+v", columns)
	}
	for _, table := range []table{instrumentSection(f).tables[0], everyNumberSection(f).tables[0]} {
		for _, row := range table.rows {
			for _, cell := range row {
				if strings.HasPrefix(cell, "-") {
					t.Errorf("below zero: %q", row)
				}
			}
		}
	}
	if of := memorySection(newFigures(full())).tables[0].rows; of[len(of)-1][0] != articleForked {
		t.Errorf("among ten processes: %q", of)
	}
}

// TestLineOfSomeMethods: those that have none are named, and two points have no errors.
func TestLineOfSomeMethods(t *testing.T) {
	results := ofTwo()
	results.Processes = []int{2, 4}
	results.Runs = append(results.Runs, madeRun(madeMethods()[0], 0, 4))
	s := lineSection(newFigures(results))
	if rows := s.tables[0].rows; len(rows) != 2 || rows[0][0] != "direct" || len(s.tables[0].columns) != 4 || rows[0][3] != "2" {
		t.Errorf("%+v", s.tables)
	}
	if notes := strings.Join(s.notes, " "); !strings.Contains(notes, "No line, for want of a second number of processes: smart.") {
		t.Errorf("%q", notes)
	}
}

// The tables are of the largest number that all methods have.
func TestNumberOfTheTables(t *testing.T) {
	results := full()
	if f := newFigures(results); f.n != 10 || !f.shared {
		t.Errorf("n is %d, shared %t", f.n, f.shared)
	}
	for i := range results.Runs {
		if run := &results.Runs[i]; run.Method == "direct" && run.Processes == 10 {
			run.Error = "out of memory"
		}
	}
	if f := newFigures(results); f.n != 6 || !f.shared { // puma has no 8
		t.Errorf("n is %d, shared %t", f.n, f.shared)
	}
	results.Runs = []experiment.Run{madeRun(madeMethods()[0], 0, 2), madeRun(madeMethods()[1], 1, 4)}
	if f := newFigures(results); f.n != 4 || f.shared {
		t.Errorf("n is %d, shared %t", f.n, f.shared)
	}
	if f := newFigures(full()); f.bestPeer(10).Method != "puma" || f.bestPeer(8).Method != "passenger" {
		t.Error("the best peer is another")
	}
}

func TestAPeerWithErrorsIsNotTheBest(t *testing.T) {
	results := full()
	for i := range results.Runs {
		if run := &results.Runs[i]; run.Method == "unicorn" && run.Processes == 10 {
			run.Traffic.Throughput = 9000
		}
	}
	if best := newFigures(results).bestPeer(10); best.Method != "puma" {
		t.Errorf("the best peer is %s", best.Method)
	}
}

func TestAFileThatFailsKeepsTheOldOneAndTheOthers(t *testing.T) {
	dir := write(t, minimal())
	old := content(t, dir, ResultsFile)
	results := full()
	results.Load.Rate = math.NaN() // JSON has none
	if err := Write(dir, results); err == nil || !strings.Contains(err.Error(), ResultsFile) {
		t.Fatalf("the error is %v", err)
	}
	if !bytes.Equal(content(t, dir, ResultsFile), old) {
		t.Error("the old results.json is gone")
	}
	if !bytes.Contains(content(t, dir, MarkdownFile), []byte("passenger")) {
		t.Error("report.md was not written")
	}
}

// What a crash left beside, or a link put there, is not written through.
func TestWriteFollowsNoLink(t *testing.T) {
	dir := t.TempDir()
	victim := filepath.Join(dir, "victim")
	if err := os.WriteFile(victim, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, filepath.Join(dir, "."+PageFile+".new")); err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, minimal()); err != nil {
		t.Fatal(err)
	}
	if got := content(t, dir, "victim"); string(got) != "mine" {
		t.Errorf("the link was followed: %q", got)
	}
}

func TestWriteTellsAFolderThatCannotBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Write(filepath.Join(file, "dir"), minimal()); err == nil {
		t.Error("no error")
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestPrintTellsAWriterThatFails(t *testing.T) {
	if err := Print(brokenWriter{}, minimal(), 80); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the error is %v", err)
	}
}

func TestNoLineIsWiderThanTheTerminal(t *testing.T) {
	for _, width := range []int{20, 40, 80, 120, 200} {
		for _, line := range strings.Split(printed(t, full(), width), "\n") {
			if text.StringWidthWithoutEscSequences(line) > width {
				t.Errorf("%d columns: %q", width, line)
			}
		}
	}
}
