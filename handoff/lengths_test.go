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
