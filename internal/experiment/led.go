package experiment

import (
	"context"
	"errors"
	"time"

	"schload/telemetry/mark"
	"schload/telemetry/record"
)

// Lead is who leads a run that loads one of the arms of another: that one
// decides on every instant and plays the upgrade. Its methods are called by one
// goroutine.
type Lead interface {
	// Ready says that the arms are open and which ranges of hash slots are told
	// apart, and returns when the load is to begin, since the run's base.
	Ready(ctx context.Context, slots []record.SlotRange) (time.Duration, error)
	// Next waits for what happens next. One of the two is set: a cue, or the
	// round of which is to be read back what it left open.
	Next(ctx context.Context) (c *Cue, resolve int, err error)
	// Resolved says that a round was read back.
	Resolved(round int)
	// Loaded says that the load has ended, with what is wrong or nil.
	Loaded(err error)
	// Settled says that all messages have a verdict, and returns when keys may
	// be read back; an error says that nobody waits for that any more.
	Settled(ctx context.Context) error
}

// led is phases for a run that is led.
func (r *run) led(ctx context.Context, l *load) error {
	r.enter(0, record.Warmup, r.start)
	heeding, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go func() {
		select {
		case <-l.done:
			stop(errLoad)
		case <-heeding.Done():
		}
	}()
	var end time.Duration // 0: open
	for {
		cue, resolve, err := r.Lead.Next(heeding)
		switch {
		case end > 0 && (errors.Is(err, errLoad) || errors.Is(err, errOver)):
			return r.wait(ctx, l, end)
		case err != nil:
			return err
		case cue == nil:
			r.resolveLedgers(heeding, resolve)
			r.Lead.Resolved(resolve)
		case !cue.End:
			r.heed(*cue)
		case end == 0: // phases may still begin before
			end = cue.At
			r.endLoad(l, end)
			time.AfterFunc(end-time.Since(r.Base), func() { stop(errOver) })
		}
	}
}

// errOver says that the load's end has passed.
var errOver = errors.New("the load is over")

// heed enters a phase. One that was heard of too late is the lead's all the
// same, but what fell due in between is filed under the phase before.
func (r *run) heed(c Cue) {
	if late := time.Since(r.Base) - c.At; late > 0 {
		r.Timeline.Mark(mark.Mark{At: c.At, Duration: late, Kind: mark.Harness, Name: LatePhase, Round: c.Round, Source: "harness",
			Detail: "the process heard of the phase " + c.Phase.String() + " only then: what fell due before counts for the phase before"})
	}
	r.enterFor(c.Source, c.Round, c.Phase, c.At)
}

// LatePhase names the mark of a phase that an arm's process heard of too late.
const LatePhase = "late_phase"
