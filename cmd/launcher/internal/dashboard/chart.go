package dashboard

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// The room of a chart, in units that the page stretches to its width.
const (
	chartWidth  = 720
	chartHeight = 160
	// margin is how far an area goes beyond its line, so that its outline is not seen at the edges.
	margin = 3
)

// gap is the time without a sample that breaks a line.
const gap = 6 * samplePeriod

// chart is the last hour of some figures.
type chart struct {
	Title, Label, Top string
	From, Middle, To  string // moments
	Lines             []line
	Marks             []markLine
}

// line is one figure. Its path has numbers and letters of commands alone.
type line struct {
	Name, Class, Path string
	area              bool
	quiet             bool // not drawn where it is 0 all the time
	of                func(sample) float64
}

// markLine is something that has happened, at a place of the chart.
type markLine struct {
	X           int
	Class, Text string
}

// hourly is what a chart is drawn of.
type hourly struct {
	now     time.Time
	samples []sample
	marks   []mark
}

// draw makes a chart with a scale for all of its lines. Name says a value of the scale.
func (h hourly) draw(title string, name func(float64) string, nice func(float64) float64, lines ...line) chart {
	highest := 0.0
	for _, l := range lines {
		for _, s := range h.samples {
			highest = max(highest, l.of(s))
		}
	}
	top := nice(highest)
	c := chart{Title: title, Top: name(top), From: h.now.Add(-span).Local().Format("15:04"), Middle: h.now.Add(-span / 2).Local().Format("15:04"), To: "now"}
	words := []string{title + ", the last hour"}
	for _, l := range lines {
		if l.quiet && h.highest(l) <= 0 {
			continue
		}
		if l.Path = h.path(l, top); l.Path == "" {
			continue
		}
		words = append(words, fmt.Sprintf("%s: now %s, at most %s", l.Name, name(max(0, l.of(h.samples[len(h.samples)-1]))), name(h.highest(l))))
		c.Lines = append(c.Lines, l)
	}
	if len(c.Lines) == 0 {
		words = append(words, "nothing yet")
	}
	c.Label = strings.Join(words, "; ")
	for _, m := range h.marks {
		c.Marks = append(c.Marks, markLine{X: h.x(m.at), Class: m.kind, Text: clock(m.at) + " " + visible(m.text)})
	}
	return c
}

func (h hourly) highest(l line) (highest float64) {
	for _, s := range h.samples {
		highest = max(highest, l.of(s))
	}
	return highest
}

func (h hourly) x(at time.Time) int {
	return min(max(chartWidth-int(math.Round(chartWidth*float64(h.now.Sub(at))/float64(span))), 0), chartWidth)
}

// path returns the commands of a line, or of the area below it. A negative value is none, and breaks the line.
func (h hourly) path(l line, top float64) string {
	var out strings.Builder
	var x, y, first int
	var last time.Time
	drawing := false
	end := func() {
		if drawing && l.area {
			fmt.Fprintf(&out, "h%dV%dH%dZ", margin, chartHeight+margin, first-margin)
		} else if drawing && x == first {
			out.WriteString("h1")
		}
		drawing = false
	}
	for _, s := range h.samples {
		value := l.of(s)
		if value < 0 || s.at.Sub(last) > gap {
			end()
		}
		last = s.at
		if value < 0 {
			continue
		}
		nextX, nextY := h.x(s.at), chartHeight-1-int(math.Round((chartHeight-2)*value/top))
		switch {
		case !drawing:
			if drawing, first = true, nextX; l.area {
				fmt.Fprintf(&out, "M%d %dh%d", nextX-margin, nextY, margin)
			} else {
				fmt.Fprintf(&out, "M%d %d", nextX, nextY)
			}
		case nextX == x && nextY == y:
		case nextY == y:
			out.WriteString("h" + strconv.Itoa(nextX-x))
		default:
			fmt.Fprintf(&out, "l%d %d", nextX-x, nextY-y)
		}
		x, y = nextX, nextY
	}
	end()
	return out.String()
}

