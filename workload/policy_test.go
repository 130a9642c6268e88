package workload

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const ms = time.Millisecond

// frozen is a target that answers nothing before an instant, then at once.
func frozen(base time.Time, until time.Duration) Target {
	return targetFunc(func(ctx context.Context) Class {
		return nap(ctx, max(0, until-time.Since(base)))
	})
}

// Under queue, what cannot start within its deadline is missed and fresh
// operations keep their place; the boundary itself may still start.
func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := Pool{Workers: 1, Schedule: Schedule{Rate: Constant(100)}, StartDeadline: 100 * ms}
		tally, l, err := trial(t, p, time.Second, frozen(time.Now(), 500*ms))
		if err != nil {
			t.Error(err)
		}
		// Due at 0, 10, .. 990 ms. The first is in flight until 500 ms; of the
		// others those before 400 ms are missed.
		if tally.Due != 100 || tally.Reasons != [Reasons]uint64{Deadline: 39} {
			t.Errorf("got %+v, want 39 of 100 missed by deadline", tally)
		}
		for _, s := range l.samples {
			if s.Lateness() > 100*ms || s.Intended > 0 && s.Intended < 400*ms {
				t.Errorf("operation of %v was sent at %v", s.Intended, s.Sent)
			}
		}
	})
}

// Misses show while the stall lasts, not after it.
func TestExpiryIsTimely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := time.Now()
		p := Pool{Workers: 1, Schedule: Schedule{Rate: Constant(1000)}, StartDeadline: 100 * ms}
		h := new(Horizon)
		var l journal
		done := make(chan struct{})
		go func() {
			defer close(done)
			Run{Base: base, Pool: p, Target: frozen(base, time.Second), Sink: l.Sink, Horizon: h,
				Pacer: func() (Pacer, error) { return NewTimerPacer(base), nil }}.Do(t.Context())
		}()
		time.Sleep(500 * ms)
		synctest.Wait()
		if l.missed[Deadline] < 395 || l.missed[QueueFull] != 0 {
			t.Errorf("after 500ms of a stall: missed %v, want about 400 by deadline", l.missed)
		}
		h.End(time.Second)
		<-done
	})
}

// A queue that is bounded below what the deadline lets wait overflows into
// misses with their own reason.
func TestQueueFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := Pool{Workers: 1, Schedule: Schedule{Rate: Constant(100)}, Backlog: 20}
		tally, l, err := trial(t, p, time.Second, frozen(time.Now(), 500*ms))
		// In flight: 0 ms. Waiting: 10..200 ms. Full: 210..490 ms, and, because
		// the 500 ms operation falls due when the stall ends, perhaps that one.
		if err != nil || tally.Due != 100 || tally.Missed < 29 || tally.Missed > 30 || tally.Missed != tally.Reasons[QueueFull] {
			t.Errorf("got %+v, %v, want 29 of 100 missed by a full queue", tally, err)
		}
		if got := quantile(l, 1, Sample.Lateness); got != 490*ms {
			t.Errorf("longest lateness: got %v, want 490ms", got)
		}
	})
}

// Under drop, nothing waits: what finds no free worker is missed.
func TestDrop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := Pool{Workers: 3, Schedule: Schedule{Rate: Constant(100)}, Overload: Drop}
		tally, l, err := trial(t, p, time.Second, targetFunc(func(ctx context.Context) Class { return nap(ctx, 55*ms) }))
		// Three start, three are dropped, every 60 ms: 0..20, 60..80, ...
		if err != nil || tally.OK != 51 || tally.Reasons != [Reasons]uint64{NoWorker: 49} {
			t.Errorf("got %+v, %v, want 51 ok and 49 without a worker", tally, err)
		}
		if got := quantile(l, 1, Sample.Lateness); got != 0 {
			t.Errorf("longest lateness: got %v, want 0", got)
		}
	})
}

