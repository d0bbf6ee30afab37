package report

import (
	"fmt"

	"launcher/cmd/launcher/internal/experiment"
)

func peakMB(run *experiment.Run) float64        { return toMB(run.Peak.PSS) }
func launchedMB(run *experiment.Run) float64    { return toMB(run.Launched.PSS) }
func launchSeconds(run *experiment.Run) float64 { return run.LaunchSeconds }

// lineSection has memory as a line over the number of processes, as the article did.
func lineSection(f *figures) section {
	made := table{
		caption: "Memory in MB of n processes, fitted by least squares over the sum of PSS",
		columns: append(textColumns("Method", "When", "memusage(n)"),
			numberColumns("Error of a", "Error of b", "R²", "Points")...),
	}
	unsure := false
	for _, method := range f.methods {
		for _, when := range []struct {
			name  string
			value func(*experiment.Run) float64
		}{{"peak", peakMB}, {"after launch", launchedMB}} {
			found, ok := f.fit(method, when.value)
			formula := none
			if ok {
				formula = found.formula()
			}
			unsure = unsure || !found.hasError()
			made.rows = append(made.rows, []string{f.name(method, 0), when.name, formula,
				errorOf(found.aError, 1), errorOf(found.bError, 1), decimals(found.r2, 4), fmt.Sprint(found.points)})
		}
	}
	made.rows = append(made.rows,
		[]string{articleDirect, "after load", decimals(articleDirectSlope, 1) + "·n", none, none, none, none},
		[]string{articleForked, "after load", decimals(articleForkedOffset, 0) + " + " + decimals(articleForkedSlope, 1) + "·n",
			none, none, none, none})
	notes := []string{"memusage(n) = a + b·n: a is what there is once, b is what one more process takes. The errors are standard errors."}
	if unsure {
		notes = append(notes, "A line through two points has no error that could be told, and one point has no line.")
	}
	return section{heading: "The line", tables: []table{made}, notes: notes}
}

func errorOf(value float64, digits int) string {
	if !isNumber(value) {
		return none
	}
	return "± " + decimals(value, digits)
}

// launchSection is how long n processes take, and one more.
func launchSection(f *figures) section {
	direct, haveDirect := f.fit(methodDirect, launchSeconds)
	directRun := f.run(methodDirect, f.n)
	made := table{
		caption: "Seconds until all processes were there",
		columns: append(textColumns("Method"), numberColumns(count(f.n, "process", "processes"), "As fast as direct",
			"One more", "Error", "One more: as fast as direct")...),
	}
	for _, run := range f.runsOf(f.n) {
		row := []string{label(run), decimals(run.LaunchSeconds, 2), none, none, none, none}
		if directRun != nil {
			row[2] = times(directRun.LaunchSeconds, run.LaunchSeconds)
		}
		if found, ok := f.fit(run.Method, launchSeconds); ok {
			row[3], row[4] = decimals(found.b, 3), errorOf(found.bError, 3)
			if haveDirect {
				row[5] = times(direct.b, found.b)
			}
		}
		made.rows = append(made.rows, row)
	}
	return section{heading: "Launch", tables: []table{made}, notes: []string{
		"One more is the slope of the launch time over the number of processes, by the same fit. Passenger says of smart spawning that it is about ten times as fast.",
	}}
}