// niceDecimal is the next number above that people count in.
func niceDecimal(highest float64) float64 {
	if highest <= 0 || math.IsInf(highest, 0) || math.IsNaN(highest) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(highest)))
	for _, step := range []float64{1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8} {
		if highest <= step*power*(1+1e-9) {
			return step * power
		}
	}
	return 10 * power
}

// niceCount is that for whole things.
func niceCount(highest float64) float64 { return math.Max(math.Ceil(niceDecimal(highest)), 2) }

// niceBytes is that in the unit in which sizes are told.
func niceBytes(highest float64) float64 {
	unit := float64(mB)
	if highest >= 10*gB {
		unit = gB
	}
	return niceDecimal(highest/unit) * unit
}

func bytesName(v float64) string { return inBytes(uint64(v)) }
func countName(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
func rateName(v float64) string  { return inRate(v) + "/s" }

// charts draws all of them.
func (h hourly) charts() []chart {
	known := func(v float64) float64 { // where 0 is none
		if v == 0 {
			return -1
		}
		return v
	}
	return []chart{
		h.draw("Memory", bytesName, niceBytes,
			line{Name: "sum of PSS", Class: "area", area: true, of: func(s sample) float64 { return float64(s.memory) }},
			line{Name: "at most", Class: "limit", of: func(s sample) float64 { return known(float64(s.bound)) }}),
		h.draw("Requests", rateName, niceDecimal,
			line{Name: "served", Class: "area", area: true, of: func(s sample) float64 { return float64(s.rate) }},
			line{Name: "with 500 or more", Class: "third", quiet: true, of: func(s sample) float64 { return known(float64(s.errors)) }}),
		h.draw("Duration", inTime, niceDecimal,
			line{Name: "median", Class: "line", of: func(s sample) float64 { return known(float64(s.median)) }},
			line{Name: "p95", Class: "second", of: func(s sample) float64 { return known(float64(s.tail)) }}),
		h.draw("Workers and queue", countName, niceCount,
			line{Name: "busy", Class: "area", area: true, of: func(s sample) float64 { return float64(s.busy) }},
			line{Name: "slots", Class: "limit", of: func(s sample) float64 { return known(float64(s.workers)) }},
			line{Name: "queue", Class: "second", quiet: true, of: func(s sample) float64 { return float64(s.queue) }}),
	}
}

// row is five minutes of the hour in figures.
type row struct {
	From  string
	Cells []string
}

// tableStep is the time of one row.
const tableStep = 5 * time.Minute

// table returns the hour in rows, the oldest first. Without samples there is none.
func (h hourly) table() (rows []row) {
	for rest := h.samples; len(rest) > 0; {
		begin := rest[0].at.Truncate(tableStep)
		n := 0
		for n < len(rest) && rest[n].at.Sub(begin) < tableStep {
			n++
		}
		rows = append(rows, rowOf(begin, rest[:max(n, 1)]))
		rest = rest[max(n, 1):]
	}
	return rows
}

func rowOf(begin time.Time, samples []sample) row {
	mean := func(of func(sample) float64) float64 {
		sum := 0.0
		for _, s := range samples {
			sum += of(s)
		}
		return sum / float64(len(samples))
	}
	longest := func(of func(sample) float32) string {
		found := float32(0)
		for _, s := range samples {
			found = max(found, of(s))
		}
		if found == 0 {
			return none
		}
		return inTime(float64(found))
	}
	bound := none
	if last := samples[len(samples)-1].bound; last > 0 {
		bound = inBytes(last)
	}
	return row{begin.Local().Format("15:04"), []string{
		inBytes(uint64(mean(func(s sample) float64 { return float64(s.memory) }))), bound,
		inRate(mean(func(s sample) float64 { return float64(s.rate) })), inRate(mean(func(s sample) float64 { return float64(s.errors) })),
		longest(func(s sample) float32 { return s.median }), longest(func(s sample) float32 { return s.tail }),
		inRate(mean(func(s sample) float64 { return float64(s.busy) })), inRate(mean(func(s sample) float64 { return float64(s.queue) })),
	}}
}
