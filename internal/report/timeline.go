package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"schload/internal/report/chart"
	"schload/internal/series"
)

// laneHeight is that of a lane of the timeline, in pixels.
const laneHeight = 20

// timelineFigure is what happened to each arm, and what became of its
// operations, on one axis of time.
func (s scene) timelineFigure() chart.Figure {
	f := chart.Figure{
		ID: s.id("timeline"), Group: s.group(), Title: "Timeline", Data: s.data(),
		Note: "What was done, what each arm was told and did, and below it what became of its operations, by the second in which they ended.",
		Legend: []chart.Key{
			{Class: "ok", Text: "ok"}, {Class: "late", Text: "late"}, {Class: "failed", Text: "failed"}, {Class: "missed", Text: "missed"},
			{Class: "outage", Text: "outage"}, {Class: "brownout", Text: "brown-out"},
		},
	}
	if steps := s.stagePanel(); len(steps.Y) > 0 {
		f.Panels = append(f.Panels, steps)
	}
	lanes := s.lanes()
	for _, a := range s.run.Arms {
		f.Panels = append(f.Panels, s.lanePanel(a, lanes), s.operationsPanel(a))
		f.Data.Series = append(f.Data.Series, s.readouts(a, lanes)...)
	}
	f.Table = s.table([]string{"ok", "late", "failed", "missed"}, func(c series.Cell) []string {
		return []string{count(c.OK), count(c.Late), count(c.Failed), count(c.Missed)}
	})
	return f
}

// stagePanel has the phases' names, the steps of the stage by number and where
// the harness stood still.
func (s scene) stagePanel() chart.Panel {
	p := chart.Panel{Shades: s.shades(), Lanes: true}
	var at []float64
	for _, m := range s.round.Steps {
		at = append(at, s.axis.At(m.At))
	}
	names := []string{"phase"}
	if len(at) > 0 {
		names = append(names, "steps")
	}
	stalls := s.bars(s.run.Stalls, 0, 0)
	if len(stalls) > 0 {
		names = append(names, "harness stalls")
	}
	p.Height = laneHeight * len(names)
	for i, name := range names {
		p.Y = append(p.Y, chart.Tick{At: (float64(i) + 0.5) / float64(len(names)), Text: name})
		low, high := laneOf(i, len(names))
		switch name {
		case "steps":
			p.Shapes = append(p.Shapes, chart.Shape{Class: "line step", Path: chart.Stripes(at, low, high, p.Height)})
		case "harness stalls":
			p.Shapes = append(p.Shapes, chart.Shape{Class: "stall", Path: chart.Bars(s.bars(s.run.Stalls, low, high), p.Height)})
		}
	}
	p.X = stepTicks(at)
	p.Label = fmt.Sprintf("Phases of the round and %s of the upgrade, which are listed below.", plural(uint64(len(at)), "step"))
	return p
}

// stepTicks number the steps; those that stand close share a label.
func stepTicks(at []float64) (ticks []chart.Tick) {
	const digit, space = 0.03, 0.03
	free := 0.0
	for i := 0; i < len(at); {
		last := i
		for last+1 < len(at) && at[last+1] < at[i]+digit+space {
			last++
		}
		text := strconv.Itoa(i + 1)
		if last > i {
			text += "–" + strconv.Itoa(last+1)
		}
		half := digit * float64(len([]rune(text))) / 2
		x := max((at[i]+at[last])/2, free+half)
		ticks = append(ticks, chart.Tick{At: min(x, 1), Text: text})
		free = x + half + space/2
		i = last + 1
	}
	return ticks
}

// laneOf is the vertical extent of a lane, its margins left out.
func laneOf(i, n int) (low, high float64) {
	return 1 - (float64(i)+0.82)/float64(n), 1 - (float64(i)+0.18)/float64(n)
}

