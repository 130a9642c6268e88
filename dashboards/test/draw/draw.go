// Package draw makes pictures of boards: the answers to their queries, in the
// places and units that the boards give, as SVG. It is no Grafana: it shows what
// the queries return, and not what Grafana makes of it.
package draw

import (
	"context"
	"fmt"
	"html"
	"io"
	"strings"
	"time"

	"schload/dashboards"
	"schload/dashboards/test/view"
)

const (
	column = 60 // pixels a column of the grid is wide
	row    = 30 // and a row high
	margin = 6
)

// canvas collects SVG; the first error is kept.
type canvas struct {
	ctx  context.Context
	view *view.View
	out  strings.Builder
	// shaded are the spans at which the board's annotations are above 0.
	shaded []shade
	err    error
}

type shade struct {
	from, to time.Time
	color    string
}

// box is where something is drawn, in pixels.
type box struct{ x, y, w, h float64 }

func (b box) inset(left, top, right, bottom float64) box {
	return box{b.x + left, b.y + top, b.w - left - right, b.h - top - bottom}
}

// Board draws a board; origin says where the answers come from.
func Board(ctx context.Context, w io.Writer, v *view.View, origin string) error {
	c := &canvas{ctx: ctx, view: v}
	c.shade()
	bottom := 0
	for _, p := range v.Board.Panels {
		bottom = max(bottom, p.GridPos.Y+p.GridPos.H)
		c.place(p)
	}
	width, height := 24*column, (bottom+2)*row
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="DejaVu Sans, sans-serif" font-size="11" fill="#ccccdc">`+"\n",
		width, height, width, height)
	fmt.Fprintf(w, `<rect width="%d" height="%d" fill="#111217"/>`+"\n", width, height)
	fmt.Fprintf(w, `<text x="%d" y="24" font-size="17">%s</text><text x="%d" y="44" fill="#8e8e9a">%s</text><text x="%d" y="24" text-anchor="end" fill="#8e8e9a">preview of the board's queries, %s; Grafana itself was not run</text>`+"\n",
		margin, html.EscapeString(v.Board.Title), margin, html.EscapeString(c.choice()), width-margin, html.EscapeString(origin))
	_, err := io.WriteString(w, c.out.String()+"</svg>\n")
	if c.err != nil {
		return c.err
	}
	return err
}

// choice tells what is chosen.
func (c *canvas) choice() string {
	var out []string
	for _, v := range c.view.Board.Templating.List[1:] {
		out = append(out, v.Label+": "+strings.Join(c.view.Values(v.Name), ", "))
	}
	return strings.Join(out, " · ")
}

func (c *canvas) shade() {
	for _, a := range c.view.Board.Annotations.List {
		series, err := c.view.Series(c.ctx, dashboards.Target{Expr: a.Expr})
		c.fail(err)
		for _, s := range series {
			c.spans(s, func(from, to time.Time, value float64) {
				if value > 0 {
					c.shaded = append(c.shaded, shade{from, to, a.IconColor})
				}
			})
		}
	}
}

// spans calls of for each span of time in which a series keeps a value.
func (c *canvas) spans(s view.Series, of func(from, to time.Time, value float64)) {
	for i := 0; i < len(s.Samples); {
		j := i
		for j+1 < len(s.Samples) && s.Samples[j+1].F == s.Samples[i].F && s.Samples[j+1].T-s.Samples[j].T <= c.view.Step.Milliseconds() {
			j++
		}
		of(time.UnixMilli(s.Samples[i].T), time.UnixMilli(s.Samples[j].T).Add(c.view.Step), s.Samples[i].F)
		i = j + 1
	}
}

func (c *canvas) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

func (c *canvas) printf(format string, args ...any) { fmt.Fprintf(&c.out, format, args...) }

func (c *canvas) text(x, y float64, color, anchor, text string) {
	c.printf(`<text x="%.1f" y="%.1f" fill="%s" text-anchor="%s">%s</text>`+"\n", x, y, color, anchor, html.EscapeString(text))
}

// place draws a panel where it lies, and copies of it side by side when it
// repeats.
func (c *canvas) place(p dashboards.Panel) {
	b := box{float64(p.GridPos.X) * column, float64(p.GridPos.Y+2) * row, float64(p.GridPos.W) * column, float64(p.GridPos.H) * row}
	if p.Repeat == "" {
		c.panel(p, b)
		return
	}
	whole, values := c.view, c.view.Values(p.Repeat)
	for i, value := range values {
		c.view = whole.With(p.Repeat, value)
		w := b.w / float64(len(values))
		c.panel(p, box{b.x + float64(i)*w, b.y, w, b.h})
	}
	c.view = whole
}

func (c *canvas) panel(p dashboards.Panel, b box) {
	title := c.view.Expand(p.Title)
	if p.Type == "row" {
		c.printf(`<text x="%.1f" y="%.1f" font-size="13" fill="#ffffff">%s</text>`+"\n", b.x+margin, b.y+20, html.EscapeString(title))
		return
	}
	b = b.inset(2, 2, 2, 2)
	c.printf(`<svg x="%.1f" y="%.1f" width="%.1f" height="%.1f"><rect width="100%%" height="100%%" rx="3" fill="#181b1f" stroke="#2c3036"/>`+"\n", b.x, b.y, b.w, b.h)
	c.text(margin, 16, "#e8e8f0", "start", title)
	inner := box{0, 0, b.w, b.h}.inset(margin, 24, margin, margin)
	var all []view.Series
	for _, target := range p.Targets {
		series, err := c.view.Series(c.ctx, target)
		if err != nil {
			c.fail(fmt.Errorf("panel %q: %w", p.Title, err))
		}
		all = append(all, series...)
	}
	switch {
	case len(all) == 0:
		empty := "No data"
		if text := p.FieldConfig.Defaults.NoValue; text != "" {
			empty = text
		}
		c.text(b.w/2, b.h/2, "#8e8e9a", "middle", empty)
	case p.Type == "bargauge":
		c.bars(p, inner, all)
	case p.Type == "timeseries":
		c.graph(p, inner, all)
	case p.Type == "state-timeline":
		c.timeline(p, inner, all)
	case p.Type == "heatmap":
		c.heatmap(inner, all)
	case p.Type == "table":
		c.table(p, inner, all)
	case p.Type == "stat":
		for i, s := range all {
			c.text(inner.x, inner.y+14+16*float64(i), "#ccccdc", "start", s.Name)
		}
	default:
		c.fail(fmt.Errorf("panel %q: panels of type %s are not drawn", p.Title, p.Type))
	}
	c.printf("</svg>\n")
}
