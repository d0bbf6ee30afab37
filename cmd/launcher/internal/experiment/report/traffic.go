package report

import (
	"fmt"
	"math"

	"launcher/cmd/launcher/internal/experiment"
)

// trafficSection returns what the load found with one number of processes.
func trafficSection(f *figures) section {
	runs := f.runsOf(f.n)
	best := f.bestPeer(f.n)
	made := table{
		caption: fmt.Sprintf("Requests to %s", count(f.n, "process", "processes")),
		columns: append(textColumns("Method"), numberColumns("Answered", "Errors", "Requests/s", "Of best peer",
			"Steady requests/s", "Lowest 2 s", "Median, ms", "p99, ms", "Steady p99, ms", "Worst p99 of 2 s", "Served by", "Smallest share", "Largest share")...),
	}
	for _, run := range runs {
		traffic := &run.Traffic
		throughput, p99 := f.steady(run)
		smallest, largest := shares(traffic.Served)
		made.rows = append(made.rows, []string{label(run), fmt.Sprint(traffic.Requests), fmt.Sprint(traffic.Errors),
			f.spread(run, throughputOf, figure), ofBest(run, best), throughput, f.lowest(run), figure(traffic.MedianMs), f.spread(run, p99Of, figure),
			p99, f.worst(run),
			servedBy(traffic.Served), smallest, largest})
	}
	peer := "No peer answered everything, so there is no best one."
	if best != nil {
		peer = fmt.Sprintf("The best peer, the fastest of the other servers that answered everything, is %s.", clean(best.Method))
	}
	notes := []string{peer, windowText, "Served by: the processes that answered a request at least, and the shares of the least and the most busy of them."}
	return section{heading: "Traffic", tables: []table{made}, notes: append(notes, errorNotes(runs)...)}
}

// windowText says what the worst two seconds are.
const windowText = "Steady is the median of two seconds in the second half of the load. Lowest 2 s: the lowest throughput of two " +
	"seconds after the third second, of the steady one. Worst p99 of 2 s: the greatest p99 of two seconds after the second second, as multiple of the steady one."

// lowest returns the lowest throughput of two seconds, of the steady one.
func (f *figures) lowest(run *experiment.Run) string {
	return f.spread(run, func(r *experiment.Run) float64 {
		throughput, found := r.Traffic.Lowest()
		if whole, _ := r.Traffic.Steady(); found && whole > 0 {
			return 100 * throughput / whole
		}
		return math.NaN()
	}, func(value float64) string { return decimals(value, 0) + " %" })
}

// worst returns the greatest p99 of two seconds, as multiple of the steady one.
func (f *figures) worst(run *experiment.Run) string {
	return f.spread(run, func(r *experiment.Run) float64 {
		p99, found := r.Traffic.WorstP99()
		if _, whole := r.Traffic.Steady(); found && whole > 0 {
			return p99 / whole
		}
		return math.NaN()
	}, func(value float64) string { return decimals(value, 1) + " ×" })
}

// steady returns the steady throughput and p99.
func (f *figures) steady(run *experiment.Run) (throughput, p99 string) {
	known := func(value float64) float64 {
		if value == 0 {
			return math.NaN()
		}
		return value
	}
	return f.spread(run, func(r *experiment.Run) float64 { v, _ := r.Traffic.Steady(); return known(v) }, figure),
		f.spread(run, func(r *experiment.Run) float64 { _, v := r.Traffic.Steady(); return known(v) }, figure)
}

func throughputOf(run *experiment.Run) float64 { return run.Traffic.Throughput }
func p99Of(run *experiment.Run) float64        { return run.Traffic.P99Ms }

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

// timeSections return memory and traffic through time.
func timeSections(f *figures) []section {
	processes := count(f.n, "process", "processes")
	return []section{
		{heading: "Memory through time", filesOnly: true, graph: timeGraph(f),
			text: []string{fmt.Sprintf("From the launch of %s through the load and after it. The mark on each line is its peak.", processes)}},
		{heading: "Throughput through time", filesOnly: true, graph: throughputGraph(f),
			text: []string{fmt.Sprintf("Right responses of %s a second, in the two seconds around each moment, with the same time as above.", processes)}},
		{heading: "Latency through time", filesOnly: true, graph: latencyGraph(f),
			text: []string{"The time within which 99 of 100 right responses came, in the two seconds around each moment."}},
	}
}
