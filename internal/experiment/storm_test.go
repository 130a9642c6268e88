package experiment

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff"
	"schload/handoff/sim"
	"schload/internal/compare"
	"schload/workload"
)

// crowded has the simulator hold commands back for a moment, a number of times a
// second apart: as many operations as there are workers wait, each on a
// connection of its own, so that all connections are in use, and read.
func crowded(from time.Duration, times int) sim.Injection {
	return sim.Injection{Fault: sim.Outage, Count: times, From: from, Every: time.Second, Lasts: 300 * time.Millisecond}
}

// crowd runs arms of n connections under injected faults.
func crowd(t *testing.T, seed uint64, n int, upgrade, arm string, injections ...sim.Injection) compare.Arm {
	t.Helper()
	b := newBench(t, upgrade).use(arm)
	b.config.Seed, b.config.Pools[0].Seed, b.config.Pools[0].Workers = seed, seed, n
	b.config.Pools[0].Schedule.Rate = workload.Constant(500) // all connections are in use within the 150 ms before they are closed
	b.config.Recovery = 10 * time.Second
	if err := b.sim.Inject(injections...); err != nil {
		t.Fatal(err)
	}
	result, s := b.run(t.Context())
	if len(result.Invalid) > 0 || !s.Valid {
		t.Errorf("seed %d: invalid: %q, %q", seed, result.Invalid, s.InvalidReasons)
	}
	for _, i := range injections {
		if name := i.Fault.String(); s.Injected[name] != i.Count {
			t.Errorf("seed %d: %d of %s injected, want %d", seed, s.Injected[name], name, i.Count)
		}
	}
	return arm2(t, s, arm)
}

// The server closes k of the connections at once, each in the middle of an
// operation: the report has k dials within 100 ms then, and none without.
func TestInjectedStormIsFound(t *testing.T) {
	for seed := range few(8) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 3))
			n := 2 + r.IntN(12)
			k := r.IntN(n + 1)
			arm := []string{"on-noretry", "off-noretry"}[seed%2]
			const at = 4 * time.Second
			faults := []sim.Injection{crowded(at, 1)}
			if k > 0 {
				faults = append(faults, sim.Injection{Fault: sim.Hangup, Count: k, From: at + 150*time.Millisecond})
			}
			a := crowd(t, seed, n, "none", arm, faults...)
			d, c := a.Attribution.Dials, a.Connections
			if d.Peak != uint64(k) || c.Dials != uint64(k) || c.ClosedByServer != uint64(k) || c.DialFailures+d.Surplus != 0 {
				t.Errorf("seed %d, %s: %d of %d connections closed at once: %+v, %+v, want as many dials", seed, arm, k, n, d, c)
			}
			if k > 0 && (d.At.Duration() != (at+150*time.Millisecond).Truncate(handoff.DialBin) || len(d.Nodes) != 1 || d.Nodes[0].Peak != uint64(k)) {
				t.Errorf("seed %d, %s: %+v, want one node dialled %d times when they were closed", seed, arm, d, k)
			}
			if a.Errors["eof"] != uint64(k) || a.Operations.Failed != uint64(k) {
				t.Errorf("seed %d, %s: errors %v, want the %d operations in flight", seed, arm, a.Errors, k)
			}
		})
	}
}

// The notice that ends a relaxation is kept from k of the connections: the
// report has k windows that never closed, and none without. The others read it,
// or the announced time is long over; and all connections were used since, so
// that none may have it waiting unread.
func TestInjectedLeakIsFound(t *testing.T) {
	for seed := range few(8) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 4))
			n := 2 + r.IntN(12)
			k := r.IntN(n + 1)
			faults := []sim.Injection{crowded(1500*time.Millisecond, 28)}
			if k > 0 { // between MIGRATING and MIGRATED
				faults = append(faults, sim.Injection{Fault: sim.Straggler, Count: k, From: 12 * time.Second})
			}
			a := crowd(t, seed, n, "shard-migration", "on", faults...)
			x, told := a.Attribution.Relaxed, a.Attribution.Notices
			if x.Windows != uint64(n) || x.NeverClosed != uint64(k) || x.Open != uint64(k) {
				t.Errorf("seed %d: MIGRATED kept from %d of %d connections: %+v, want as many windows that never closed", seed, k, n, x)
			}
			if k < n && (told.Events != 2 || told.Stragglers != uint64(k)) { // else nobody knows that there was one
				t.Errorf("seed %d: MIGRATED kept from %d of %d connections: %+v, want as many stragglers", seed, k, n, told)
			}
			if a.Operations.Failed != 0 {
				t.Errorf("seed %d: errors %v, want none", seed, a.Errors)
			}
		})
	}
}
