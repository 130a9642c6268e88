package workload

import (
	"context"
	"time"
)

// Pacer waits for instants of a run. It is used by one goroutine.
type Pacer interface {
	// Wait blocks until the instant, counted from the run's base, or until ctx
	// is done; then it returns ctx's error. It may return late, never early.
	Wait(ctx context.Context, until time.Duration) error
	// Close releases what the pacer holds.
	Close() error
}

// NewPacer returns the most precise pacer the system has: on Linux a timer of
// the kernel, elsewhere a TimerPacer. It must not be used in a
// testing/synctest bubble, where time is not the kernel's.
func NewPacer(base time.Time) (Pacer, error) { return newPacer(base) }

// TimerPacer waits with a timer of the Go runtime. It is portable and follows
// the virtual time of a bubble. A runtime with nothing to do rounds waits up
// to a millisecond (golang.org/issue/44343), so a real run at more than some
// 200 operations a second should have a NewPacer.
type TimerPacer struct {
	base  time.Time
	timer *time.Timer
}

// NewTimerPacer returns a TimerPacer for a run that began at base.
func NewTimerPacer(base time.Time) *TimerPacer { return &TimerPacer{base: base} }

// Wait implements Pacer.
func (p *TimerPacer) Wait(ctx context.Context, until time.Duration) error {
	remaining := until - time.Since(p.base)
	if remaining <= 0 {
		return ctx.Err()
	}
	if p.timer == nil {
		p.timer = time.NewTimer(remaining)
	} else {
		p.timer.Reset(remaining)
	}
	select {
	case <-p.timer.C:
		return ctx.Err()
	case <-ctx.Done():
		p.timer.Stop()
		return ctx.Err()
	}
}

// Close implements Pacer.
func (p *TimerPacer) Close() error {
	if p.timer != nil {
		p.timer.Stop()
	}
	return nil
}
