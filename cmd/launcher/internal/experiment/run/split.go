//go:build linux

package run

import (
	"launcher/cmd/launcher/internal/experiment"
	"launcher/preforker/proc"
)

// split reads how many of the workers' private pages were copied and how many are new, where a kernel shows the frames
// to this user (root); nil where it does not, or where nothing was forked.
func split(run *experiment.Run) *experiment.Split {
	template := templateOf(run)
	if template == 0 {
		return nil
	}
	var sum experiment.Split
	for _, served := range run.Traffic.Served {
		if served.Pid == template {
			continue // it serves as well, and was forked from nothing that is there
		}
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

// templateOf returns the process that a run's workers were forked from, known by its title.
func templateOf(run *experiment.Run) int {
	for _, p := range run.Last.Each {
		if run.Method.IsTemplate(p.Name) {
			return p.Pid
		}
	}
	return 0
}
