package report

import (
	"fmt"
	"image/color"

	"launcher/cmd/launcher/internal/experiment"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// style tells a method's line from the others: by colour and, for those who
// see colours differently and on paper, by the shape of its points.
type style struct {
	color color.RGBA
	dark  string // the colour on a dark page, as CSS has it
	shape draw.GlyphDrawer
}

// styleOf returns the style of a method: of those that are known the same in every report, and of
// others, by their place, what is left. The colours are those of Okabe and Ito that have at least
// three times the contrast of white; their yellow, orange and sky blue have not.
func styleOf(method experiment.Method, place int) style {
	switch method {
	case experiment.Direct:
		return style{rgb(0xD55E00), "#FF8C42", draw.BoxGlyph{}}
	case experiment.Smart:
		return style{rgb(0x0072B2), "#56B4E9", draw.CircleGlyph{}}
	case experiment.Passenger:
		return style{rgb(0x009E73), "#2FC99A", draw.PyramidGlyph{}}
	case experiment.Unicorn:
		return style{rgb(0xCC79A7), "#E8A0C8", diamond()}
	case experiment.PumaForkWorker:
		return style{rgb(0x8C510A), "#D8A05B", bar()}
	case experiment.Pitchfork:
		return style{rgb(0x762A83), "#C29BD0", pillar()}
	case experiment.Falcon:
		return style{rgb(0x01665E), "#5AC8BE", bow()}
	case experiment.Puma:
		return style{rgb(0x4D4D4D), "#D0D0D0", wedge()}
	}
	others := []style{
		{rgb(0x8C510A), "#D8A05B", bar()},
		{rgb(0x762A83), "#C29BD0", pillar()},
		{rgb(0x01665E), "#5AC8BE", bow()},
	}
	return others[place%len(others)]
}

// The other colours of a graph: none is black, since vgsvg leaves out what is SVG's default,
// and a page could not make it light then.
func ink() color.RGBA  { return rgb(0x1F2328) }
func pale() color.RGBA { return rgb(0xD9DEE3) }
func past() color.RGBA { return rgb(0x767C83) }

func rgb(value uint32) color.RGBA {
	return color.RGBA{R: uint8(value >> 16), G: uint8(value >> 8), B: uint8(value), A: 0xFF}
}

func hex(c color.RGBA) string { return fmt.Sprintf("#%02X%02X%02X", c.R, c.G, c.B) }

// polygon is a filled shape of corners in units of the radius. plot's own crosses and
// rings are drawn too thin to be told apart.
type polygon []vg.Point

func (p polygon) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	corners := make([]vg.Point, len(p))
	for i, corner := range p {
		corners[i] = at.Add(corner.Scale(style.Radius))
	}
	c.FillPolygon(style.Color, corners)
}

func diamond() polygon { return polygon{{Y: 1.25}, {X: 1.25}, {Y: -1.25}, {X: -1.25}} }
func wedge() polygon   { return polygon{{X: -1.1, Y: 0.9}, {X: 1.1, Y: 0.9}, {Y: -1.1}} }
func bar() polygon {
	return polygon{{X: -1.2, Y: 0.55}, {X: 1.2, Y: 0.55}, {X: 1.2, Y: -0.55}, {X: -1.2, Y: -0.55}}
}
func pillar() polygon {
	return polygon{{X: -0.55, Y: 1.2}, {X: 0.55, Y: 1.2}, {X: 0.55, Y: -1.2}, {X: -0.55, Y: -1.2}}
}
func bow() polygon {
	return polygon{{X: -1.1, Y: 1}, {X: 1.1, Y: -1}, {X: 1.1, Y: 1}, {X: -1.1, Y: -1}}
}
