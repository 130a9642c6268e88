package report

import (
	"fmt"
	"strconv"
	"time"

	"schload/internal/report/chart"
	"schload/internal/series"
)

// scene is a round of a run, and what its figures share: all rounds have the
// same scales.
type scene struct {
	run        series.Run
	round      series.Round
	first, end int // columns
	axis       chart.Time
	scales     scales
	cell       string // of a matrix, before the names of figures; else empty
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
	return scene{run: run, round: round, first: first, end: end, axis: chart.Time{From: round.From, To: round.To}, scales: s}
}

// id names a figure of the round.
func (s scene) id(name string) string { return s.cell + name + "-" + strconv.Itoa(s.round.Number) }

// group is that of the figures over time.
func (s scene) group() string { return s.cell + "round-" + strconv.Itoa(s.round.Number) }

// shades are the phases, named; those of turns with the arm's name.
func (s scene) shades() (shades []chart.Shade) {
	for _, p := range s.round.Phases {
		shade := s.shade(p)
		shade.Text = p.Name
		if p.Arm != "" && p.Name == "maintenance" {
			shade.Text = p.Arm + ": " + p.Name
		}
		shades = append(shades, shade)
	}
	return shades
}

// shadesOf are the phases of an arm, which rests in the turns of others.
func (s scene) shadesOf(arm string) (shades []chart.Shade) {
	for _, p := range s.round.Phases {
		if p.Arm == "" || p.Arm == arm {
			shades = append(shades, s.shade(p))
		}
	}
	return shades
}

func (s scene) shade(p series.Phase) chart.Shade {
	return chart.Shade{From: s.axis.At(p.From), To: s.axis.At(p.To), Class: p.Name}
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

func orNone(text string) string {
	if text == "" {
		return "0"
	}
	return text
}
