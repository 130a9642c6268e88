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
	"schload/telemetry/histogram"
)

// scene is a round of a run, and what its figures share: all rounds have the
// same scales.
type scene struct {
	run        series.Run
	round      series.Round
	first, end int // columns
	axis       chart.Time
	scales     scales
}

// scales are those of values.
type scales struct {
	rate     chart.Linear // operations per second
	times    chart.Log    // response times, by band
	quantile chart.Log    // response times, by percentile
	longest  uint64       // the most samples of a part: how far percentiles reach
	heat     float64      // the most samples a second in a cell of the heat map
	failures chart.Linear // per second
	nodes    chart.Linear // connections
}

// scalesOf looks at all rounds.
func scalesOf(run series.Run) scales {
	var s scales
	var rate, failures, connections float64
	first, last := len(series.Bands{}), 0
	for _, a := range run.Arms {
		for i, c := range a.Cells {
			seconds := run.Columns[i].Length().Seconds()
			rate = max(rate, float64(c.OK+c.Failed+c.Missed)/seconds)
			for _, n := range c.Failures {
				failures = max(failures, float64(n)/seconds)
			}
			for _, n := range c.Connections {
				connections = max(connections, float64(n))
			}
			if low, high, ok := c.Times.Range(); ok {
				first, last = min(first, low), max(last, high)
				for row := low / heatRow; row <= high/heatRow; row++ {
					s.heat = max(s.heat, float64(rowCount(c.Times, row))/seconds)
				}
			}
		}
	}
	s.rate, s.failures, s.nodes = chart.NewLinear(rate), chart.NewLinear(failures), chart.NewLinear(connections)
	s.times = chart.NewLog(series.Upper(first-1), series.Upper(last))
	shortest, longest := time.Duration(1<<62), time.Duration(0)
	for _, a := range run.Arms {
		for _, h := range a.Times {
			shortest, longest = min(shortest, h.Min()), max(longest, h.Max())
			s.longest = max(s.longest, h.Count())
		}
	}
	s.quantile = chart.NewLog(shortest, longest)
	return s
}

func newScene(run series.Run, round series.Round, s scales) scene {
	first, end := round.Columns(run.Columns)
	return scene{run, round, first, end, chart.Time{From: round.From, To: round.To}, s}
}

// id names a figure of the round.
func (s scene) id(name string) string { return name + "-" + strconv.Itoa(s.round.Number) }

// group is that of the figures over time.
func (s scene) group() string { return "round-" + strconv.Itoa(s.round.Number) }

// shades are the phases; told says whether they are named.
func (s scene) shades(told bool) (shades []chart.Shade) {
	for _, p := range s.round.Phases {
		shade := chart.Shade{From: s.axis.At(p.From), To: s.axis.At(p.To), Class: p.Name}
		if told {
			shade.Text = p.Name
		}
		shades = append(shades, shade)
	}
	return shades
}

// cells are those of an arm in the round.
func (s scene) cells(a series.Arm) []series.Cell { return a.Cells[s.first:s.end] }

// over is the horizontal extent of a column of the round.
func (s scene) over(i int) (from, to float64) {
	c := s.run.Columns[s.first+i]
	return s.axis.At(c.From), s.axis.At(c.To)
}

// data is a readout without series: its places are the columns.
func (s scene) data() chart.Data {
	var d chart.Data
	for _, c := range s.run.Columns[s.first:s.end] {
		d.At = append(d.At, chart.Place(s.axis.At(c.From+c.Length()/2)))
		d.Names = append(d.Names, between(c.From, c.To))
	}
	return d
}

// between spells a stretch of time.
func between(from, to time.Duration) string {
	return fmt.Sprintf("%.1f to %.1f s", from.Seconds(), to.Seconds())
}

// mostRows is how many rows a table of numbers has: columns are added up so
// that there are no more.
const mostRows = 40

// parts divides the columns of the round into stretches for a table.
func (s scene) parts() (parts [][2]int) {
	n := s.end - s.first
	each := max(1, (n+mostRows-1)/mostRows)
	for i := 0; i < n; i += each {
		parts = append(parts, [2]int{i, min(i+each, n)})
	}
	return parts
}

// table lists the round by time; head and row are of one arm.
func (s scene) table(head []string, row func(series.Cell) []string) chart.Table {
	t := chart.Table{Head: []string{"time"}}
	for _, a := range s.run.Arms {
		for _, h := range head {
			t.Head = append(t.Head, a.Name+" "+h)
		}
	}
	for _, p := range s.parts() {
		from, to := s.run.Columns[s.first+p[0]].From, s.run.Columns[s.first+p[1]-1].To
		line := []string{between(from, to)}
		for _, a := range s.run.Arms {
			line = append(line, row(series.Join(s.cells(a)[p[0]:p[1]]))...)
		}
		t.Rows = append(t.Rows, line)
	}
	return t
}

// armClass styles lines of an arm.
func armClass(i int) string { return "line arm" + strconv.Itoa(i%6) }

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
			Title: a.Name, Height: height, X: s.axis.Ticks(), Y: y, Shades: s.shades(false), Label: s.heatLabel(a),
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
			parts = append(parts, fmt.Sprintf("%s p50 %s, p99 %s, longest %s", p, span(h.Quantile(0.5)), span(h.Quantile(0.99)), span(h.Max())))
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
			parts = append(parts, fmt.Sprintf("%s p50 %s, p99 %s, longest %s", a.Name, span(h.Quantile(0.5)), span(h.Quantile(0.99)), span(h.Max())))
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
	for _, q := range []string{"p50", "p90", "p99", "p99.9", "p99.99", "max"} {
		t.Rows = append(t.Rows, []string{q})
	}
	for _, phase := range s.phaseNames() {
		for _, a := range s.run.Arms {
			h := a.Times[series.Part{Round: s.round.Number, Phase: phase}]
			if h == nil || h.Count() == 0 {
				continue
			}
			values := chart.Series{Name: phase + " " + a.Name}
			for _, q := range quantile {
				values.Values = append(values.Values, atQuantile(h, q))
			}
			d.Series = append(d.Series, values)
			t.Head = append(t.Head, values.Name)
			for i, q := range []float64{0.5, 0.9, 0.99, 0.999, 0.9999, 1} {
				t.Rows[i] = append(t.Rows[i], atQuantile(h, q))
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
		p := chart.Panel{Title: a.Name, Height: lane * len(classes), X: s.axis.Ticks(), Shades: s.shades(false), Lanes: true, Label: s.failureLabel(a, classes)}
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
		p := chart.Panel{Title: a.Name, Height: height, X: s.axis.Ticks(), Y: y, Shades: s.shades(false), Shapes: []chart.Shape{chart.Grid(y, height)}}
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

func orNone(text string) string {
	if text == "" {
		return "0"
	}
	return text
}
