package experiment

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff"
	"schload/handoff/stage"
	"schload/telemetry/mark"
)

// deaf swallows writes while on says so: the server never sees them.
type deaf struct {
	net.Conn
	on func() bool
}

func (d deaf) Write(p []byte) (int, error) {
	if d.on() {
		return len(p), nil
	}
	return d.Conn.Write(p)
}

func (b *bench) openDeaf(on func() bool) func(ctx context.Context, a handoff.Arm, marks mark.Sink) (*handoff.Client, error) {
	return func(ctx context.Context, a handoff.Arm, marks mark.Sink) (*handoff.Client, error) {
		target, _ := handoff.ParseTarget("redis://" + b.sim.Addr())
		dial := func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := b.dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return deaf{c, on}, nil
		}
		a.EndpointType = handoff.InternalIP
		return handoff.Open(ctx, handoff.Config{Arm: a, Target: target, Workers: 8, Base: b.config.Base, Marks: marks, Dial: dial})
	}
}

// An interrupt while the last operations drain is an interrupt.
func TestInterruptInDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "none")
		b.config.Stage = stage.None{} // warm-up 1 s, baseline 2 s: the load ends at about 3.05 s
		b.config.Arms = arms(t, "off")
		b.config.Describe.Arms = b.config.Describe.Arms[1:]
		b.config.Open = b.openDeaf(func() bool { return time.Since(b.config.Base) > 2900*time.Millisecond })
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(5*time.Second, func() { cancel(errors.New("interrupted")) })
		result, s := b.run(ctx)
		if !result.Interrupted || s.Complete {
			t.Errorf("interrupted %v, complete %v: want true, false", result.Interrupted, s.Complete)
		}
	})
}

// One slow operation at the end is no outage: nothing else was due.
func TestSlowLastOperationIsNoOutage(t *testing.T) {
	for _, end := range []time.Duration{2500 * time.Millisecond, 3049 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, "none")
			b.config.Stage = stage.None{}
			b.config.Arms = arms(t, "off")
			b.config.Describe.Arms = b.config.Describe.Arms[1:]
			var swallowed atomic.Bool
			b.config.Open = b.openDeaf(func() bool {
				return time.Since(b.config.Base) > end && !swallowed.Swap(true)
			})
			_, s := b.run(t.Context())
			a := s.Arms[0]
			if a.Outage.Windows != 0 {
				t.Errorf("outage %v from one slow operation of %d", time.Duration(a.Outage.Longest), a.Operations.Due)
			}
		})
	}
}

// The target goes deaf 100 ms before warm-up ends and stays so.
func TestOutageFromWarmup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "none")
		b.config.Stage = stage.None{}
		b.config.Baseline = 20 * time.Second
		b.config.Arms = arms(t, "off+read_timeout=300ms+max_retries=-1")
		b.config.Describe.Arms = b.config.Describe.Arms[1:]
		b.config.Describe.Arms[0].Name = b.config.Arms[0].Name
		b.config.Open = b.openDeaf(func() bool { return time.Since(b.config.Base) > 900*time.Millisecond })
		_, s := b.run(t.Context())
		a := s.Arms[0]
		if a.Operations.OK == 0 && a.Outage.Windows == 0 {
			t.Errorf("%d operations due in 20 s, none succeeded, no outage", a.Operations.Due)
		}
	})
}
