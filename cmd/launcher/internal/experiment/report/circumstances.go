package report

import (
	"fmt"
	"slices"
	"strings"

	"launcher/cmd/launcher/internal/experiment"
)

func appName(results *experiment.Results) string {
	if name := clean(results.App.Name); name != "" {
		return name
	}
	return "an application"
}

func lead(f *figures) []string {
	load := f.results.Load
	text := fmt.Sprintf("How much memory processes of %s take, by how they are launched.", appName(f.results))
	if load.Requests > 0 {
		text += fmt.Sprintf(" Each was asked for the same: %s over %s.",
			count(load.Requests, "request", "requests"), count(load.Connections, "connection", "connections"))
	}
	found := []string{strings.TrimSpace(text + " " + unitText + " " + f.roundsText())}
	if meanings := meanings(f.methods); meanings != "" {
		found = append(found, meanings)
	}
	return found
}

// meanings returns what is launched by the methods that are known.
func meanings(methods []experiment.Method) string {
	var found, peers []string
	for _, method := range methods {
		switch {
		case method == experiment.Direct:
			found = append(found, "direct: each process loads the application by itself")
		case method == experiment.Smart:
			found = append(found, "smart: this launcher, which loads it once and forks")
		case isPeer(method):
			peers = append(peers, string(method))
		}
	}
	if len(peers) > 0 {
		found = append(found, strings.Join(peers, ", ")+": set to load it before they fork, with one thread a process")
	}
	if len(found) == 0 {
		return ""
	}
	return strings.Join(found, "; ") + "."
}

func alerts(results *experiment.Results) []string {
	var found []string
	if results.Incomplete != "" {
		found = append(found, "Incomplete: "+clean(results.Incomplete))
	}
	for _, warning := range results.Warnings {
		found = append(found, "Warning: "+clean(warning))
	}
	return found
}

// missingSection lists what was left out and what failed.
func missingSection(results *experiment.Results) (section, bool) {
	var notes []string
	for i := range results.Runs {
		run := &results.Runs[i]
		if whole(run) {
			continue
		}
		reason := clean(run.Error)
		if reason == "" {
			reason = "no memory was found"
		}
		notes = append(notes, fmt.Sprintf("Failed: %s, %s: %s", clean(run.Method), count(run.Processes, "process", "processes"), reason))
	}
	for _, skipped := range results.Skipped {
		what := clean(skipped.Method)
		if skipped.Processes > 0 {
			what += ", " + count(skipped.Processes, "process", "processes")
		}
		notes = append(notes, fmt.Sprintf("Left out: %s: %s", what, clean(skipped.Reason)))
	}
	return section{heading: "What is missing", notes: notes}, len(notes) > 0
}

// circumstances returns how, where and with what it was measured.
func circumstances(results *experiment.Results) []section {
	made := []section{
		{heading: "How it was measured", filesOnly: true, code: commands(results),
			tables: []table{{caption: "Load and machine", columns: textColumns("What", "Value"), rows: circumstanceRows(results)}}},
	}
	if len(results.Versions) > 0 {
		versions := table{caption: "Versions", columns: textColumns("Name", "Version")}
		for _, version := range results.Versions {
			versions.rows = append(versions.rows, []string{clean(version.Name), clean(version.Version)})
		}
		made[0].tables = append(made[0].tables, versions)
	}
	return made
}

// commands returns the experiment's own and one for each method.
func commands(results *experiment.Results) []string {
	var found []string
	if len(results.Command) > 0 {
		found = append(found, commandLine(results.Command))
	}
	f := newFigures(results)
	for _, run := range f.runsOf(f.n) {
		if len(run.Command) > 0 {
			found = append(found, "# "+clean(run.Method)+"\n"+commandLine(run.Command))
		}
	}
	return found
}

func circumstanceRows(results *experiment.Results) [][]string {
	load, machine := results.Load, results.Machine
	rate := "as fast as answers come"
	if load.Rate > 0 {
		rate = figure(load.Rate) + " requests a second"
	}
	var asked, cpus, memory string
	if load.Requests > 0 {
		asked = fmt.Sprintf("%s, %s, %s", count(load.Requests, "request", "requests"),
			count(load.Connections, "connection", "connections"), rate)
	}
	if machine.CPUs > 0 {
		cpus = count(machine.CPUs, "CPU", "CPUs")
	}
	if machine.Memory > 0 {
		memory = megabytes(machine.Memory) + " MB, swap " + megabytes(machine.Swap) + " MB"
	}
	numbers := make([]string, len(results.Processes))
	for i, n := range results.Processes {
		numbers[i] = fmt.Sprint(n)
	}
	rows := [][]string{
		{"Application", strings.Join(known(results.App.Name, results.App.Environment), ", ")},
		{"Methods", strings.Join(known(results.Methods...), ", ")},
		{"Processes", strings.Join(numbers, ", ")},
		{"Paths", strings.Join(known(load.Paths...), " ")},
		{"Mix", strings.Join(known(load.Mix...), "; ")},
		{"Load", asked},
		{"Asked by", clean(load.Tool)},
		{"Through", clean(load.Through)},
		{"Started", moment(results.Started)},
		{"Ended", moment(results.Ended)},
		{"System", clean(machine.System)},
		{"Kernel", clean(machine.Kernel)},
		{"Processor", strings.Join(known(machine.Processor, cpus), ", ")},
		{"Memory", memory},
		{"Huge pages", clean(machine.HugePages)},
	}
	if len(load.Mix) > 0 {
		rows = slices.DeleteFunc(rows, func(row []string) bool { return row[0] == "Paths" })
	} else {
		rows = slices.DeleteFunc(rows, func(row []string) bool { return row[0] == "Mix" })
	}
	for _, row := range rows {
		if row[1] == "" {
			row[1] = none
		}
	}
	return rows
}

// known returns texts cleaned, without those that are empty.
func known[Text ~string](texts ...Text) []string {
	var found []string
	for _, text := range texts {
		if told := clean(text); told != "" {
			found = append(found, told)
		}
	}
	return found
}
