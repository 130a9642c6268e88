package workload

import (
	"context"
	"errors"
	"math"
	"slices"
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
		var l ledger
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

// The target sees the arrivals that the schedule has: a grid as a grid, a
// Poisson process as one.
func TestDispersionOfSends(t *testing.T) {
	for arrival, want := range map[Arrival][2]float64{ConstantArrival: {0, 0.05}, PoissonArrival: {0.85, 1.15}} {
		synctest.Test(t, func(t *testing.T) {
			p := Pool{Schedule: Schedule{Arrival: arrival, Rate: Constant(5000), Seed: 3}}
			_, l, err := trial(t, p, 10*time.Second, targetFunc(func(ctx context.Context) Class { return nap(ctx, ms/4) }))
			if err != nil {
				t.Error(err)
			}
			var sent []time.Duration
			for _, s := range l.samples {
				sent = append(sent, s.Sent)
			}
			slices.Sort(sent)
			for _, bin := range []time.Duration{ms, 10 * ms} {
				if got := dispersion(sent, bin); got < want[0] || got > want[1] {
					t.Errorf("%s: index of dispersion at %v: got %.2f, want %v", arrival, bin, got, want)
				}
			}
		})
	}
}

// A closed loop offers what the target takes, says that it is one, and has no
// lateness.
func TestClosedLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := time.Now()
		p := Pool{Workers: 4, Schedule: Schedule{Arrival: ClosedLoop, Think: 5 * ms}}
		tally, l, err := trial(t, p, time.Second, targetFunc(func(ctx context.Context) Class {
			if time.Since(base) == 500*ms {
				nap(ctx, 95*ms)
			}
			return nap(ctx, 5*ms)
		}))
		if err != nil || !tally.Closed || tally.Due != 4*(50+1+40) || tally.OK != tally.Due {
			t.Errorf("got %+v, %v, want 364 in a closed loop", tally, err)
		}
		for _, s := range l.samples {
			if s.Lateness() != 0 || s.Intended >= time.Second {
				t.Fatalf("got %+v, want no lateness and nothing after 1s", s)
			}
		}
	})
}

// Two closed loops with the same seed offer the same operations.
func TestClosedLoopOrder(t *testing.T) {
	offered := func(delay time.Duration) (keys []string) {
		synctest.Test(t, func(t *testing.T) {
			p := Pool{Workers: 1, Schedule: Schedule{Arrival: ClosedLoop}}
			base := time.Now()
			h := new(Horizon)
			h.End(50 * delay)
			tally, err := Run{Base: base, Pool: p, Horizon: h, Target: watch(func(ctx context.Context, op Operation) {
				nap(ctx, delay)
				keys = append(keys, op.Command+op.Key)
			})}.Do(t.Context())
			if err != nil || tally.OK != 50 {
				t.Errorf("got %+v, %v, want 50 ok", tally, err)
			}
		})
		return keys
	}
	if a, b := offered(ms), offered(7*ms); !slices.Equal(a, b) {
		t.Errorf("got %v and %v, want the same", a, b)
	}
}

// watch is a Target that sees each operation.
type watch func(ctx context.Context, op Operation)

func (f watch) Do(ctx context.Context, ops []Operation, outcomes []Outcome) {
	for i, op := range ops {
		f(ctx, op)
		outcomes[i] = Outcome{Class: OK}
	}
}

// When the context ends, the horizon is now: what waits is missed, what is in
// flight ends as canceled, and that is no error.
func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 505*ms)
		defer cancel()
		var l ledger
		base := time.Now()
		tally, err := Run{
			Base: base, Sink: l.Sink, Target: frozen(base, time.Hour),
			Pool:  Pool{Workers: 2, Schedule: Schedule{Rate: Constant(100)}},
			Pacer: func() (Pacer, error) { return NewTimerPacer(base), nil },
		}.Do(ctx)
		l.wantTally(t, tally)
		if err != nil || tally.Due != 51 || tally.Failed != 2 || tally.Reasons != [Reasons]uint64{Ended: 49} || tally.Horizon != 505*ms {
			t.Errorf("got %+v, %v, want 2 failed and 49 missed until 505ms", tally, err)
		}
		for _, s := range l.samples {
			if s.Outcome.Class != Canceled {
				t.Errorf("got %+v, want canceled", s)
			}
		}
		if got := time.Since(base); got != 505*ms {
			t.Errorf("the run took %v, want 505ms", got)
		}
		// Two workers and the dispatcher.
		if l.sinks != 3 {
			t.Errorf("got %d sinks, want 3", l.sinks)
		}
	})
}

