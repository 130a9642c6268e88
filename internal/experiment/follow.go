package experiment

import (
	"context"
	"time"

	"schload/telemetry/record"
)

// notices is the source of phases that notices decided on.
const notices = "notices"

// follow leads a round without a stage. Somebody else may upgrade the target
// while it lasts, and notices tell: maintenance begins with the first that
// opens a window, and is over when all windows are. Phases begin no earlier
// than lead from now, for what is due until then may have been recorded.
func (r *run) follow(ctx context.Context, l *load, round int) error {
	changed := r.Timeline.watchWindows()
	at := time.Since(r.Base) + r.lead()
	until := r.closing(l, round, at+r.Baseline)
	phase := record.Baseline
	if r.Timeline.windowsOver() > at {
		phase = record.Maintenance // it is going on already
	}
	r.enterFor(source(phase), round, phase, at)
	for {
		next := until
		if phase == record.Maintenance {
			next = min(until, r.Timeline.windowsOver()-r.lead())
		}
		woken, err := r.waitOr(ctx, l, next, changed)
		if err != nil || !woken && next == until {
			return err
		}
		was, over, now := phase, r.Timeline.windowsOver(), time.Since(r.Base)+r.lead()
		switch {
		case over > now && now < until:
			phase, at = record.Maintenance, now
		case phase == record.Maintenance:
			phase, at = record.Recovery, max(over, now)
		}
		if phase != was {
			r.enterFor(notices, round, phase, at)
		}
	}
}

// source says who decided that a round begins with a phase.
func source(p record.Phase) string {
	if p == record.Maintenance {
		return notices
	}
	return "harness"
}

// waitOr is wait that a token ends as well; woken says that one did.
func (r *run) waitOr(ctx context.Context, l *load, until time.Duration, token <-chan struct{}) (woken bool, err error) {
	timer := time.NewTimer(until - time.Since(r.Base))
	defer timer.Stop()
	select {
	case <-token:
		return true, nil
	case <-timer.C:
		return false, nil
	case <-l.done:
		return false, r.wait(ctx, l, until)
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}
