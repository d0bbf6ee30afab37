package report

import (
	"bytes"
	"fmt"
	"html"
	"image/color"
	"regexp"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// svg returns the graph as a file of its own, on white: a program that shows a file does not say
// whether its page is dark.
func (g *graph) svg() ([]byte, error) {
	drawn, err := g.drawSVG(color.White, graphWidth)
	if err != nil {
		return nil, err
	}
	return []byte(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + drawn), nil
}

// inlineSVG returns the graph as elements of the page: they have no background, and the page's
// style can change their colours, which are the variables of shades. One is for a wide page and one for
// a narrow one, and the style shows one of them.
func (g *graph) inlineSVG() (string, error) {
	wide, err := g.inline(graphWidth)
	if err != nil {
		return "", err
	}
	forPhones := *g
	forPhones.id += "-narrow"
	narrow, err := forPhones.inline(narrowWidth)
	if err != nil {
		return "", err
	}
	return `<div class="broad">` + "\n" + wide + "</div>\n" + `<div class="narrow">` + "\n" + narrow + "</div>\n", nil
}

func (g *graph) inline(width vg.Length) (string, error) {
	drawn, err := g.drawSVG(nil, width)
	if err != nil {
		return "", err
	}
	var pairs []string
	for _, shade := range g.shades() {
		pairs = append(pairs, ":"+shade.light, fmt.Sprintf(":var(%s,%s)", shade.name, shade.light))
	}
	replacer := strings.NewReplacer(pairs...)
	// Texts have their quotes escaped, so this finds attributes alone.
	return styleAttribute().ReplaceAllStringFunc(drawn, replacer.Replace), nil
}

func styleAttribute() *regexp.Regexp { return regexp.MustCompile(`style="[^"]*"`) }

// shade is a colour of a graph on light and on dark.
type shade struct{ name, light, dark string }

func (g *graph) shades() []shade {
	found := []shade{
		{"--ink", hex(ink()), "#E6EDF3"},
		{"--pale", hex(pale()), "#3A424C"},
		{"--past", hex(past()), "#9AA3AD"},
	}
	for i := range g.series {
		if s := &g.series[i]; s.color != past() {
			found = append(found, shade{fmt.Sprintf("--%s-%d", strings.TrimSuffix(g.id, "-narrow"), i), hex(s.color), s.dark})
		}
	}
	return found
}

func (g *graph) drawSVG(background color.Color, width vg.Length) (string, error) {
	canvas := vgsvg.New(width, graphHeight)
	g.draw(draw.New(canvas), background)
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return "", fmt.Errorf("draw %s.svg: %w", g.id, err)
	}
	_, body, found := strings.Cut(out.String(), `xmlns:xlink="http://www.w3.org/1999/xlink">`)
	if !found {
		return "", fmt.Errorf("draw %s.svg: find the end of its head", g.id)
	}
	body = strings.ReplaceAll(body, "font-family:Liberation Sans;",
		"font-family:'Liberation Sans',Arimo,Arial,Helvetica,sans-serif;")
	return g.svgHead(width) + body, nil
}

// svgHead returns the start of the element, which names the graph for those who do not see it. The
// one of vgsvg does not.
func (g *graph) svgHead(width vg.Length) string {
	w, h := width.Points(), graphHeight.Points()
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%g" height="%g" viewBox="0 0 %g %g"`+
		` role="img" aria-labelledby="%s-title %s-desc">`+"\n"+
		`<title id="%s-title">%s</title>`+"\n"+`<desc id="%s-desc">%s</desc>`,
		w*1.5, h*1.5, w, h, g.id, g.id, g.id, html.EscapeString(g.title), g.id, html.EscapeString(g.desc))
}
