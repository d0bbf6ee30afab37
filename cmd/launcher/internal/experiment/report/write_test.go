package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"launcher/cmd/launcher/internal/experiment"
)

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

func TestRoundTrip(t *testing.T) {
	for name, results := range map[string]*experiment.Results{"full": full(), "minimal": minimal()} {
		written, err := resultsJSON(results)
		if err != nil {
			t.Fatal(err)
		}
		got := &experiment.Results{}
		if err := json.Unmarshal(written, got); err != nil {
			t.Fatal(err)
		}
		if got.Format != experiment.FormatVersion || !reflect.DeepEqual(got, results) {
			t.Errorf("%s: results.json does not give back what was written", name)
		}
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
	if err != nil || len(rows[0]) != 13 {
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