// A horizon that comes too late keeps what fell due already, and the run ends
// at the horizon, not after the next instant, however far that is.
func TestHorizon(t *testing.T) {
	for _, tt := range []struct {
		name        string
		rate        Rate
		call, end   time.Duration
		due         uint64
		want, takes time.Duration
	}{
		{"ahead", Constant(10), 250 * ms, 450 * ms, 5, 450 * ms, 450 * ms},
		{"behind", Constant(10), 250 * ms, 50 * ms, 3, 200*ms + 1, 250 * ms},
		{"before the run", Constant(10), 250 * ms, -time.Second, 3, 200*ms + 1, 250 * ms},
		{"slow schedule", Constant(0.001), time.Second, 2 * time.Second, 1, 2 * time.Second, 2 * time.Second},
		{"silent schedule", Steps(Step{10, 300 * ms}, Step{}), time.Second, 2 * time.Second, 3, 2 * time.Second, 2 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				base := time.Now()
				h := new(Horizon)
				time.AfterFunc(tt.call, func() {
					h.End(tt.end)
					h.End(time.Hour) // the first call counts
				})
				tally, err := Run{
					Base: base, Target: frozen(base, 0), Horizon: h, Pool: Pool{Workers: 2, Schedule: Schedule{Rate: tt.rate}},
					Pacer: func() (Pacer, error) { return NewTimerPacer(base), nil },
				}.Do(t.Context())
				if err != nil || tally.Due != tt.due || tally.OK != tt.due || tally.Horizon != tt.want {
					t.Errorf("got %+v, %v, want %d due until %v", tally, err, tt.due, tt.want)
				}
				if got := time.Since(base); got != tt.takes {
					t.Errorf("the run took %v, want %v", got, tt.takes)
				}
			})
		})
	}
}

// A base ahead is waited for, by both loops.
func TestBaseAhead(t *testing.T) {
	for _, s := range []Schedule{{Rate: Constant(10)}, {Arrival: ClosedLoop, Think: 95 * ms}} {
		synctest.Test(t, func(t *testing.T) {
			base := time.Now().Add(time.Minute)
			h := new(Horizon)
			h.End(time.Second)
			var l ledger
			tally, err := Run{
				Base: base, Pool: Pool{Workers: 1, Schedule: s}, Horizon: h, Sink: l.Sink,
				Target: targetFunc(func(ctx context.Context) Class { return nap(ctx, 5*ms) }),
				Pacer:  func() (Pacer, error) { return NewTimerPacer(base), nil },
			}.Do(t.Context())
			if err != nil || tally.Due != 10 || l.samples[0].Sent != 0 {
				t.Errorf("%s: got %+v, %v, first sent at %v, want 10 from 0 on", s.Arrival, tally, err, l.samples[0].Sent)
			}
		})
	}
}

// A pacer that fails ends the run with its error and an exact account.
func TestPacerFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := time.Now()
		run := Run{
			Base: base, Target: frozen(base, 0), Pool: Pool{Schedule: Schedule{Rate: Constant(10)}},
			Pacer: func() (Pacer, error) { return &broken{TimerPacer: NewTimerPacer(base), waits: 5}, nil },
		}
		tally, err := run.Do(t.Context())
		if !errors.Is(err, errBroken) || tally.Due != 6 || tally.OK != 6 {
			t.Errorf("got %+v, %v, want 6 ok and %v", tally, err, errBroken)
		}
		run.Pacer = func() (Pacer, error) { return nil, errBroken }
		if _, err := run.Do(t.Context()); !errors.Is(err, errBroken) {
			t.Errorf("got %v, want %v", err, errBroken)
		}
	})
}

var errBroken = errors.New("broken")

type broken struct {
	*TimerPacer
	waits int
}

func (p *broken) Wait(ctx context.Context, until time.Duration) error {
	if p.waits--; p.waits < 0 {
		return errBroken
	}
	return p.TimerPacer.Wait(ctx, until)
}

func TestRunValidate(t *testing.T) {
	_, err := Run{Pool: Pool{Name: "main", Workers: -1}}.Do(t.Context())
	for _, want := range []string{`pool "main"`, "workers -1", "needs a rate", "no base instant", "no target"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}

// The account notices what does not add up.
func TestCheck(t *testing.T) {
	good := Tally{Due: 10, OK: 5, Failed: 3, Missed: 2, Reasons: [Reasons]uint64{Deadline: 1, Ended: 1}}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(t *Tally){
		"due":     func(t *Tally) { t.Due++ },
		"ok":      func(t *Tally) { t.OK-- },
		"missed":  func(t *Tally) { t.Missed++; t.Due++ },
		"reasons": func(t *Tally) { t.Reasons[QueueFull]++ },
	} {
		bad := good
		spoil(&bad)
		if bad.Check() == nil {
			t.Errorf("%s: no error for %+v", name, bad)
		}
	}
	run := Run{Pool: Pool{Schedule: Schedule{Rate: Constant(10)}}.WithDefaults()}
	tally := Tally{Due: 9, OK: 9, Horizon: time.Second}
	if err := run.check(tally); err == nil || !strings.Contains(err.Error(), "10 operations are due before 1s, but 9") {
		t.Errorf("got %v, want the missing operation", err)
	}
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
