package report

import (
	"fmt"
	"strings"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"launcher/cmd/launcher/internal/experiment"
)

// maxTicks bounds the numbers below the axis to those that have room.
const maxTicks = 16

// memoryGraph returns the article's graph: memory against the number of processes.
func memoryGraph(f *figures) *graph {
	largest := float64(f.largestNumber())
	g := &graph{id: "graph", title: "Memory of n processes of " + shorten(appName(f.results), legendLetters),
		x: "processes", y: "MB, sum of PSS, peak under load", xMax: largest}
	if numbers := f.numbers(); len(numbers) > 0 && len(numbers) < maxTicks {
		g.xTicks = []float64{0}
		for _, n := range numbers {
			g.xTicks = append(g.xTicks, float64(n))
		}
	}
	var told []string
	for place, method := range f.methods {
		runs := f.runs(method)
		s := f.series(method, place)
		for _, run := range runs {
			s.line = append(s.line, plotter.XY{X: float64(run.Processes), Y: toMB(run.Peak.PSS)})
		}
		s.points = s.line
		g.series = append(g.series, s)
		last := runs[len(runs)-1]
		told = append(told, fmt.Sprintf("%s %s MB with %d", clean(method), megabytes(last.Peak.PSS), last.Processes))
	}
	g.series = append(g.series,
		articleLine("2007, one by one: 18.6·n", articleDirectAt, largest, vg.Points(8), vg.Points(4)),
		articleLine("2007, forked: 30 + 1.7·n", articleForkedAt, largest, vg.Points(2), vg.Points(3)))
	g.desc = "Peak memory under load against the number of processes, one line a method, and the two lines of 2007, dashed."
	if len(told) > 0 {
		g.desc += " At the right end: " + strings.Join(told, ", ") + "."
	}
	return g
}

func articleLine(name string, at func(float64) float64, end float64, dashes ...vg.Length) series {
	return series{name: name, color: past(), dark: "#9AA3AD", dashes: dashes,
		line: plotter.XYs{{X: 0, Y: at(0)}, {X: end, Y: at(end)}}}
}

// series returns an empty one with the method's style.
func (f *figures) series(method experiment.Method, place int) series {
	style := styleOf(method, place)
	return series{name: f.name(method, legendLetters), color: style.color, dark: style.dark, shape: style.shape}
}

// timeGraph returns the graph of memory since the launch, of the number of processes of the tables.
func timeGraph(f *figures) *graph {
	g := &graph{id: "graph-time", x: "seconds since the launch", y: "MB, sum of PSS",
		title: fmt.Sprintf("Memory of %s of %s through time", count(f.n, "process", "processes"),
			shorten(appName(f.results), legendLetters))}
	if f.n == 0 {
		g.title = "Memory of " + shorten(appName(f.results), legendLetters) + " through time"
	}
	var told []string
	for place, method := range f.methods {
		run := f.run(method, f.n)
		if run == nil {
			continue
		}
		s := f.series(method, place)
		s.line = thin(sinceLaunch(run))
		if run.Peak.Seconds >= 0 {
			s.points = plotter.XYs{{X: run.Peak.Seconds, Y: toMB(run.Peak.PSS)}}
		}
		for _, at := range append(s.line, s.points...) {
			g.xMax = max(g.xMax, at.X)
		}
		g.series = append(g.series, s)
		told = append(told, fmt.Sprintf("%s %s MB after %s s", clean(method), megabytes(run.Peak.PSS), figure(run.Peak.Seconds)))
	}
	g.desc = "Memory from the launch through the load and after it, one line a method, its peak marked."
	if len(told) > 0 {
		g.desc += " Peaks: " + strings.Join(told, ", ") + "."
	}
	return g
}

func sinceLaunch(run *experiment.Run) plotter.XYs {
	var points plotter.XYs
	for i := range run.Samples {
		if sample := &run.Samples[i]; sample.Phase != experiment.PhaseBefore && sample.Seconds >= 0 {
			points = append(points, plotter.XY{X: sample.Seconds, Y: toMB(sample.PSS)})
		}
	}
	return points
}

// maxPoints bounds the points of a line: more would not be seen, and the time that
// the picture takes grows with their square where they go up and down.
const maxPoints = 480

// thin returns the lowest and the highest of each stretch of a long line, in their order,
// so that it looks the same and the file stays small.
func thin(points plotter.XYs) plotter.XYs {
	if len(points) <= maxPoints {
		return points
	}
	size := (2*len(points) + maxPoints - 1) / maxPoints
	var kept plotter.XYs
	for start := 0; start < len(points); start += size {
		end := min(start+size, len(points))
		low, high := start, start
		for i := start; i < end; i++ {
			if points[i].Y < points[low].Y {
				low = i
			}
			if points[i].Y > points[high].Y {
				high = i
			}
		}
		kept = append(kept, points[min(low, high)])
		if low != high {
			kept = append(kept, points[max(low, high)])
		}
	}
	return kept
}
