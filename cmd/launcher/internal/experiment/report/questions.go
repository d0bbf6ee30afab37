package report

import (
	"fmt"
	"strings"

	"launcher/cmd/launcher/internal/experiment"
)

// questionSection returns what the figures say to the questions of the article's readers.
func questionSection(f *figures) section {
	return section{heading: "What readers asked in 2007", filesOnly: true, text: []string{
		"Is free read rightly? Its used figure is of the whole machine, so only the growth since just before the launch counts here, " +
			"beside the sum of PSS, which is of the processes alone. free also counts page tables and what the kernel keeps for each process. " +
			compared(f, "At the peak, less buffers and cache, and by PSS", func(run *experiment.Run) string {
				return grownMB(run.Peak.FreeUsedLess, run.Before.FreeUsedLess) + " and " + megabytes(run.Peak.PSS)
			}),
		"Is the page cache in it? Files that were read stay in memory until it is needed: the first line of free counts them as used, " +
			"the second does not. PSS has only the pages of files that a process maps. " +
			compared(f, "Growth at the peak with buffers and cache, and less", func(run *experiment.Run) string {
				return grownMB(run.Peak.FreeUsed, run.Before.FreeUsed) + " and " + grownMB(run.Peak.FreeUsedLess, run.Before.FreeUsedLess)
			}),
		"What is left once the garbage collector has run? Its marks and what it moves are written into shared pages, which are copied then, " +
			"so memory is sampled all through the load, and its peak and what is left after it are both told. " +
			compared(f, "Peak and last", func(run *experiment.Run) string {
				return megabytes(run.Peak.PSS) + " and " + megabytes(run.Last.PSS)
			}),
	}}
}

// compared returns a figure of every method.
func compared(f *figures, what string, value func(*experiment.Run) string) string {
	var parts []string
	for _, run := range f.runsOf(f.n) {
		parts = append(parts, fmt.Sprintf("%s %s", label(run), value(run)))
	}
	return fmt.Sprintf("%s, MB: %s.", what, strings.Join(parts, "; "))
}
