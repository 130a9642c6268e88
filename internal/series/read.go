package series

import (
	"cmp"
	"slices"
	"time"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/telemetry/histogram"
	"schload/telemetry/record"
	"schload/workload"
)

// The limits of what is kept. A chart of a round is a few hundred pixels wide.
const (
	fewestColumns = 600  // of a run that may have as many,
	roundColumns  = 240  // or so many for each round if that is more,
	mostColumns   = 2400 // but no more than these,
	armColumns    = 4800 // nor more than these of all arms together
	mostBins      = 4800 // of marks, of the whole run
	mostSteps     = 100  // of a round
	mostSpans     = 2000 // outages, brown-outs and stalls of an arm, of each kind
)

// Missed is the class of operations that fell due and were never started.
const Missed = "missed"

// reader builds a Run.
type reader struct {
	run   Run
	index map[string]int // of arms, by name
	limit int            // columns
	width time.Duration  // that a column should have
}

// Read reads the marks and the intervals of a bundle once each. The summary
// says where phases come from.
func Read(b *bundle.Bundle, s compare.Summary) (Run, error) {
	r := reader{index: map[string]int{}, width: time.Second}
	for i, a := range b.Run.Arms {
		r.index[a.Name] = i
		r.run.Arms = append(r.run.Arms, Arm{Name: a.Name, Times: map[Part]*histogram.Histogram{}})
	}
	t, err := r.marks(b)
	if err != nil {
		return Run{}, err
	}
	r.limit = max(fewestColumns, min(mostColumns, roundColumns*t.rounds(), armColumns/max(1, len(r.run.Arms))))
	for iv, err := range s.Intervals(b) {
		if err != nil {
			return Run{}, err
		}
		r.add(iv)
	}
	t.finish(&r.run, s)
	return r.run, nil
}

// add files one interval.
func (r *reader) add(iv record.Interval) {
	if iv.To <= iv.From {
		return
	}
	column := r.column(iv)
	for i := range r.run.Arms {
		clear(r.run.Arms[i].Cells[column].Connections) // a node without any is not listed
	}
	for _, c := range iv.Counts {
		if i, ok := r.index[c.Arm]; ok {
			r.run.Arms[i].Cells[column].count(c)
		}
	}
	for _, l := range iv.Levels {
		if i, ok := r.index[l.Arm]; ok && l.Name == record.Connections && l.Value > 0 {
			increase(&r.run.Arms[i].Cells[column].Connections, attr(l.Attrs, record.AttrNode), uint64(l.Value))
		}
	}
	for _, x := range iv.Series {
		if i, ok := r.index[x.Arm]; ok && x.Response != nil && x.Outcome == workload.OK.String() {
			r.run.Arms[i].times(column, x)
		}
	}
}

// column returns the number of the column that the interval belongs to. A
// short one, read at the end of a phase, joins the column before it.
func (r *reader) column(iv record.Interval) int {
	r.run.To = max(r.run.To, iv.To)
	if n := len(r.run.Columns); n > 0 {
		last := &r.run.Columns[n-1]
		if last.To == iv.From && (last.Length() <= r.width/2 || last.Length()+(iv.To-iv.From) <= r.width*5/4) {
			last.To = iv.To
			return n - 1
		}
	}
	if len(r.run.Columns) >= r.limit {
		r.halve()
	}
	r.run.Columns = append(r.run.Columns, Column{iv.From, iv.To})
	for i := range r.run.Arms {
		r.run.Arms[i].Cells = append(r.run.Arms[i].Cells, Cell{})
	}
	return len(r.run.Columns) - 1
}

// halve makes one column of each two that follow each other.
func (r *reader) halve() {
	r.width *= 2
	columns := r.run.Columns
	kept := 0
	for i := 0; i < len(columns); kept++ {
		c, n := columns[i], 1
		if i+1 < len(columns) && columns[i+1].From == c.To {
			c.To, n = columns[i+1].To, 2
		}
		for a := range r.run.Arms {
			cells := r.run.Arms[a].Cells
			if n == 2 {
				cells[i].join(cells[i+1])
			}
			cells[kept] = cells[i]
		}
		columns[kept] = c
		i += n
	}
	r.run.Columns = columns[:kept]
	for a := range r.run.Arms {
		clear(r.run.Arms[a].Cells[kept:])
		r.run.Arms[a].Cells = r.run.Arms[a].Cells[:kept]
	}
}

// count files one counter.
func (c *Cell) count(n record.Count) {
	switch n.Name {
	case record.OperationsLate:
		c.Late += n.Value
	case record.OperationsMissed:
		c.Missed += n.Value
		increase(&c.Failures, Missed, n.Value)
	case record.Operations:
		class := attr(n.Attrs, record.AttrOutcome)
		if class == workload.OK.String() {
			c.OK += n.Value
			return
		}
		c.Failed += n.Value
		increase(&c.Failures, class, n.Value)
	}
}

// times files the response times of successes.
func (a *Arm) times(column int, x record.Series) {
	cell := &a.Cells[column]
	if cell.Times == nil {
		cell.Times = new(Bands)
	}
	cell.Times.add(x.Response)
	part := Part{max(x.Round, 1), x.Phase.String()}
	if a.Times[part] == nil {
		a.Times[part] = new(histogram.Histogram)
	}
	a.Times[part].Merge(x.Response)
}

// join adds the cell of the column that follows.
func (c *Cell) join(o Cell) {
	c.OK += o.OK
	c.Late += o.Late
	c.Failed += o.Failed
	c.Missed += o.Missed
	for class, n := range o.Failures {
		increase(&c.Failures, class, n)
	}
	c.Connections = o.Connections
	switch {
	case c.Times == nil:
		c.Times = o.Times
	case o.Times != nil:
		c.Times.merge(o.Times)
	}
}

// Join returns the sum of cells in a row.
func Join(cells []Cell) (sum Cell) {
	for _, c := range cells {
		if c.Times != nil {
			bands := *c.Times
			c.Times = &bands // the sum is added to
		}
		sum.join(c)
	}
	return sum
}

// Classes are those of an arm's failures, sorted; "missed" is one of them.
func (a Arm) Classes() []string {
	var all []string
	for _, c := range a.Cells {
		for class := range c.Failures {
			all = append(all, class)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Nodes are those the arm was connected to, the first ones first.
func (a Arm) Nodes() []string {
	var nodes []string
	for _, c := range a.Cells {
		var more []string
		for node := range c.Connections {
			if !slices.Contains(nodes, node) {
				more = append(more, node)
			}
		}
		slices.SortFunc(more, cmp.Compare)
		nodes = append(nodes, more...)
	}
	return nodes
}

func increase(m *map[string]uint64, key string, n uint64) {
	if n == 0 {
		return
	}
	if *m == nil {
		*m = map[string]uint64{}
	}
	(*m)[key] += n
}

func attr(attrs []record.Attr, key string) string {
	for _, a := range attrs {
		if a.Key == key {
			return a.Value
		}
	}
	return ""
}
