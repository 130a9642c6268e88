package experiment

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"schload/internal/compare"
	"schload/workload"
)

// Without an upgrade nothing is attributed to anything.
func TestPeaceHasNoAttribution(t *testing.T) {
	for seed := range few(3) {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, "none")
			b.config.Seed, b.config.Pools[0].Seed = seed, seed
			_, s := b.run(t.Context())
			for _, a := range s.Arms {
				if x := a.Attribution; x.Notices.Last != nil || x.Dials.Nodes != nil || fmt.Sprint(x) != fmt.Sprint(compare.Attribution{}) {
					t.Errorf("%s: %+v", a.Name, x)
				}
			}
		})
	}
}

// The bundle tells of every connection that was to move: it was saved, or it
// was not, and those that nobody used were not told. However few are used.
func TestEveryConnectionIsAccountedFor(t *testing.T) {
	for seed, rate := range []float64{0.3, 2, 100, 500} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, "endpoint-rebind")
			b.config.Seed, b.config.Pools[0].Seed = uint64(seed), uint64(seed)
			b.config.Pools[0].Schedule.Rate = workload.Constant(rate)
			b.config.Recovery = 30 * time.Second // the relaxed windows end
			_, s := b.run(t.Context())
			on, off := arm2(t, s, "on").Attribution, arm2(t, s, "off").Attribution
			n, c := on.Notices, on.Connections
			if n.Events != 1 || n.Connections != 8 || n.Told+n.Stragglers != 8 || n.Told == 0 || n.Told != n.Delay.Count {
				t.Errorf("rate %v: %+v, want 8 connections, told or not", rate, n)
			}
			if seed == 0 && n.Stragglers == 0 {
				t.Errorf("rate %v: no straggler: nothing was tested", rate)
			}
			if c.HandedOver != n.Told || c.ClosedTold+c.GivenUp != 0 || c.HandedOver+c.ClosedUntold > 8 {
				t.Errorf("rate %v: %+v of %+v: want all that were told handed over", rate, c, n)
			}
			if len(n.Last) != 1 || n.Last[0].Told != n.Told || n.Last[0].Connections != 8 || n.Last[0].Spread != n.Delay.Max {
				t.Errorf("rate %v: %+v, want one event with what the counters say", rate, n)
			}
			h := arm2(t, s, "on").Handoffs
			if on.Handoffs.SinceDial.Count != h.Succeeded || on.Handoffs.SinceNotice.Count != h.Succeeded || on.Relaxed.Windows != h.Succeeded || on.Relaxed.NeverClosed+on.Relaxed.Open != 0 {
				t.Errorf("rate %v: %d handoffs, %+v, %+v", rate, h.Succeeded, on.Handoffs, on.Relaxed)
			}
			// Windows last twice the relaxed timeout, and their end is found within 100 ms.
			if total := on.Relaxed.Total.Duration() - time.Duration(h.Succeeded)*20*time.Second; total < 0 || total > time.Duration(h.Succeeded)*100*time.Millisecond {
				t.Errorf("rate %v: %d windows of 20 s: %v in all", rate, h.Succeeded, on.Relaxed.Total.Duration())
			}
			o := arm2(t, s, "off")
			if off.Dials.Surplus < o.Connections.DialFailures || off.Connections != (compare.Leaving{}) || off.Notices.Events != 0 || off.Relaxed.Windows != 0 {
				t.Errorf("rate %v, off: %+v", rate, off)
			}
		})
	}
}

// The operation that a stall holds up is the one that relaxing saves.
func TestSavedByRelaxing(t *testing.T) {
	for seed := range few(3) {
		synctest.Test(t, func(t *testing.T) {
			b := newUpgradeBench(t, "version-upgrade", "failover_stall=7s", "failover_duration=8s").use("on-noretry", "off-noretry")
			b.config.Seed, b.config.Pools[0].Seed, b.config.Pools[0].Workers = seed, seed, 1
			_, s := b.run(t.Context())
			on, off := arm2(t, s, "on-noretry"), arm2(t, s, "off-noretry")
			// A stall fails one operation after the other off, and holds up one on.
			if on.Attribution.Saved.ByRelaxedTimeouts == 0 || on.Attribution.Saved.ByRetries != 0 || off.Attribution.Saved.ByRelaxedTimeouts != 0 {
				t.Errorf("saved on %+v, off %+v", on.Attribution.Saved, off.Attribution.Saved)
			}
			if on.Attribution.Saved.ByRelaxedTimeouts != off.Errors["read_timeout"] {
				t.Errorf("saved on %d, timed out off %d", on.Attribution.Saved.ByRelaxedTimeouts, off.Errors["read_timeout"])
			}
			if r := on.Attribution.Relaxed; r.Windows == 0 || r.NeverClosed != 0 {
				t.Errorf("relaxed %+v: want windows that closed", r)
			}
		})
	}
}
