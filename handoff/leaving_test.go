package handoff

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// closeSome ends k of the server's connections and returns when the client can
// know.
func (s *server) closeSome(k int, r *rand.Rand) {
	s.mu.Lock()
	conns := slices.Collect(maps.Keys(s.conns))
	s.mu.Unlock()
	r.Shuffle(len(conns), func(i, j int) { conns[i], conns[j] = conns[j], conns[i] })
	for _, c := range conns[:k] {
		_ = c.Close()
	}
	synctest.Wait()
}

// Of connections that were told to move, those that the server ends before
// their successor took over were not saved, although they were told.
func TestClosedThoughTold(t *testing.T) {
	seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
		n := 2 + r.IntN(8)
		k := r.IntN(n + 1)
		w.listen(nextAddr).setDelay(time.Millisecond)
		c := w.warmed("on", n)
		w.net.Blackhole(nextAddr, true) // handoffs hang
		w.main.push(moving(1, 15*time.Second, nextAddr))
		w.together(c, n)
		time.Sleep(100 * time.Millisecond)
		w.main.closeSome(k, r)
		w.net.Blackhole(nextAddr, false)
		time.Sleep(time.Second)
		if s := c.Observe(); s.Leaving != (Leaving{HandedOver: uint64(n - k), ClosedTold: uint64(k)}) || int(s.Handoff.Succeeded) != n {
			t.Errorf("%d connections, %d closed in time: %+v, %+v", n, k, s.Leaving, s.Handoff)
		}
	})
}

// Connections whose successor the new server refuses are given up, and the
// dials for those were of no use.
func TestGivenUp(t *testing.T) {
	seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
		n := 2 + r.IntN(8)
		used := 1 + r.IntN(n)
		next := w.listen(nextAddr)
		next.optIn = "-ERR maintenance notifications are disabled on this server"
		c := w.warmed("on", n)
		w.main.push(moving(1, 15*time.Second, nextAddr))
		w.together(c, used)
		time.Sleep(time.Second)
		s := c.Observe()
		if s.Leaving != (Leaving{GivenUp: uint64(used)}) || int(s.Dials.Unused) != used || int(s.Handoff.Failed) != used {
			t.Errorf("%d of %d told: %+v, %+v, %+v", used, n, s.Leaving, s.Dials, s.Handoff)
		}
	})
}