// bars are the spans that touch the round.
func (s scene) bars(spans []series.Span, low, high float64) (bars []chart.Bar) {
	for _, x := range spans {
		if x.To > s.round.From && x.From < s.round.To {
			from, to := s.axis.At(x.From), s.axis.At(x.To)
			bars = append(bars, chart.Bar{From: from, To: max(to, from+0.002), Low: low, High: high})
		}
	}
	return bars
}

const (
	outageLane = "out"
	worst      = 10 // kinds of marks that have a lane
)

// lanes are those that some arm has in the round: what it was told first, then
// what it did.
func (s scene) lanes() []string {
	found := map[string]bool{}
	harmed := false
	for _, a := range s.run.Arms {
		harmed = harmed || len(s.bars(a.Outages, 0, 0))+len(s.bars(a.BrownOuts, 0, 0)) > 0
		for _, l := range a.Lanes {
			for bin := range l.Bins {
				if s.round.Has(time.Duration(bin) * s.run.Bin) {
					found[l.Name] = true
					break
				}
			}
		}
	}
	var lanes, last []string
	for _, name := range []string{series.Handoffs, series.HandoffsFailed, series.Dials, series.DialsFailed, series.ClosedByServer} {
		if found[name] {
			last = append(last, name)
		}
		delete(found, name)
	}
	lanes = slices.Sorted(maps.Keys(found))
	lanes = append(lanes[:min(len(lanes), worst)], last...)
	if harmed {
		lanes = append([]string{outageLane}, lanes...)
	}
	return lanes
}

// lanePanel is what happened to an arm.
func (s scene) lanePanel(a series.Arm, lanes []string) chart.Panel {
	p := chart.Panel{Title: a.Name, Height: laneHeight * max(1, len(lanes)), Shades: s.shadesOf(a.Name), Lanes: true, Label: s.laneLabel(a, lanes)}
	for i, name := range lanes {
		low, high := laneOf(i, len(lanes))
		p.Y = append(p.Y, chart.Tick{At: (float64(i) + 0.5) / float64(len(lanes)), Text: name})
		if name == outageLane {
			p.Shapes = append(p.Shapes, chart.Shape{Class: "outage", Path: chart.Bars(s.bars(a.Outages, low, high), p.Height)},
				chart.Shape{Class: "brownout", Path: chart.Bars(s.bars(a.BrownOuts, low, high), p.Height)})
			continue
		}
		class := "line tell"
		if name == series.DialsFailed || name == series.HandoffsFailed || name == series.ClosedByServer {
			class = "line harm"
		}
		p.Shapes = append(p.Shapes, chart.Shape{Class: class, Path: chart.Stripes(s.instants(a, name), low, high, p.Height)})
	}
	p.Shapes = append(p.Shapes, laneLines(len(lanes), p.Height))
	return p
}

// instants are where a lane has marks.
func (s scene) instants(a series.Arm, lane string) (at []float64) {
	for _, l := range a.Lanes {
		if l.Name != lane {
			continue
		}
		for _, bin := range slices.Sorted(maps.Keys(l.Bins)) {
			if middle := time.Duration(bin)*s.run.Bin + s.run.Bin/2; s.round.Has(middle) {
				at = append(at, s.axis.At(middle))
			}
		}
	}
	return at
}

// inLane is how many marks a lane has between two instants.
func (s scene) inLane(a series.Arm, lane string, from, to time.Duration) (n uint64) {
	for _, l := range a.Lanes {
		if l.Name != lane {
			continue
		}
		for bin, m := range l.Bins {
			if middle := time.Duration(bin)*s.run.Bin + s.run.Bin/2; from <= middle && middle < to {
				n += m
			}
		}
	}
	return n
}

