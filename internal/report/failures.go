package report

import (
	"slices"
	"strings"

	"schload/internal/report/chart"
	"schload/internal/series"
)

// failureFigure is what failed, by class, over time; false if nothing did.
func (s scene) failureFigure() (chart.Figure, bool) {
	var classes []string
	for _, a := range s.run.Arms {
		for _, c := range s.cells(a) {
			for class := range c.Failures {
				classes = append(classes, class)
			}
		}
	}
	slices.Sort(classes)
	classes = slices.Compact(classes)
	if len(classes) == 0 {
		return chart.Figure{}, false
	}
	const lane = 30
	f := chart.Figure{
		ID: s.id("failures"), Group: s.group(), Title: "Failures by class", Beside: true, Data: s.data(),
		Note: "Operations that ended in error, or were missed, each class in its lane; a full lane is " + three(s.scales.failures.To) + " a second.",
	}
	for _, a := range s.run.Arms {
		p := chart.Panel{Title: a.Name, Height: lane * len(classes), X: s.axis.Ticks(), Shades: s.shadesOf(a.Name), Lanes: true, Label: s.failureLabel(a, classes)}
		for l, class := range classes {
			p.Y = append(p.Y, chart.Tick{At: (float64(l) + 0.5) / float64(len(classes)), Text: class})
			values := chart.Series{Name: a.Name + " " + class}
			var bars []chart.Bar
			base := 1 - float64(l+1)/float64(len(classes))
			for i, c := range s.cells(a) {
				n := c.Failures[class]
				values.Values = append(values.Values, some(n))
				if n > 0 {
					from, to := s.over(i)
					rate := float64(n) / s.run.Columns[s.first+i].Length().Seconds()
					bars = append(bars, chart.Bar{From: from, To: to, Low: base, High: base + max(0.1, s.scales.failures.At(rate))*0.9/float64(len(classes))})
				}
			}
			p.Shapes = append(p.Shapes, chart.Shape{Class: "failed", Path: chart.Bars(bars, p.Height)})
			f.Data.Series = append(f.Data.Series, values)
		}
		p.Shapes = append(p.Shapes, laneLines(len(classes), p.Height))
		f.Panels = append(f.Panels, p)
	}
	f.Table = s.table(classes, func(c series.Cell) (row []string) {
		for _, class := range classes {
			row = append(row, count(c.Failures[class]))
		}
		return row
	})
	return f, true
}

func (s scene) failureLabel(a series.Arm, classes []string) string {
	sum := series.Join(s.cells(a))
	var parts []string
	for _, class := range classes {
		parts = append(parts, count(sum.Failures[class])+" "+class)
	}
	return "Failures of arm " + a.Name + " over time: " + strings.Join(parts, ", ") + "."
}

// laneLines part lanes.
func laneLines(lanes, height int) chart.Shape {
	var ticks []chart.Tick
	for i := 1; i < lanes; i++ {
		ticks = append(ticks, chart.Tick{At: float64(i) / float64(lanes)})
	}
	return chart.Grid(ticks, height)
}
