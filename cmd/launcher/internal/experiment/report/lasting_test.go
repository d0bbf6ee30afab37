package report

import (
	"slices"
	"strings"
	"testing"

	"launcher/cmd/launcher/internal/experiment"
)

// A long load is compared with its own beginning, and a short one is not.
func TestWhetherItLasts(t *testing.T) {
	results := full()
	if _, found := lastingSection(newFigures(results)); found {
		t.Error("2000 requests are no long load")
	}
	for i := range results.Runs {
		lasting(&results.Runs[i])
	}
	s, found := lastingSection(newFigures(results))
	if !found || len(s.tables[0].rows) != 2 {
		t.Fatalf("%t, %+v", found, s.tables)
	}
	if got, want := strings.Join(s.tables[0].rows[1], " | "), "smart | 120 | 150 | 1.25 × | 400 | 300"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if doc := newDocument(results); !slices.ContainsFunc(doc.sections, func(s section) bool { return s.heading == "Whether it lasts" }) {
		t.Error("it is no part of the report")
	}
}

// lasting gives two methods a load of 21,000 requests within a minute.
func lasting(run *experiment.Run) {
	if run.Method != experiment.Direct && run.Method != experiment.Smart {
		return
	}
	run.Traffic = experiment.Traffic{Requests: 21_000, Seconds: 60, Began: 1}
	run.Samples = nil
	for second := range 60 {
		requests, memory := 800, uint64(120<<20)
		if second >= 40 {
			requests, memory = 600, 150<<20
		}
		run.Traffic.Windows = append(run.Traffic.Windows, experiment.Window{Seconds: float64(second), Requests: requests})
		run.Samples = append(run.Samples, experiment.Sample{Seconds: float64(second) + 1.5, Phase: experiment.PhaseLoad, Usage: experiment.Usage{PSS: memory}})
	}
}
