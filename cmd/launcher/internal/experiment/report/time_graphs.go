package report

import (
	"fmt"

	"gonum.org/v1/plot/plotter"

	"launcher/cmd/launcher/internal/experiment"
)

// throughputGraph returns the graph of throughput since the launch, beside that of memory.
func throughputGraph(f *figures) *graph {
	return windowGraph(f, &graph{id: "graph-throughput", title: "Throughput", y: "requests/s, of 2 s",
		desc: "Right responses a second from the begin of the load to its end, one line a method."}, experiment.Window.Throughput)
}

// latencyGraph returns the graph of the p99 since the launch.
func latencyGraph(f *figures) *graph {
	return windowGraph(f, &graph{id: "graph-latency", title: "p99", y: "p99 in ms, of 2 s",
		desc: "The time within which 99 of 100 right responses came, from the begin of the load to its end, one line a method."},
		func(w experiment.Window) float64 { return w.P99Ms })
}

func windowGraph(f *figures, g *graph, value func(experiment.Window) float64) *graph {
	g.title = fmt.Sprintf("%s of %s of %s through time", g.title, count(f.n, "process", "processes"), shorten(appName(f.results), legendLetters))
	// The same axis as that of memory, so that they can be compared.
	g.x, g.xMax = "seconds since the launch", timeGraph(f).xMax
	for place, method := range f.methods {
		run := f.run(method, f.n)
		if run == nil {
			continue
		}
		s := f.series(method, place)
		s.shape = nil // a line of many points has none that would be marked
		for _, w := range run.Traffic.Windows {
			at := run.Traffic.Began + w.Seconds + experiment.WindowSeconds/2.0
			s.line = append(s.line, plotter.XY{X: at, Y: value(w)})
			g.xMax = max(g.xMax, at)
		}
		s.line = thin(s.line)
		g.series = append(g.series, s)
	}
	return g
}