// Under abort, the first operation that cannot start ends the run and is named.
func TestAbort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := Pool{Name: "cache", Workers: 3, Schedule: Schedule{Rate: Constant(100)}, Overload: Abort}
		tally, _, err := trial(t, p, time.Second, targetFunc(func(ctx context.Context) Class { return nap(ctx, 55*ms) }))
		overload, ok := errors.AsType[*OverloadError](err)
		if !ok || *overload != (OverloadError{"cache", 30 * ms, 3}) || !strings.Contains(err.Error(), `pool "cache": all 3 workers are busy at 30ms`) {
			t.Errorf("got error %v, want an overload of cache at 30ms", err)
		}
		if tally.Due != 4 || tally.OK != 3 || tally.Reasons != [Reasons]uint64{NoWorker: 1} || tally.Horizon != 30*ms+1 {
			t.Errorf("got %+v, want 3 ok, 1 without a worker", tally)
		}
	})
}

// Failures are counted by what the target says; an outcome it forgets is a
// failure, not a success.
func TestForgottenOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := Pool{Workers: 1, Pipeline: 3, Schedule: Schedule{Rate: Constant(300)}}
		tally, l, err := trial(t, p, time.Second, forgetful{})
		if err != nil || tally.OK != 100 || tally.Failed != 200 {
			t.Errorf("got %+v, %v, want 100 ok and 200 failed", tally, err)
		}
		classes := map[Class]int{}
		for _, s := range l.samples {
			classes[s.Outcome.Class]++
		}
		if classes[Reset] != 100 || classes[Other] != 100 {
			t.Errorf("got %v, want 100 of reset and of other", classes)
		}
	})
}

type forgetful struct{}

func (forgetful) Do(_ context.Context, _ []Operation, outcomes []Outcome) {
	outcomes[0], outcomes[1] = Outcome{Class: OK}, Outcome{Class: Reset}
}

// A pipeline of P is P operations at the instant of the first, P/rate apart,
// each with the latency of all; the rate stays operations a second.
func TestPipeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var batches atomic.Int64
		p := Pool{Workers: 2, Pipeline: 4, Schedule: Schedule{Rate: Constant(1000)}}
		tally, l, err := trial(t, p, time.Second, targetFunc(func(ctx context.Context) Class {
			batches.Add(1)
			return nap(ctx, 3*ms)
		}))
		if err != nil || tally.Due != 1000 || tally.OK != 1000 || batches.Load() != 250 {
			t.Errorf("got %+v in %d batches, %v, want 1000 in 250", tally, batches.Load(), err)
		}
		at := map[time.Duration]int{}
		for _, s := range l.samples {
			at[s.Intended]++
			if s.ResponseTime() != 3*ms || s.Intended%(4*ms) != 0 {
				t.Fatalf("got %+v, want a multiple of 4ms that took 3ms", s)
			}
		}
		if len(at) != 250 || at[0] != 4 || at[996*ms] != 4 {
			t.Errorf("got %d instants, want 250 of 4 operations", len(at))
		}
	})
}

// The backlog holds what may wait within the deadline.
func TestBacklogDefault(t *testing.T) {
	for _, tt := range []struct {
		pool Pool
		want int
	}{
		{Pool{Schedule: Schedule{Rate: Constant(1000)}}, 5001},
		{Pool{Schedule: Schedule{Arrival: PoissonArrival, Rate: Constant(1000)}}, 6251},
		{Pool{Schedule: Schedule{Rate: Ramp(0, 1000, time.Second)}, StartDeadline: time.Second, Pipeline: 10}, 1010},
		{Pool{Schedule: Schedule{Rate: Constant(1e9)}}, maxBacklog + 1},
		{Pool{Schedule: Schedule{Rate: Constant(1000)}, Backlog: 7}, 7},
	} {
		if got := tt.pool.WithDefaults().Backlog; got != tt.want {
			t.Errorf("%+v: got a backlog of %d, want %d", tt.pool, got, tt.want)
		}
	}
	if math.MaxInt < maxBacklog*16 {
		t.Error("the largest backlog does not fit the address space")
	}
}
