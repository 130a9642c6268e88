package workload

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// occupied runs a pool in virtual time and returns what was seen of its
// workers, next to the time that its samples add up to.
func occupied(t *testing.T, p Pool, end time.Duration, target Target) (load Load, service time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var l journal
		base := time.Now()
		h, o := new(Horizon), new(Occupancy)
		h.End(end)
		if o.Read() != (Load{}) {
			t.Errorf("before the run: %+v", o.Read())
		}
		_, err := Run{Base: base, Pool: p, Target: target, Horizon: h, Sink: l.Sink, Occupancy: o,
			Pacer: func() (Pacer, error) { return NewTimerPacer(base), nil }}.Do(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range l.samples {
			service += s.ServiceTime()
		}
		load = o.Read()
	})
	return load, service
}

// Little's law, by construction: the operations in flight, integrated, are the
// service times, added up. The two are counted apart.
func TestLittle(t *testing.T) {
	slow := targetFunc(func(ctx context.Context) Class { return nap(ctx, 7*ms) })
	for name, p := range map[string]Pool{
		"open":            {Workers: 8, Schedule: Schedule{Arrival: PoissonArrival, Rate: Constant(500), Seed: 2}},
		"overloaded":      {Workers: 2, Schedule: Schedule{Rate: Constant(500)}, StartDeadline: 50 * ms},
		"dropping":        {Workers: 2, Schedule: Schedule{Rate: Constant(500)}, Overload: Drop},
		"pipeline":        {Workers: 4, Pipeline: 5, Schedule: Schedule{Rate: Constant(1000)}},
		"closed":          {Workers: 4, Schedule: Schedule{Arrival: ClosedLoop}},
		"closed, think":   {Workers: 4, Schedule: Schedule{Arrival: ClosedLoop, Think: 3 * ms}},
		"closed pipeline": {Workers: 4, Pipeline: 3, Schedule: Schedule{Arrival: ClosedLoop}},
	} {
		if load, service := occupied(t, p, 2*time.Second, slow); load.InFlight != service || service == 0 {
			t.Errorf("%s: %v in flight, but service times of %v", name, load.InFlight, service)
		}
	}
}

// All workers are busy, and operations wait, for exactly as long as the target
// stands still beyond what the workers can hold.
func TestFullAndWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := time.Now()
		h, o := new(Horizon), new(Occupancy)
		h.End(time.Second)
		_, err := Run{Base: base, Occupancy: o, Horizon: h,
			Pool: Pool{Workers: 2, Schedule: Schedule{Rate: Constant(100)}},
			Target: targetFunc(func(ctx context.Context) Class { // until 300 ms, then at once
				return nap(ctx, max(0, 300*ms-time.Since(base)))
			}),
			Pacer: func() (Pacer, error) { return NewTimerPacer(base), nil },
		}.Do(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// The second operation takes the last worker at 10 ms. From then on one
		// waits from 20 ms on, two from 30 ms on, until 28 do.
		load := o.Read()
		want := Load{At: load.At, InFlight: 300*ms + 290*ms, Full: 290 * ms, Waiting: 28 * 29 / 2 * 10 * ms, Longest: load.Longest}
		if load != want || load.Longest < 28 || load.Longest > 29 {
			t.Errorf("got %+v, want %+v with 28 or 29 waiting at most", load, want)
		}
		if again := o.Read(); again.Longest != 0 {
			t.Errorf("nothing waits any more, but the next reading says %d", again.Longest)
		}
	})
}
