package report

import (
	"fmt"
	"strings"

	"launcher/cmd/launcher/internal/experiment"
)

// memorySection returns the article's table: one number of processes, all methods.
func memorySection(f *figures) section {
	runs := f.runsOf(f.n)
	made := table{
		caption: fmt.Sprintf("Memory of %s in MB: the sum of PSS", count(f.n, "process", "processes")),
		columns: append(textColumns("Method"),
			numberColumns("After launch", "Peak under load", "Of direct", "Saving", "Last", "Of direct")...),
	}
	for _, run := range runs {
		made.rows = append(made.rows, []string{label(run), f.spread(run, launchedMB, figure), f.spread(run, peakMB, figure),
			f.ofDirect(run), f.saving(run), f.spread(run, lastMB, figure), f.ofDirectLast(run)})
	}
	if f.n == articleProcesses {
		made.rows = append(made.rows,
			[]string{articleDirect, figure(articleDirectLaunched), figure(articleDirectLoaded), "100 %", none, none, none},
			[]string{articleForked, figure(articleForkedLaunched), figure(articleForkedLoaded),
				percent(articleForkedLoaded, articleDirectLoaded), articleSaving(), none, none})
	}

	text := []string{savingText(f)}
	if !f.shared {
		text = append(text, "No number of processes was measured with every method, so not all of them are in the tables.")
	}
	notes := []string{
		"Of direct and saving: against as many processes that each load the application by themselves, at their peak, and in the end after the load of both.",
		articleText(),
	}
	return section{heading: "Memory", text: text, graph: memoryGraph(f), tables: []table{made},
		notes: append(notes, errorNotes(runs)...)}
}

func (f *figures) ofDirect(run *experiment.Run) string {
	return percent(toMB(run.Peak.PSS), f.directPeak(run.Processes))
}

func (f *figures) ofDirectLast(run *experiment.Run) string {
	return percent(toMB(run.Last.PSS), f.directLast(run.Processes))
}

func (f *figures) saving(run *experiment.Run) string {
	direct := f.directPeak(run.Processes)
	if run.Method == experiment.Direct {
		return none
	}
	return percent(direct-toMB(run.Peak.PSS), direct)
}

func savingText(f *figures) string {
	var parts []string
	for _, run := range f.runsOf(f.n) {
		if saving := f.saving(run); saving != none {
			parts = append(parts, label(run)+" "+saving)
		}
	}
	if len(parts) == 0 {
		return "There is no saving to tell: that takes direct and another method with the same number of processes. In 2007 it was " +
			articleSavingOfTen() + "."
	}
	return fmt.Sprintf("Saving with %s, at the peak, against direct: %s. In 2007 it was %s.",
		count(f.n, "process", "processes"), strings.Join(parts, ", "), articleSavingOfTen())
}

// instrumentSection returns the same, by every instrument.
func instrumentSection(f *figures) section {
	runs := f.runsOf(f.n)
	made := table{
		caption: fmt.Sprintf("Memory of %s in MB, by every instrument", count(f.n, "process", "processes")),
		columns: append(textColumns("Method", "When"),
			numberColumns("PSS", "Private", "RSS", "Swap", "free used", "less cache")...),
	}
	for _, run := range runs {
		for _, when := range []struct {
			name   string
			sample *experiment.Sample
		}{{"after launch", &run.Launched}, {"peak", &run.Peak}, {"last", &run.Last}} {
			made.rows = append(made.rows, append([]string{label(run), when.name}, instruments(run, when.sample)...))
		}
	}
	return section{heading: "By every instrument", filesOnly: true, tables: []table{made}, notes: []string{
		"PSS divides each shared page by the number of processes that map it, so its sum is what the processes use together.",
		"Private (USS) is what nobody else maps: what ending that process alone would give back.",
		"RSS counts what n processes share n times over, so its sum is more than there is.",
		"free used is how much more of the machine's memory is in use than before the launch, with buffers and page cache, as the first line of free had it in 2007; less cache is its second line, without them. Everything else that the machine did is in both, and where it gave memory back there is no figure (–).",
		"Sums over all processes of a method, its supervisor and masters among them. Peak is the moment of the greatest sum of PSS, for all the instruments.",
	}}
}

func instruments(run *experiment.Run, sample *experiment.Sample) []string {
	return []string{megabytes(sample.PSS), megabytes(sample.Private), megabytes(sample.RSS), megabytes(sample.Swap),
		grownMB(sample.FreeUsed, run.Before.FreeUsed), grownMB(sample.FreeUsedLess, run.Before.FreeUsedLess)}
}

// everyNumberSection returns every run that is whole.
func everyNumberSection(f *figures) section {
	made := table{
		caption: "Memory in MB for every number of processes: PSS, and the other instruments at its peak",
		columns: append(textColumns("Method"), numberColumns("Processes", "After launch", "Peak", "Last",
			"Private", "RSS", "free used", "less cache", "Of direct", "Saving")...),
	}
	var marked []*experiment.Run
	failed := false
	for _, n := range f.numbers() {
		for _, run := range f.runsOf(n) {
			made.rows = append(made.rows, []string{label(run), fmt.Sprint(n),
				megabytes(run.Launched.PSS), megabytes(run.Peak.PSS), megabytes(run.Last.PSS),
				megabytes(run.Peak.Private), megabytes(run.Peak.RSS),
				grownMB(run.Peak.FreeUsed, run.Before.FreeUsed),
				grownMB(run.Peak.FreeUsedLess, run.Before.FreeUsedLess), f.ofDirect(run), f.saving(run)})
			if n != f.n {
				marked = append(marked, run)
			}
		}
		for _, run := range f.failed(n) {
			row := []string{clean(run.Method) + " " + failedSign, fmt.Sprint(n)}
			for len(row) < len(made.columns) {
				row = append(row, none)
			}
			made.rows = append(made.rows, row)
			failed = true
		}
	}
	notes := errorNotes(marked)
	if failed {
		notes = append(notes, failedSign+" Failed: the reason is under “What is missing”.")
	}
	return section{heading: "Every number of processes", filesOnly: true, tables: []table{made}, notes: notes}
}

// splitSection returns how many private pages were copied and how many are new, where that could be
// read.
func splitSection(f *figures) (section, bool) {
	made := table{
		caption: fmt.Sprintf("Private memory of the workers after the load, in MB, with %s", count(f.n, "process", "processes")),
		columns: append(textColumns("Method"), numberColumns("Workers read", "Copied", "New", "Copied a worker", "New a worker")...),
	}
	for _, run := range f.runsOf(f.n) {
		if split := run.Split; split != nil && split.Workers > 0 {
			workers := float64(split.Workers)
			made.rows = append(made.rows, []string{label(run), fmt.Sprint(split.Workers), megabytes(split.Copied),
				megabytes(split.New), figure(toMB(split.Copied) / workers), figure(toMB(split.New) / workers)})
		}
	}
	return section{heading: "Copied and new pages", filesOnly: true, tables: []table{made}, notes: []string{
		"Copied: the process that the worker was forked from has a page at the same address. New: it has none.",
	}}, len(made.rows) > 0
}
