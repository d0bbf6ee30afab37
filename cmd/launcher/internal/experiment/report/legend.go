package report

import (
	"unicode/utf8"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const (
	legendRow   = 18 * vg.Length(1)
	legendGap   = 18 * vg.Length(1)
	legendThumb = 30 * vg.Length(1)
	// fontSlack is room for an SVG's reader that has none of the fonts it names.
	fontSlack = 1.15
	// legendLetters bounds a name; tables have all of it.
	legendLetters = 40
)

// drawLegend fills rows at the top of c from the left, and returns the height at which
// what follows may begin. plot's own legend has one column and lies inside the plot.
func (g *graph) drawLegend(c draw.Canvas) vg.Length {
	style := textStyle(12)
	x, y := c.Min.X, c.Max.Y
	for i := range g.series {
		name := g.series[i].name
		width := legendThumb + vg.Points(6) + style.Width(name)*fontSlack
		if x > c.Min.X && x+width > c.Max.X {
			x, y = c.Min.X, y-legendRow
		}
		g.series[i].drawLegend(draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
			Min: vg.Point{X: x, Y: y - legendRow}, Max: vg.Point{X: x + width, Y: y}}}, name)
		x += width + legendGap
	}
	return y - legendRow
}

func (s *series) drawLegend(c draw.Canvas, name string) {
	thumb := c
	thumb.Max.X = c.Min.X + legendThumb
	line, points := s.plotters()
	line.Thumbnail(&thumb)
	if points != nil {
		points.Thumbnail(&thumb)
	}
	style := textStyle(12)
	style.YAlign = draw.YCenter
	c.FillText(style, vg.Point{X: thumb.Max.X + vg.Points(6), Y: c.Center().Y + style.FontExtents().Descent/2}, name)
}

func shorten(text string, letters int) string {
	if utf8.RuneCountInString(text) <= letters {
		return text
	}
	return string([]rune(text)[:letters-1]) + "…"
}
