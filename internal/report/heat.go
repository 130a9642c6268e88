package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"schload/internal/report/chart"
	"schload/internal/series"
)

// heatRow is how many bands a row of a heat map has.
const heatRow = series.PerOctave / 4

func rowCount(b *series.Bands, row int) (n uint64) {
	for i := row * heatRow; i < min((row+1)*heatRow, len(b)); i++ {
		n += b[i]
	}
	return n
}

// heatFigure is the response time over time.
func (s scene) heatFigure() chart.Figure {
	const height = 220
	f := chart.Figure{
		ID: s.id("heat"), Group: s.group(), Title: "Response time over time", Beside: true, Data: s.data(),
		Note: "Each cell counts the successes of that moment with that response time; the stronger its colour, the more. Counted where they ended. Failures have no place here.",
	}
	for i := range chart.Heats {
		from := math.Round(chart.HeatFrom(i, s.scales.heat)*10) / 10
		f.Legend = append(f.Legend, chart.Key{Class: chart.HeatClass(i), Text: strconv.FormatFloat(from, 'f', -1, 64)})
	}
	f.Legend[0].Text = "fewer"
	f.Legend[len(f.Legend)-1].Text += " a second or more"
	floor := s.scales.times.Place(series.Upper(-1))
	rows := chart.Rows{Floor: floor, Tall: s.scales.times.Place(series.Upper(heatRow-1)) - floor}
	for _, a := range s.run.Arms {
		var cells []chart.Heat
		count, p50, p99 := chart.Series{Name: a.Name + " successes"}, chart.Series{Name: "p50"}, chart.Series{Name: "p99"}
		for i, c := range s.cells(a) {
			cells = append(cells, s.heats(i, c.Times)...)
			count.Values = append(count.Values, some(c.Times.Count()))
			p50.Values = append(p50.Values, upTo(c.Times.Quantile(0.5)))
			p99.Values = append(p99.Values, upTo(c.Times.Quantile(0.99)))
		}
		f.Data.Series = append(f.Data.Series, count, p50, p99)
		y := s.scales.times.Ticks()
		f.Panels = append(f.Panels, chart.Panel{
			Title: a.Name, Height: height, X: s.axis.Ticks(), Y: y, Shades: s.shadesOf(a.Name), Label: s.heatLabel(a),
			Shapes: append([]chart.Shape{chart.Grid(y, height)}, chart.HeatMap(cells, s.scales.heat, rows, height)...),
		})
	}
	f.Table = s.table([]string{"n", "p50", "p99"}, func(c series.Cell) []string {
		return []string{count(c.Times.Count()), upTo(c.Times.Quantile(0.5)), upTo(c.Times.Quantile(0.99))}
	})
	return f
}

// heats are the cells of one column.
func (s scene) heats(column int, b *series.Bands) (cells []chart.Heat) {
	low, high, ok := b.Range()
	if !ok {
		return nil
	}
	from, to := s.over(column)
	seconds := s.run.Columns[s.first+column].Length().Seconds()
	for row := low / heatRow; row <= high/heatRow; row++ {
		n := rowCount(b, row)
		if n == 0 {
			continue
		}
		cells = append(cells, chart.Heat{From: from, To: to, Row: row, Value: float64(n) / seconds})
	}
	return cells
}

func (s scene) heatLabel(a series.Arm) string {
	var parts []string
	for _, p := range s.phaseNames() {
		if h := a.Times[series.Part{Round: s.round.Number, Phase: p}]; h != nil && h.Count() > 0 {
			parts = append(parts, fmt.Sprintf("%s p50 %s, p99 %s, longest %s of %s successes", p, span(h.Quantile(0.5)), span(h.Quantile(0.99)), span(h.Max()), count(h.Count())))
		}
	}
	return "Heat map of arm " + a.Name + ": response time over time. " + strings.Join(parts, "; ") + "."
}

// phaseNames are those of the round, each once, warm-up left out.
func (s scene) phaseNames() (names []string) {
	for _, p := range s.round.Phases {
		if p.Name != "warmup" && !slices.Contains(names, p.Name) {
			names = append(names, p.Name)
		}
	}
	return names
}

// upTo spells a duration known to 9 %.
func upTo(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return span(d)
}

// some spells a count, nothing for none.
func some(n uint64) string {
	if n == 0 {
		return ""
	}
	return count(n)
}
