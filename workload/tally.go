package workload

import (
	"errors"
	"fmt"
	"time"
)

// Tally is the account of one pool's run.
type Tally struct {
	Due     uint64 // operations that fell due
	OK      uint64
	Failed  uint64
	Missed  uint64          // never started
	Reasons [Reasons]uint64 // Missed, by Reason
	Horizon time.Duration   // where the run ended: operations intended before it were due
	Closed  bool            // the loop was closed: Due means started, nothing could be missed
}

// Check states the conservation law: due = ok + failed + missed, and every
// miss has a reason.
func (t Tally) Check() error {
	var errs []error
	if t.Due != t.OK+t.Failed+t.Missed {
		errs = append(errs, fmt.Errorf("conservation: %d operations due, but %d ok + %d failed + %d missed = %d",
			t.Due, t.OK, t.Failed, t.Missed, t.OK+t.Failed+t.Missed))
	}
	reasons := uint64(0)
	for _, n := range t.Reasons {
		reasons += n
	}
	if reasons != t.Missed {
		errs = append(errs, fmt.Errorf("conservation: %d operations missed, but %d with a reason", t.Missed, reasons))
	}
	return errors.Join(errs...)
}

func (t *Tally) add(o Tally) {
	t.Due += o.Due
	t.OK += o.OK
	t.Failed += o.Failed
	t.Missed += o.Missed
	for i, n := range o.Reasons {
		t.Reasons[i] += n
	}
	t.Horizon = max(t.Horizon, o.Horizon)
}

// account is one goroutine's part of the tally and its sink, kept in step.
type account struct {
	Tally
	sink Sink
}

func (a *account) due(intended time.Duration, n int) {
	a.Due += uint64(n)
	a.sink.Due(intended, n)
}

func (a *account) missed(intended time.Duration, reason Reason, n int) {
	a.Missed += uint64(n)
	a.Reasons[reason] += uint64(n)
	a.sink.Missed(intended, reason, n)
}

func (a *account) done(s Sample, n int) {
	if s.Outcome.Class == OK {
		a.OK += uint64(n)
	} else {
		a.Failed += uint64(n)
	}
	a.sink.Done(s, n)
}

// discard is the sink of a run that has none.
type discard struct{}

func (discard) Due(time.Duration, int)            {}
func (discard) Done(Sample, int)                  {}
func (discard) Missed(time.Duration, Reason, int) {}
