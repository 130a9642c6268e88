package series

import (
	"time"

	"schload/telemetry/histogram"
	"schload/telemetry/mark"
)

// Run is a bundle over time. Instants count from the run's base.
type Run struct {
	To      time.Duration // where the last interval ends
	Columns []Column      // in order of time
	Rounds  []Round
	Arms    []Arm // as run.json lists them
	Stalls  []Span
	Bin     time.Duration // how wide the bins of Arm.Lanes are
}

// Column is a stretch of time: one interval, or several in a row.
type Column struct{ From, To time.Duration }

// Length is how long the column is.
func (c Column) Length() time.Duration { return c.To - c.From }

func (c Column) middle() time.Duration { return c.From + c.Length()/2 }

// Round is one playing of the upgrade; the first begins with the run.
type Round struct {
	Number      int
	From, To    time.Duration
	Phases      []Phase
	Steps       []mark.Mark // of the stage, the first of them
	StepsBeyond int         // how many more there were
}

// Has says whether an instant lies in the round.
func (r Round) Has(at time.Duration) bool { return r.From <= at && at < r.To }

// Columns returns the first and the number after the last of the run's columns
// whose middle lies in the round.
func (r Round) Columns(all []Column) (first, end int) {
	for first < len(all) && all[first].middle() < r.From {
		first++
	}
	for end = first; end < len(all) && all[end].middle() < r.To; end++ {
	}
	return first, end
}

// Phase is a part of a round.
type Phase struct {
	Name     string
	From, To time.Duration
	Arm      string // whose turn it was, the others rested; "": all arms'
}

// Arm is one arm over time.
type Arm struct {
	Name      string
	Cells     []Cell // one for each column of the run
	Lanes     []Lane
	Outages   []Span
	BrownOuts []Span
	Times     map[Part]*histogram.Histogram // response times of successes
}

// Part names a phase of a round.
type Part struct {
	Round int
	Phase string
}

// Span is a stretch of time.
type Span struct{ From, To time.Duration }

// Lane holds marks of one kind: how many began in which bin of Run.Bin.
type Lane struct {
	Name string
	Bins map[int]uint64
}

// Cell is what an arm did in a column. Operations count where they ended.
type Cell struct {
	OK, Late, Failed, Missed uint64            // Late are some of OK
	Failures                 map[string]uint64 // by class; missed ones are "missed"
	Connections              map[string]uint64 // open at the end, by node
	Times                    *Bands            // response times of successes, nil without any
}
