package handoff

import (
	"context"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"schload/telemetry/histogram"
)

// Handoffs take what the network and the new server take, and what their
// connection waited before.
func TestHandoffLengths(t *testing.T) {
	seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
		n, latency := 1+r.IntN(8), time.Duration(1+r.IntN(400))*time.Millisecond
		w.listen(nextAddr).setDelay(time.Millisecond)
		config := w.config("on")
		config.Workers = n
		config.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if addr == nextAddr {
				time.Sleep(latency)
			}
			return w.net.Dial(ctx, network, addr)
		}
		c := w.warm(config)
		w.main.push(moving(1, 15*time.Second, nextAddr))
		w.together(c, n)
		time.Sleep(time.Second)
		taken := c.TakeLengths()
		for name, h := range map[string]*histogram.Histogram{"dial": taken.Handoff, "notice": taken.SinceNotice} {
			// A notice is read up to a millisecond before its operation ends.
			if h == nil || int(h.Count()) != n || h.Min() < latency || h.Max() > latency+time.Millisecond {
				t.Errorf("%d handoffs of %v since the %s: %+v", n, latency, name, h)
			}
		}
		if h := taken.Handoff; h.Sum() != time.Duration(n)*latency {
			t.Errorf("%d handoffs of %v: %v in all", n, latency, h.Sum())
		}
		if again := c.TakeLengths(); again.Handoff != nil || again.SinceNotice != nil {
			t.Error("lengths were told twice")
		}
	})
}

// A connection that took another's place was of use, even if it ends before
// anything was sent on it.
func TestHandedOverIsOfUse(t *testing.T) {
	seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
		n := 1 + r.IntN(8)
		next := w.listen(nextAddr)
		c := w.warmed("on+conn_max_lifetime=5s", n)
		w.main.push(moving(1, 15*time.Second, nextAddr))
		w.together(c, n)
		time.Sleep(6 * time.Second)
		w.together(c, n)
		if s := c.Observe(); int(s.Leaving.HandedOver) != n || s.Dials.Unused != 0 || next.count() != 0 {
			t.Errorf("%d handed over and too old: %+v, %+v, %d left", n, s.Leaving, s.Dials, next.count())
		}
	})
}

// Every operation has its wait for a turn at the pool recorded once, those that
// did not have to wait included; handshakes, and connections that are opened
// ahead, have none.
func TestWaitedLengths(t *testing.T) {
	seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
		n := 1 + r.IntN(8)
		c := w.warmed("off", n)
		if h := c.TakeLengths().Waited; h != nil {
			t.Errorf("%d waits before the first operation", h.Count())
		}
		w.together(c, n)
		do(t, c, get("k"), set("k")) // a pipeline waits once
		if h := c.TakeLengths().Waited; h == nil || int(h.Count()) != n+1 || h.Max() != 0 {
			t.Errorf("%d operations and a pipeline: %+v", n, h)
		}
		if again := c.TakeLengths().Waited; again != nil {
			t.Error("waits were told twice")
		}
	})
}

// What the library tells of waits goes to the lane of the operation that waited,
// in a part of a pipeline too. (That one really waits cannot be played in virtual
// time: the library's semaphore keeps its timers for the whole process.)
func TestWaitsOfOperations(t *testing.T) {
	var w waits
	f := &flight{Context: t.Context(), lane: w.lane()}
	waitedForTurn(f, 3*time.Millisecond)
	waitedForTurn(&part{Context: f}, 4*time.Millisecond)
	waitedForTurn(&flight{Context: t.Context()}, time.Hour)
	waitedForTurn(t.Context(), time.Hour)
	if h := w.take(); h.Count() != 2 || h.Sum() != 7*time.Millisecond {
		t.Errorf("%d waits of %v in all, want 2 of 7ms", h.Count(), h.Sum())
	}
}

// A client tells how long it took to open, and how long it took to have a
// connection again in the place of each that the server ended.
func TestOpenedAndReconnected(t *testing.T) {
	seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
		n, latency := 1+r.IntN(6), time.Duration(1+r.IntN(300))*time.Millisecond
		config := w.config("off-noretry")
		config.Workers = n
		config.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			time.Sleep(latency)
			return w.net.Dial(ctx, network, addr)
		}
		c := w.warm(config)
		taken := c.TakeLengths()
		if h := taken.Opened; h == nil || h.Count() != 1 || h.Min() < latency {
			t.Errorf("opening over dials of %v took %+v", latency, h)
		}
		if taken.Reconnected != nil {
			t.Errorf("reconnected although nothing broke: %+v", taken.Reconnected)
		}
		w.main.closeAll(true)
		w.together(c, n) // all fail, and nothing is tried again
		gap := time.Duration(r.IntN(2000)) * time.Millisecond
		time.Sleep(gap)
		w.together(c, n)
		h := c.TakeLengths().Reconnected
		if h == nil || int(h.Count()) != n || h.Min() < gap+latency || h.Max() > gap+latency+time.Millisecond {
			t.Errorf("%d connections broken for %v, then dials of %v: %d from %v to %v", n, gap, latency, h.Count(), h.Min(), h.Max())
		}
	})
}
