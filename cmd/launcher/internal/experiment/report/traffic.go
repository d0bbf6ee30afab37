package report

import (
	"fmt"

	"launcher/cmd/launcher/internal/experiment"
)

// trafficSection returns what the load found with one number of processes.
func trafficSection(f *figures) section {
	runs := f.runsOf(f.n)
	best := f.bestPeer(f.n)
	made := table{
		caption: fmt.Sprintf("Requests to %s", count(f.n, "process", "processes")),
		columns: append(textColumns("Method"), numberColumns("Answered", "Errors", "Requests/s", "Of best peer",
			"Median, ms", "p99, ms", "Served by", "Smallest share", "Largest share")...),
	}
	for _, run := range runs {
		traffic := &run.Traffic
		smallest, largest := shares(traffic.Served)
		made.rows = append(made.rows, []string{label(run), fmt.Sprint(traffic.Requests), fmt.Sprint(traffic.Errors),
			figure(traffic.Throughput), ofBest(run, best), figure(traffic.MedianMs), figure(traffic.P99Ms),
			servedBy(traffic.Served), smallest, largest})
	}
	peer := "No peer answered everything, so there is no best one."
	if best != nil {
		peer = fmt.Sprintf("The best peer, the fastest of passenger, unicorn and puma that answered everything, is %s.", clean(best.Method))
	}
	notes := []string{peer, "Served by: the processes that answered a request at least, and the shares of the least and the most busy of them."}
	return section{heading: "Traffic", tables: []table{made}, notes: append(notes, errorNotes(runs)...)}
}

func ofBest(run, best *experiment.Run) string {
	if best == nil {
		return none
	}
	return percent(run.Traffic.Throughput, best.Traffic.Throughput)
}

func servedBy(served []experiment.Served) string {
	if len(served) == 0 {
		return none
	}
	return fmt.Sprint(len(served))
}

// shares returns those of the processes with the fewest and with the most requests.
func shares(served []experiment.Served) (smallest, largest string) {
	if len(served) == 0 {
		return none, none
	}
	lowest, highest, sum := served[0].Requests, served[0].Requests, 0
	for _, process := range served {
		lowest, highest = min(lowest, process.Requests), max(highest, process.Requests)
		sum += process.Requests
	}
	return share(lowest, sum), share(highest, sum)
}

func share(part, sum int) string {
	if sum == 0 {
		return none
	}
	return decimals(100*float64(part)/float64(sum), 1) + " %"
}

func timeSection(f *figures) section {
	return section{
		heading: "Memory through time",
		text: []string{fmt.Sprintf("From the launch of %s through the load and after it. The mark on each line is its peak.",
			count(f.n, "process", "processes"))},
		graph:     timeGraph(f),
		filesOnly: true,
	}
}
