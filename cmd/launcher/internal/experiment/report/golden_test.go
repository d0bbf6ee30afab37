package report

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"

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

func TestGoldens(t *testing.T) {
	for name, results := range map[string]*experiment.Results{"full": full(), "minimal": minimal(), "empty": {}} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, results)
			for _, file := range []string{"report.md", "report.html", "graph.svg", "graph-time.svg", "graph-throughput.svg"} {
				checkGolden(t, name+"-"+file, content(t, dir, file))
			}
			checkGolden(t, name+"-summary.md", []byte(Summary(results)))
			checkGolden(t, name+"-terminal.txt", []byte(printed(t, results, 120)))
			checkGolden(t, name+"-terminal-narrow.txt", []byte(printed(t, results, 40)))
			if name == "minimal" {
				checkGolden(t, name+"-samples.csv", content(t, dir, "samples.csv"))
				checkGolden(t, name+"-traffic.csv", content(t, dir, "traffic.csv"))
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
	want := []string{"graph-latency.svg", "graph-throughput.svg", "graph-time.png", "graph-time.svg",
		"graph.png", "graph.svg", "report.html", "report.md", "results.json", "samples.csv", "summary.md", "traffic.csv"}
	if !reflect.DeepEqual(names, want) {
		t.Errorf("the folder has %v, want %v", names, want)
	}
}
