package report

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

const (
	graphWidth  = 640 * vg.Length(1)
	graphHeight = 400 * vg.Length(1)
	// narrowWidth is for a phone: the wide graph would be cut there, or its letters too small to read.
	narrowWidth = 340 * vg.Length(1)
	// graphDPI makes the picture sharp on screens of two pixels a point.
	graphDPI = 144
)

// graph is lines over axes that begin at 0.
type graph struct {
	id     string // of its element, and the name of its files
	title  string
	desc   string // what it shows, for those who do not see it
	x, y   string // what the axes count
	xMax   float64
	xTicks []float64 // nil: wherever they fit
	series []series
}

// series is a line and the points that are marked on it.
type series struct {
	name   string
	color  color.RGBA
	dark   string
	shape  draw.GlyphDrawer // nil: no points
	dashes []vg.Length
	line   plotter.XYs
	points plotter.XYs
}

func (s *series) plotters() (*plotter.Line, *plotter.Scatter) {
	width := vg.Points(2)
	if s.dashes != nil {
		width = vg.Points(1.5)
	}
	line := &plotter.Line{XYs: s.line, LineStyle: draw.LineStyle{Color: s.color, Width: width, Dashes: s.dashes}}
	if s.shape == nil {
		return line, nil
	}
	return line, &plotter.Scatter{XYs: s.points,
		GlyphStyle: draw.GlyphStyle{Color: s.color, Radius: vg.Points(4.5), Shape: s.shape}}
}

// png returns the graph on white.
func (g *graph) png() ([]byte, error) {
	canvas := vgimg.NewWith(vgimg.UseWH(graphWidth, graphHeight), vgimg.UseDPI(graphDPI))
	g.draw(draw.New(canvas), color.White)
	var out bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(&out); err != nil {
		return nil, fmt.Errorf("draw %s.png: %w", g.id, err)
	}
	return out.Bytes(), nil
}

// draw draws, from the top: the title, the legend in as many rows as it takes, the plot.
// A legend among the lines would hide some of them in one graph or another.
func (g *graph) draw(c draw.Canvas, background color.Color) {
	if background != nil {
		c.SetColor(background)
		c.Fill(c.Path())
	}
	c = draw.Crop(c, vg.Points(12), -vg.Points(16), vg.Points(10), -vg.Points(12))
	title := textStyle(15)
	title.YAlign = draw.YTop
	for _, line := range broken(title, g.title, c.Max.X-c.Min.X) {
		c.FillText(title, vg.Point{X: c.Min.X, Y: c.Max.Y}, line)
		c.Max.Y -= vg.Points(20)
	}
	c.Max.Y -= vg.Points(6)
	c.Max.Y = g.drawLegend(c) - vg.Points(10)
	// The name of the upright axis is above it: it reads better than turned.
	name := textStyle(12)
	name.YAlign = draw.YTop
	c.FillText(name, vg.Point{X: c.Min.X, Y: c.Max.Y}, g.y)
	c.Max.Y -= vg.Points(22)
	g.plot().Draw(c)
}

// broken returns a text in lines that have room, broken between words.
func broken(style text.Style, content string, room vg.Length) []string {
	var lines []string
	for _, word := range strings.Fields(content) {
		last := len(lines) - 1
		if last >= 0 && style.Width(lines[last]+" "+word)*fontSlack <= room {
			lines[last] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}

func (g *graph) plot() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	grid := plotter.NewGrid()
	grid.Vertical.Color = nil
	grid.Horizontal.Color, grid.Horizontal.Width = pale(), vg.Points(0.75)
	p.Add(grid)
	yMax := 0.0
	for _, s := range g.inPlace() {
		line, points := s.plotters()
		if len(line.XYs) > 1 {
			p.Add(line)
		}
		if points != nil && len(points.XYs) > 0 {
			p.Add(points)
		}
		for _, at := range s.line {
			yMax = max(yMax, at.Y)
		}
	}
	axis(&p.X, g.x, g.xMax)
	axis(&p.Y, "", yMax*1.04)
	p.Y.Tick.Label.XAlign, p.Y.Tick.Label.YAlign = draw.XRight, draw.YCenter
	p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = draw.XCenter, draw.YTop
	if g.xTicks != nil {
		p.X.Tick.Marker = fixedTicks(g.xTicks)
	}
	return p
}

// inPlace returns the lines of 2007 first, so that those of today lie over them.
func (g *graph) inPlace() []*series {
	var below, above []*series
	for i := range g.series {
		if s := &g.series[i]; s.dashes != nil {
			below = append(below, s)
		} else {
			above = append(above, s)
		}
	}
	return append(below, above...)
}

func axis(a *plot.Axis, name string, end float64) {
	if end <= 0 {
		end = 1
	}
	a.Min, a.Max = 0, end
	a.Padding = 0
	a.Color, a.Width = ink(), vg.Points(0.75)
	a.Label.Text = name
	a.Label.TextStyle = textStyle(12)
	a.Label.TextStyle.XAlign = draw.XCenter
	a.Label.Padding = vg.Points(6)
	a.Tick.Label = textStyle(12)
	a.Tick.Color, a.Tick.Width, a.Tick.Length = ink(), vg.Points(0.75), vg.Points(5)
	a.Tick.Marker = plot.TickerFunc(roundTicks)
}

// maxSteps bounds the parts of an axis. plot's own ticks are two or three in all.
const maxSteps = 7

// roundTicks returns ticks at multiples of 1, 2 or 5 times a power of ten.
func roundTicks(_, high float64) []plot.Tick {
	power := math.Pow10(int(math.Floor(math.Log10(high / maxSteps))))
	step := 10 * power
	for _, factor := range []float64{5, 2, 1} {
		if high/(factor*power) <= maxSteps {
			step = factor * power
		}
	}
	var values []float64
	for i := 0; float64(i)*step <= high; i++ {
		values = append(values, math.Round(float64(i)*step*1e6)/1e6)
	}
	return fixedTicks(values)
}

func fixedTicks(values []float64) plot.ConstantTicks {
	ticks := make([]plot.Tick, len(values))
	for i, value := range values {
		ticks[i] = plot.Tick{Value: value, Label: strconv.FormatFloat(value, 'f', -1, 64)}
	}
	return ticks
}

// textStyle has a font that comes with the plotting library, so nothing depends on
// those of a machine; where an SVG's reader lacks it, Arial has the same widths.
func textStyle(size float64) text.Style {
	return text.Style{
		Color:   ink(),
		Font:    font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Points(size)},
		Handler: plot.DefaultTextHandler,
	}
}
