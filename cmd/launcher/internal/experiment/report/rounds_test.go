package report

import (
	"strings"
	"testing"

	"launcher/cmd/launcher/internal/experiment"
)

// Of several rounds the tables have medians and the spread, whatever was first.
func TestRounds(t *testing.T) {
	results := minimal()
	results.Load.Rounds, results.Runs = 3, nil
	for round, throughput := range []float64{300, 100, 200} {
		made := madeMethods()[1]
		made.throughput, made.peak[0] = throughput, throughput
		run := madeRun(made, 1, 1)
		run.Round, run.Traffic.Errors = round+1, round
		results.Runs = append(results.Runs, run)
	}
	f := newFigures(results)
	run := f.run(experiment.Smart, 1)
	if run.Traffic.Throughput != 200 || run.Traffic.Errors != 3 || run.Traffic.Requests != 6000 || len(run.Traffic.Windows) != 9 {
		t.Errorf("%+v", run.Traffic)
	}
	if got := f.spread(run, peakMB, figure); got != "208 (108 to 308)" {
		t.Errorf("peak %q", got)
	}
	summary := Summary(results)
	for _, want := range []string{"| 208 (108 to 308) |", "| 200 (100 to 300) |", "Medians of 3 rounds"} {
		if !strings.Contains(summary, want) {
			t.Errorf("%q is not in\n%s", want, summary)
		}
	}
	if runs := f.runs(experiment.Smart); len(runs) != 1 {
		t.Errorf("%d points of one number", len(runs))
	}
}