func (s scene) laneLabel(a series.Arm, lanes []string) string {
	var parts []string
	out := func(spans []series.Span, what string) {
		n, sum := 0, time.Duration(0)
		for _, x := range spans {
			if x.To > s.round.From && x.From < s.round.To {
				n++
				sum += x.To - x.From
			}
		}
		if n > 0 {
			parts = append(parts, plural(uint64(n), what)+" of "+span(sum)+" together")
		}
	}
	out(a.Outages, "outage")
	out(a.BrownOuts, "brown-out")
	for _, name := range lanes {
		if name != outageLane {
			parts = append(parts, count(s.inLane(a, name, s.round.From, s.round.To))+" "+name)
		}
	}
	if len(parts) == 0 {
		return "Arm " + a.Name + ": nothing happened to it."
	}
	return "Arm " + a.Name + ": " + strings.Join(parts, ", ") + "."
}

// operationsPanel is what became of an arm's operations, stacked.
func (s scene) operationsPanel(a series.Arm) chart.Panel {
	const height = 84
	y := s.scales.rate.Ticks()
	p := chart.Panel{Title: "operations a second", Height: height, X: s.axis.Ticks(), Y: y, Shades: s.shadesOf(a.Name)}
	layers := []struct {
		class string
		of    func(series.Cell) uint64
	}{
		{"ok", func(c series.Cell) uint64 { return c.OK - min(c.OK, c.Late) }},
		{"late", func(c series.Cell) uint64 { return c.Late }},
		{"failed", func(c series.Cell) uint64 { return c.Failed }},
		{"missed", func(c series.Cell) uint64 { return c.Missed }},
	}
	bars := make([][]chart.Bar, len(layers))
	for i, c := range s.cells(a) {
		from, to := s.over(i)
		seconds := s.run.Columns[s.first+i].Length().Seconds()
		var sum uint64
		for l, layer := range layers {
			n := layer.of(c)
			if n > 0 {
				bars[l] = append(bars[l], chart.Bar{From: from, To: to, Low: s.scales.rate.At(float64(sum) / seconds), High: s.scales.rate.At(float64(sum+n) / seconds)})
			}
			sum += n
		}
	}
	for l, layer := range layers {
		p.Shapes = append(p.Shapes, chart.Shape{Class: layer.class, Path: chart.Bars(bars[l], height)})
	}
	p.Shapes = append(p.Shapes, chart.Grid(y, height))
	sum := series.Join(s.cells(a))
	p.Label = fmt.Sprintf("Operations of arm %s over time: %s ok, %s of these late, %s failed, %s missed.", a.Name, count(sum.OK), count(sum.Late), count(sum.Failed), count(sum.Missed))
	return p
}

// readouts are what is said of an arm at each column.
func (s scene) readouts(a series.Arm, lanes []string) []chart.Series {
	number := func(name string, of func(series.Cell) uint64) chart.Series {
		x := chart.Series{Name: name}
		for _, c := range s.cells(a) {
			x.Values = append(x.Values, some(of(c)))
		}
		return x
	}
	list := []chart.Series{
		number(a.Name+" ok", func(c series.Cell) uint64 { return c.OK }),
		number("late", func(c series.Cell) uint64 { return c.Late }),
		number("failed", func(c series.Cell) uint64 { return c.Failed }),
		number("missed", func(c series.Cell) uint64 { return c.Missed }),
	}
	for _, lane := range lanes {
		if lane == outageLane {
			continue
		}
		x := chart.Series{Name: lane}
		for _, n := range s.byColumn(a, lane) {
			x.Values = append(x.Values, some(n))
		}
		list = append(list, x)
	}
	return list
}

// byColumn is how many marks of a lane began in each column of the round.
func (s scene) byColumn(a series.Arm, lane string) []uint64 {
	columns := s.run.Columns[s.first:s.end]
	sums := make([]uint64, len(columns))
	for _, l := range a.Lanes {
		if l.Name != lane {
			continue
		}
		for bin, n := range l.Bins {
			middle := time.Duration(bin)*s.run.Bin + s.run.Bin/2
			i, _ := slices.BinarySearchFunc(columns, middle, func(c series.Column, at time.Duration) int { return cmp.Compare(c.To, at) })
			if i < len(columns) && columns[i].From <= middle {
				sums[i] += n
			}
		}
	}
	return sums
}
