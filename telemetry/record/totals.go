package record

import (
	"fmt"
	"time"

	"schload/workload"
)

// Totals are the sums of an arm, or of one of its pools, since the beginning:
// all, and those of warm-up and of the rounds apart, by intended instant.
type Totals struct {
	Tally
	Warmup, Measured Tally
}

// Tally is a sum of operations.
type Tally struct {
	Due, OK, Failed, Missed uint64
	Late                    uint64                   // successes with a response time above Config.LateAfter
	Classes                 [workload.Classes]uint64 // OK and Failed by class
	Reasons                 [workload.Reasons]uint64 // Missed by reason
	Gaps
}

// Gaps sum up where there was no success, or none in time, although there were
// operations. What is still going on is included with its length so far. Of
// what began in warm-up and lasted, each part counts where it lies, outages and
// brown-outs if the part is longer than Config.OutageAfter.
type Gaps struct {
	Outage     Outage
	BrownOut   Outage        // successes came, but none in time
	LongestGap time.Duration // the longest without a success, however short
}

// Outage sums up outages, or brown-outs.
type Outage struct {
	Windows        uint64
	Longest, Total time.Duration
	Open           bool          // one is going on
	OpenSince      time.Duration // its beginning, if Open
}

// Conservation checks the law that every operation that fell due is accounted
// for: due = ok + failed + missed. It holds once the engine has drained.
func (t Tally) Conservation() error {
	if t.Due == t.OK+t.Failed+t.Missed {
		return nil
	}
	return fmt.Errorf("due %d is not ok %d + failed %d + missed %d", t.Due, t.OK, t.Failed, t.Missed)
}

// tallies are those of warm-up and of the rounds.
type tallies [2]Tally

const (
	measured = iota
	warmup
)

func isWarmup(p Phase) int {
	if p == Warmup {
		return warmup
	}
	return measured
}

func (t *Tally) add(p *page) {
	t.Due += p.due
	t.Late += p.late
	for reason, n := range p.missed {
		t.Reasons[reason] += n
		t.Missed += n
	}
	for i := range p.ended {
		for class, n := range p.ended[i].classes {
			t.Classes[class] += n
			if class == int(workload.OK) {
				t.OK += n
			} else {
				t.Failed += n
			}
		}
	}
}

// plus returns the sum of two tallies.
func (t Tally) plus(o Tally) Tally {
	t.Due += o.Due
	t.OK += o.OK
	t.Failed += o.Failed
	t.Missed += o.Missed
	t.Late += o.Late
	for i, n := range o.Classes {
		t.Classes[i] += n
	}
	for i, n := range o.Reasons {
		t.Reasons[i] += n
	}
	t.Outage = t.Outage.plus(o.Outage)
	t.BrownOut = t.BrownOut.plus(o.BrownOut)
	t.LongestGap = max(t.LongestGap, o.LongestGap)
	return t
}

func (o Outage) plus(p Outage) Outage {
	o.Windows += p.Windows
	o.Total += p.Total
	o.Longest = max(o.Longest, p.Longest)
	if p.Open {
		o.Open, o.OpenSince = true, p.OpenSince
	}
	return o
}

// add counts a window of which so much lies in the part that is summed up.
func (o *Outage) add(w window, length time.Duration) {
	o.Windows++
	o.Longest = max(o.Longest, length)
	o.Total += length
}

// totals returns the sums of both parts.
func (t tallies) totals(gaps [2]Gaps) Totals {
	for part := range t {
		t[part].Gaps = gaps[part]
	}
	return Totals{Tally: t[measured].plus(t[warmup]), Warmup: t[warmup], Measured: t[measured]}
}
