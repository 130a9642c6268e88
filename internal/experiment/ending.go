package experiment

import (
	"context"
	"errors"
	"time"

	"schload/internal/bundle"
	"schload/telemetry"
	"schload/telemetry/mark"
)

// finish takes the last reading, judges whether the run is what it claims to
// be, and completes the bundle.
func (r *run) finish(err error, interrupted bool) error {
	r.conclude()
	close(r.watching)
	watched := <-r.watched
	r.beating.Wait()
	r.retire(r.arms)
	r.judge(errors.Join(err, watched))
	final := bundle.Final{
		Ended: r.Base.Add(time.Since(r.Base)), Valid: len(r.invalid) == 0, InvalidReasons: r.invalid,
		Interrupted: interrupted, Arms: r.proofs(),
		StartLag: r.lag.final(), Health: health(r.vitals.Whole()), Exports: r.flush(), MarksDropped: r.marksDropped(), Injected: r.injected(),
	}
	if r.Auto.Enough != nil {
		final.Rounds, final.RoundsEnded = r.played, r.endedBy
	}
	r.endMarks()
	err = errors.Join(err, watched, r.bundle.Finish(final))
	if r.Telemetry != nil {
		ctx, cancel := context.WithTimeout(context.Background(), hurry)
		defer cancel()
		r.Telemetry.End(ctx, r.bundle.Description())
	}
	return err
}

// mark is where marks go: to the bundle and away, in the same order, until the
// bundle is closed. What comes later is no part of the run.
func (r *run) mark(m mark.Mark) {
	r.marking.Lock()
	defer r.marking.Unlock()
	if r.concluded {
		return
	}
	r.bundle.Mark(m)
	if r.Telemetry != nil {
		r.Telemetry.Mark(m)
	}
}

// endMarks leaves out what comes from now on.
func (r *run) endMarks() {
	r.marking.Lock()
	defer r.marking.Unlock()
	r.concluded = true
}

// marksDropped counts the facts that clients left out of their timelines.
func (r *run) marksDropped() (n uint64) {
	n = r.Timeline.lost()
	for _, s := range r.standings {
		n += s.dropped
	}
	return n
}

// flush sends the last interval away and returns how exporting went. It takes
// a few seconds at most, also when nobody listens.
func (r *run) flush() bundle.Exports {
	if r.Telemetry == nil {
		return bundle.Exports{}
	}
	ctx, cancel := context.WithTimeout(context.Background(), hurry)
	defer cancel()
	_ = r.Telemetry.Flush(ctx) // a failure is counted in Stats
	return exportsOf(r.Telemetry.Stats())
}

// exportsOf is what the bundle keeps of how exporting went.
func exportsOf(s telemetry.Stats) bundle.Exports {
	return bundle.Exports{Sent: s.Sent, Failed: s.Failed, Held: s.Held, Overflowed: s.Overflowed, SpansLost: s.SpansLost, EventsLost: s.Events.Lost}
}

// judge collects every reason not to trust the run's numbers.
func (r *run) judge(err error) {
	disqualify := func(reason string) {
		r.invalid = append(r.invalid, reason)
		r.Timeline.Mark(mark.Mark{At: time.Since(r.Base), Kind: mark.Invalid, Source: "harness", Detail: reason})
	}
	if err != nil {
		disqualify(err.Error())
	}
	if err := r.check(); err != nil {
		disqualify(err.Error())
	}
	for _, a := range r.Arms {
		for _, reasons := range r.standings[a.Name].unproved {
			disqualify(reasons)
		}
	}
}
