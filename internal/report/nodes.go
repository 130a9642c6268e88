package report

import (
	"fmt"
	"slices"
	"strings"

	"schload/internal/report/chart"
	"schload/internal/series"
)

// mostNodes is how many lines a panel of connections has; the rest is one.
const mostNodes = 6

// connectionFigure is the connections per node over time; false without any.
func (s scene) connectionFigure() (chart.Figure, bool) {
	var nodes []string
	for _, a := range s.run.Arms {
		for _, n := range a.Nodes() {
			if !slices.Contains(nodes, n) {
				nodes = append(nodes, n)
			}
		}
	}
	if len(nodes) == 0 {
		return chart.Figure{}, false
	}
	shown := nodes[:min(mostNodes, len(nodes))]
	const height = 130
	f := chart.Figure{
		ID: s.id("connections"), Group: s.group(), Title: "Connections per node", Beside: true, Data: s.data(),
		Note: "Open connections at the end of each interval.",
	}
	if more := len(nodes) - len(shown); more > 0 {
		f.Note += fmt.Sprintf(" %d more nodes are not drawn.", more)
	}
	for i, n := range shown {
		f.Legend = append(f.Legend, chart.Key{Class: armClass(i), Text: n, Line: true})
	}
	y := s.scales.nodes.Ticks()
	for _, a := range s.run.Arms {
		p := chart.Panel{Title: a.Name, Height: height, X: s.axis.Ticks(), Y: y, Shades: s.shadesOf(a.Name), Shapes: []chart.Shape{chart.Grid(y, height)}}
		var ends []string
		for i, node := range shown {
			values := chart.Series{Name: a.Name + " " + node}
			var points []chart.Point
			for c, cell := range s.cells(a) {
				n := cell.Connections[node]
				from, to := s.over(c)
				at := s.scales.nodes.At(float64(n))
				points = append(points, chart.Point{X: from, Y: at}, chart.Point{X: to, Y: at})
				values.Values = append(values.Values, some(n))
			}
			if n := len(values.Values); n > 0 {
				ends = append(ends, fmt.Sprintf("%s from %s to %s", node, orNone(values.Values[0]), orNone(values.Values[n-1])))
			}
			p.Shapes = append(p.Shapes, chart.Shape{Class: armClass(i), Path: chart.Line(points, height)})
			f.Data.Series = append(f.Data.Series, values)
		}
		p.Label = "Connections of arm " + a.Name + " per node: " + strings.Join(ends, "; ") + "."
		f.Panels = append(f.Panels, p)
	}
	f.Table = s.table(shown, func(c series.Cell) (row []string) {
		for _, n := range shown {
			row = append(row, count(c.Connections[n]))
		}
		return row
	})
	return f, true
}
