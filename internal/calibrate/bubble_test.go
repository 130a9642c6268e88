package calibrate

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff"
	"schload/handoff/sim"
	"schload/internal/memnet"
	"schload/workload"
)

// inVirtualTime makes a check within a bubble, on an in-memory network, with a
// part of the instrument broken.
func inVirtualTime(t *testing.T, c check, s spoil) (l Line) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		b := &bench{
			seed: 1, dir: t.TempDir(), listen: network.Listen, spoil: s,
			pacer: func(base time.Time) (workload.Pacer, error) { return workload.NewTimerPacer(base), nil },
		}
		b.spoil.open = func(sm *sim.Simulator, c *handoff.Config) {
			c.Dial = dialler{network, sm}.dial
			c.Arm.EndpointType = handoff.InternalIP
			if s.open != nil {
				s.open(sm, c)
			}
		}
		l = c.line(t.Context(), b)
		time.Sleep(time.Minute) // go-redis leaves dials behind that end by themselves
	})
	return l
}

// dialler resolves through a simulator's records.
type dialler struct {
	network *memnet.Network
	sim     *sim.Simulator
}

func (d dialler) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if addrs, err := d.sim.LookupHost(ctx, host); err == nil {
		host = addrs[0]
	}
	return d.network.Dial(ctx, network, net.JoinHostPort(host, port))
}

// wantPass wants a whole instrument to pass.
func wantPass(t *testing.T, l Line) {
	t.Helper()
	if l.Verdict != Pass {
		t.Errorf("%s: %s: %q\nfound %s", l.Name, l.Verdict, l.Reasons, l.Found)
	}
}

// wantFail wants a broken one to be noticed, for a reason that has a word.
func wantFail(t *testing.T, l Line, word string) {
	t.Helper()
	if l.Verdict != Fail || !strings.Contains(strings.Join(l.Reasons, "\n"), word) {
		t.Errorf("%s: %s: %q, want FAIL because of %q\nfound %s", l.Name, l.Verdict, l.Reasons, word, l.Found)
	}
}

// filter is a sink that changes or swallows samples.
type filter struct {
	workload.Sink
	done func(*workload.Sample) bool // false: swallow
}

func (f filter) Done(x workload.Sample, n int) {
	if f.done(&x) {
		f.Sink.Done(x, n)
	}
}

func filtered(done func(*workload.Sample) bool) func(workload.Sink) workload.Sink {
	return func(s workload.Sink) workload.Sink { return filter{s, done} }
}

// every returns what is false once in n times.
func every(n int) func(*workload.Sample) bool {
	var i atomic.Int64
	return func(*workload.Sample) bool { return i.Add(1)%int64(n) != 0 }
}
