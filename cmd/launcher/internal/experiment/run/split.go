//go:build linux

package run

import (
	"strings"

	"launcher/cmd/launcher/internal/experiment"
	"launcher/cmd/launcher/internal/experiment/load"
	"launcher/preforker/proc"
)

// split reads what became of the workers' private pages, where a kernel shows the frames
// to this user (root); nil where it does not, or where nothing was forked.
func split(run *experiment.Run) *experiment.Split {
	template := templateOf(run)
	if template == 0 {
		return nil
	}
	var sum experiment.Split
	for _, served := range run.Traffic.Served {
		pages, err := proc.SplitPrivate(served.Pid, template)
		if err != nil {
			continue // it has ended, or its frames are hidden
		}
		sum.Workers++
		sum.Copied += pages.Copied
		sum.New += pages.New
	}
	if sum.Workers == 0 {
		return nil
	}
	return &sum
}

// templateOf finds the process that a run's workers were forked from, by its title.
func templateOf(run *experiment.Run) int {
	title := run.Method.Template()
	for _, p := range run.Last.Each {
		if title != "" && strings.HasPrefix(p.Name, title) {
			return p.Pid
		}
	}
	return 0
}

// traffic is a load's result as the report has it.
func traffic(r load.Result) experiment.Traffic {
	t := experiment.Traffic{Requests: r.OK, Errors: r.Errors, Seconds: r.Elapsed.Seconds(), Bytes: r.Bytes,
		Throughput: r.Throughput(), MedianMs: ms(r.Quantile(0.5)), P99Ms: ms(r.Quantile(0.99))}
	for _, f := range r.Failures {
		t.Failures = append(t.Failures, experiment.Failure{Text: f.Text, Count: f.Count})
	}
	t.Served = servedBy(r.Served)
	return t
}
