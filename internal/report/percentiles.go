package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"schload/internal/report/chart"
	"schload/internal/series"
	"schload/telemetry/histogram"
)

// percentileFigure is the latency by percentile.
func (s scene) percentileFigure() chart.Figure {
	const height = 200
	f := chart.Figure{
		ID: s.id("percentiles"), Title: "Response time by percentile", Beside: true,
		Note: "Of successes. To the right stand the slowest: each nine is a tenth of what is left. A line ends at its longest time.",
	}
	y := s.scales.quantile.Ticks()
	decades := nines(s.scales.longest)
	if len(s.run.Arms) > 1 {
		for i, a := range s.run.Arms {
			f.Legend = append(f.Legend, chart.Key{Class: armClass(i), Text: a.Name, Line: true})
		}
	}
	f.Data, f.Table = s.percentileData(decades)
	for _, phase := range s.phaseNames() {
		p := chart.Panel{
			Title: phase, Height: height, X: percentTicks(decades), Y: y, Label: s.percentileLabel(phase),
			Shapes: []chart.Shape{chart.Grid(y, height)},
		}
		for i, a := range s.run.Arms {
			if h := a.Times[series.Part{Round: s.round.Number, Phase: phase}]; h != nil && h.Count() > 0 {
				p.Shapes = append(p.Shapes, chart.Shape{Class: armClass(i), Path: chart.Line(s.quantiles(h, decades), height)})
			}
		}
		f.Panels = append(f.Panels, p)
	}
	return f
}

func (s scene) percentileLabel(phase string) string {
	var parts []string
	for _, a := range s.run.Arms {
		if h := a.Times[series.Part{Round: s.round.Number, Phase: phase}]; h != nil && h.Count() > 0 {
			parts = append(parts, fmt.Sprintf("%s p50 %s, p99 %s, longest %s of %s successes", a.Name, span(h.Quantile(0.5)), span(h.Quantile(0.99)), span(h.Max()), count(h.Count())))
		}
	}
	return "Response time by percentile in " + phase + ": " + strings.Join(parts, "; ") + "."
}

// nines is how many decades of 1/(1-p) it takes to show that many samples.
func nines(samples uint64) int {
	n := 1
	for x := uint64(10); x < samples && n < 7; x *= 10 {
		n++
	}
	return n
}

// perDecade is how many points a line has in each of them.
const perDecade = 12

// quantileAt is the share of samples up to a point: 0, ..., 0.9, ..., 0.99.
func quantileAt(point int) float64 { return 1 - math.Pow(10, -float64(point)/perDecade) }

func (s scene) quantiles(h *histogram.Histogram, decades int) (points []chart.Point) {
	n := h.Count()
	for i := range decades*perDecade + 1 {
		q, x := quantileAt(i), float64(i)/float64(decades*perDecade)
		if (1-q)*float64(n) < 1 { // there is no sample beyond
			return append(points, chart.Point{X: x, Y: s.scales.quantile.At(h.Max())})
		}
		points = append(points, chart.Point{X: x, Y: s.scales.quantile.At(h.Quantile(q))})
	}
	return points
}

func percentTicks(decades int) []chart.Tick {
	ticks := []chart.Tick{{At: 0, Text: "0 %"}}
	text := "90"
	for i := 1; i <= decades; i++ {
		ticks = append(ticks, chart.Tick{At: float64(i) / float64(decades), Text: text + " %", Minor: i%2 == 1 && decades > 2})
		switch i {
		case 1:
			text = "99"
		case 2:
			text = "99.9"
		default:
			text += "9"
		}
	}
	return ticks
}

// percentileData is the readout and the table: one series for each arm and phase.
func (s scene) percentileData(decades int) (d chart.Data, t chart.Table) {
	t.Head = []string{"percentile"}
	var quantile []float64
	for i := range decades*perDecade + 1 {
		q := quantileAt(i)
		quantile = append(quantile, q)
		d.At = append(d.At, chart.Place(float64(i)/float64(decades*perDecade)))
		d.Names = append(d.Names, "p"+strconv.FormatFloat(100*q, 'f', max(1, i/perDecade), 64))
	}
	for _, q := range []string{"n", "p50", "p90", "p99", "p99.9", "p99.99", "max"} {
		t.Rows = append(t.Rows, []string{q})
	}
	for _, phase := range s.phaseNames() {
		for _, a := range s.run.Arms {
			h := a.Times[series.Part{Round: s.round.Number, Phase: phase}]
			if h == nil || h.Count() == 0 {
				continue
			}
			values := chart.Series{Name: phase + " " + a.Name + " (of " + count(h.Count()) + ")"}
			for _, q := range quantile {
				values.Values = append(values.Values, atQuantile(h, q))
			}
			d.Series = append(d.Series, values)
			t.Head = append(t.Head, phase+" "+a.Name)
			t.Rows[0] = append(t.Rows[0], count(h.Count()))
			for i, q := range []float64{0.5, 0.9, 0.99, 0.999, 0.9999, 1} {
				t.Rows[i+1] = append(t.Rows[i+1], atQuantile(h, q))
			}
		}
	}
	return d, t
}

// atQuantile spells a quantile, nothing where there are too few samples.
func atQuantile(h *histogram.Histogram, q float64) string {
	if q < 1 && (1-q)*float64(h.Count()) < 1 {
		return ""
	}
	return span(h.Quantile(q))
}
