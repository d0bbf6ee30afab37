package report

import (
	"fmt"
	"math"

	"launcher/cmd/launcher/internal/experiment"
)

const (
	// earlyRequests is after how many requests a server is warm.
	earlyRequests = 5000
	// lastingRequests is from how many on a load shows whether what was saved lasts.
	lastingRequests = 4 * earlyRequests
)

// lastingSection compares the end of a long load with an early part of it.
func lastingSection(f *figures) (section, bool) {
	made := table{
		caption: fmt.Sprintf("What has become of %s: means of %d seconds", count(f.n, "process", "processes"), experiment.StretchSeconds),
		columns: append(textColumns("Method"), numberColumns(fmt.Sprintf("After %d requests, MB", earlyRequests), "In the end, MB", "Of it",
			"Requests/s then", "In the end")...),
	}
	for _, run := range f.runsOf(f.n) {
		row := []string{label(run)}
		for _, figureOf := range []struct {
			value func(early, last experiment.Stretch) float64
			show  func(float64) string
		}{
			{func(early, _ experiment.Stretch) float64 { return early.PSS / (1 << 20) }, figure},
			{func(_, last experiment.Stretch) float64 { return last.PSS / (1 << 20) }, figure},
			{func(early, last experiment.Stretch) float64 { return last.PSS / early.PSS }, func(v float64) string { return decimals(v, 2) + " ×" }},
			{func(early, _ experiment.Stretch) float64 { return early.Throughput }, figure},
			{func(_, last experiment.Stretch) float64 { return last.Throughput }, figure},
		} {
			row = append(row, f.spread(run, func(r *experiment.Run) float64 { return sinceEarly(r, figureOf.value) }, figureOf.show))
		}
		if row[1] != none {
			made.rows = append(made.rows, row)
		}
	}
	return section{heading: "Whether it lasts", tables: []table{made}}, len(made.rows) > 0
}

// sinceEarly returns a figure of a long load, NaN where it was not long.
func sinceEarly(run *experiment.Run, value func(early, last experiment.Stretch) float64) float64 {
	early, began := run.StretchAfter(earlyRequests)
	last, ended := run.LastStretch()
	if !began || !ended || run.Traffic.Requests+run.Traffic.Errors < lastingRequests {
		return math.NaN()
	}
	return value(early, last)
}
