package experiment

import (
	"context"
	"fmt"
	"time"
)

// headroom is how long before an agreed start a run stops waiting and does
// what is left to do: the bundle, and the zeros of every series.
const headroom = 2 * time.Second

// StartPassedError says that a run was not ready at the instant that it and
// others had agreed to start at.
type StartPassedError struct {
	StartAt time.Time
	Late    time.Duration // by how much
}

func (e *StartPassedError) Error() string {
	return fmt.Sprintf("the agreed start %s passed %s before this worker was ready: agree on a later one (workers need to be placed, and to open their connections)",
		e.StartAt.UTC().Format(time.RFC3339Nano), e.Late.Round(time.Millisecond))
}

// awaitStart waits until the agreed start is near. Everything slow is done by
// then: the arms are open.
func (r *run) awaitStart(ctx context.Context) error {
	if r.StartAt.IsZero() {
		return nil
	}
	until := r.untilStart()
	if until < headroom {
		return &StartPassedError{StartAt: r.StartAt, Late: headroom - until}
	}
	timer := time.NewTimer(until - headroom)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// firstDue is when the load begins, since the base: at the agreed instant, or
// as soon as it can.
func (r *run) firstDue(ctx context.Context) (time.Duration, error) {
	if r.Lead != nil {
		return r.Lead.Ready(ctx, r.slots)
	}
	if r.StartAt.IsZero() {
		return time.Since(r.Base) + r.lead(), nil
	}
	until := r.untilStart()
	if until < r.lead() {
		return 0, &StartPassedError{StartAt: r.StartAt, Late: r.lead() - until}
	}
	return time.Since(r.Base) + until, nil
}

// untilStart compares wall clocks, which is what others go by. Once taken, the
// start is an offset of the monotonic clock like every other instant.
func (r *run) untilStart() time.Duration { return time.Until(r.StartAt) }
