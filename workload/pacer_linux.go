package workload

import (
	"context"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// kernelPacer waits by reading a timerfd through the runtime's network poller.
// The goroutine parks as it would for a socket, the thread stays free, and the
// wake-up is as precise as epoll's: some 30 us late on an idle machine, where
// the runtime's own timers are half a millisecond late.
//
// Deadlines are absolute (TFD_TIMER_ABSTIME) on CLOCK_MONOTONIC, the clock
// behind Go's monotonic readings on Linux, so no error accumulates.
type kernelPacer struct {
	base  time.Time
	epoch time.Duration // CLOCK_MONOTONIC at base
	file  *os.File
	fd    int

	ctx  context.Context // the context interrupt is registered with
	stop func() bool
}

func newPacer(base time.Time) (Pacer, error) {
	epoch, err := monotonicAt(base)
	if err != nil {
		return nil, err
	}
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("pacer: timerfd: %w", err)
	}
	return &kernelPacer{base: base, epoch: epoch, fd: fd, file: os.NewFile(uintptr(fd), "timerfd")}, nil
}

// monotonicAt returns the kernel's monotonic clock at base. The two clocks
// cannot be read at one instant, so the kernel's is read between two readings
// of Go's; the tightest of some tries bounds the error to about 100 ns.
func monotonicAt(base time.Time) (time.Duration, error) {
	best, epoch := forever, time.Duration(0)
	for range 16 {
		var now unix.Timespec
		before := time.Since(base)
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
			return 0, fmt.Errorf("pacer: clock_gettime: %w", err)
		}
		after := time.Since(base)
		if gap := after - before; gap < best {
			best, epoch = gap, time.Duration(now.Nano())-before-gap/2
		}
	}
	return epoch, nil
}

// Wait implements Pacer.
func (p *kernelPacer) Wait(ctx context.Context, until time.Duration) error {
	p.watch(ctx)
	until = min(until, forever-p.epoch)
	var expirations [8]byte
	for time.Since(p.base) < until {
		if err := p.arm(p.epoch + until); err != nil {
			return err
		}
		// Subtle: interrupt may have run before arm, which has overwritten it;
		// then ctx is done already (TestPacerInterrupt).
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := p.file.Read(expirations[:]); err != nil {
			return fmt.Errorf("pacer: %w", err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (p *kernelPacer) arm(at time.Duration) error {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(max(at, 1)))} // 0 would disarm
	if err := unix.TimerfdSettime(p.fd, unix.TFD_TIMER_ABSTIME, &spec, nil); err != nil {
		return fmt.Errorf("pacer: timerfd_settime: %w", err)
	}
	return nil
}

// watch lets ctx interrupt the wait. A run waits with two or three contexts
// many times, so the registration is kept until the context changes.
func (p *kernelPacer) watch(ctx context.Context) {
	if ctx == p.ctx {
		return
	}
	p.unwatch()
	p.ctx = ctx
	p.stop = context.AfterFunc(ctx, func() { p.arm(1) }) // long past: fires at once
}

func (p *kernelPacer) unwatch() {
	if p.stop != nil {
		p.stop()
	}
	p.stop, p.ctx = nil, nil
}

// Close implements Pacer.
func (p *kernelPacer) Close() error {
	p.unwatch()
	return p.file.Close()
}
