package report

import (
	"fmt"
	"strings"

	"launcher/cmd/launcher/internal/experiment"
)

func peakMB(run *experiment.Run) float64        { return toMB(run.Peak.PSS) }
func launchedMB(run *experiment.Run) float64    { return toMB(run.Launched.PSS) }
func lastMB(run *experiment.Run) float64        { return toMB(run.Last.PSS) }
func launchSeconds(run *experiment.Run) float64 { return run.LaunchSeconds }

// lineSection returns memory as a line over the number of processes, as in the article. What has no
// line, or no error that could be told, has no row and no column.
func lineSection(f *figures) section {
	made := table{
		caption: "Memory in MB of n processes, fitted by least squares over the sum of PSS",
		columns: textColumns("Method", "When", "memusage(n)"),
	}
	lines := map[int]line{} // by row
	sure := false
	var without []string
	for _, method := range f.methods {
		for _, when := range []struct {
			name  string
			value func(*experiment.Run) float64
		}{{"peak", peakMB}, {"after launch", launchedMB}} {
			found, ok := f.fit(method, when.value)
			if !ok {
				continue
			}
			sure = sure || found.hasError()
			lines[len(made.rows)] = found
			made.rows = append(made.rows, []string{f.name(method, 0), when.name, found.formula()})
		}
		if _, ok := f.fit(method, peakMB); !ok {
			without = append(without, clean(method))
		}
	}
	article := fmt.Sprintf("2007: %s·n one by one, %s + %s·n forked, after the load.",
		decimals(articleDirectSlope, 1), decimals(articleForkedOffset, 0), decimals(articleForkedSlope, 1))
	if len(lines) == 0 {
		return section{heading: "The line", text: []string{
			"There is no line to tell: that takes one method with two numbers of processes at least (--processes 1,4). " + article}}
	}
	if sure {
		made.columns = append(made.columns, numberColumns("Error of a", "Error of b", "R²")...)
	}
	made.columns = append(made.columns, numberColumns("Points")...)
	for row, found := range lines {
		if sure {
			made.rows[row] = append(made.rows[row], errorOf(found.aError, 1), errorOf(found.bError, 1), decimals(found.r2, 4))
		}
		made.rows[row] = append(made.rows[row], fmt.Sprint(found.points))
	}
	notes := []string{"memusage(n) = a + b·n: a is what there is once, b is what one more process takes. " + article}
	if sure {
		notes = append(notes, "The errors are standard errors. A line through two points has none that could be told (–).")
	} else {
		notes = append(notes, "A line through two points has no error that could be told.")
	}
	if len(without) > 0 {
		notes = append(notes, "No line, for want of a second number of processes: "+strings.Join(without, ", ")+".")
	}
	return section{heading: "The line", tables: []table{made}, notes: notes}
}

func errorOf(value float64, digits int) string {
	if !isNumber(value) {
		return none
	}
	return "± " + decimals(value, digits)
}

// launchSection returns how long n processes take, and one more where there is a line.
func launchSection(f *figures) section {
	direct, haveDirect := f.fit(experiment.Direct, launchSeconds)
	directRun := f.run(experiment.Direct, f.n)
	runs := f.runsOf(f.n)
	haveLine := false
	for _, run := range runs {
		_, ok := f.fit(run.Method, launchSeconds)
		haveLine = haveLine || ok
	}
	made := table{
		caption: "Seconds until all processes were there",
		columns: append(textColumns("Method"), numberColumns(count(f.n, "process", "processes"), "As fast as direct")...),
	}
	if haveLine {
		made.columns = append(made.columns, numberColumns("One more", "Error", "One more: as fast as direct")...)
	}
	for _, run := range runs {
		row := []string{label(run), decimals(run.LaunchSeconds, 2), none}
		if directRun != nil {
			row[2] = times(directRun.LaunchSeconds, run.LaunchSeconds)
		}
		if haveLine {
			more := []string{none, none, none}
			if found, ok := f.fit(run.Method, launchSeconds); ok {
				more[0], more[1] = decimals(found.b, 3), errorOf(found.bError, 3)
				if haveDirect {
					more[2] = times(direct.b, found.b)
				}
			}
			row = append(row, more...)
		}
		made.rows = append(made.rows, row)
	}
	var notes []string
	if haveLine {
		notes = append(notes, "One more is the slope of the launch time over the number of processes, by the same fit.")
	}
	return section{heading: "Launch", tables: []table{made},
		notes: append(notes, "Passenger says of smart spawning that it is about ten times as fast.")}
}
