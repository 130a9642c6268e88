package workload

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

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

// Two pools with the same seeds offer the same operations, whatever their
// targets do and whichever worker takes them.
func TestArmsOfferTheSame(t *testing.T) {
	offered := func(workers int, stall time.Duration) (ops []string) {
		synctest.Test(t, func(t *testing.T) {
			base := time.Now()
			var mu sync.Mutex
			p := Pool{Workers: workers, Schedule: Schedule{Arrival: PoissonArrival, Rate: Constant(500), Seed: 4}, Seed: 5, Mix: allCommands(t)}
			p.Mix = slices.DeleteFunc(p.Mix, func(w Weight) bool { return ofWorker(w.Command) })
			tally, _, err := trial(t, p, 2*time.Second, watch(func(ctx context.Context, op Operation) {
				mu.Lock()
				ops = append(ops, op.Command+" "+strings.Clone(op.Key))
				mu.Unlock()
				nap(ctx, max(ms, stall-time.Since(base)))
			}))
			if err != nil || tally.OK != tally.Due {
				t.Errorf("got %+v, %v, want all ok", tally, err)
			}
		})
		slices.Sort(ops)
		return ops
	}
	if a, b := offered(8, 0), offered(3, time.Second); len(a) < 900 || !slices.Equal(a, b) {
		t.Errorf("got %d and %d operations that differ", len(a), len(b))
	}
}

// In real time, with the system's pacer, the account is as exact.
func TestRealTime(t *testing.T) {
	for _, arrival := range []Arrival{ConstantArrival, PoissonArrival} {
		h := new(Horizon)
		h.End(50 * ms)
		var l journal
		tally, err := Run{
			Base: time.Now(), Target: instant{}, Horizon: h, Sink: l.Sink,
			Pool: Pool{Schedule: Schedule{Arrival: arrival, Rate: Constant(20_000)}},
		}.Do(t.Context())
		l.wantTally(t, tally)
		if err != nil || tally.OK != tally.Due || arrival == ConstantArrival && tally.Due != 1000 {
			t.Errorf("%s: got %+v, %v, want 1000 ok", arrival, tally, err)
		}
		for _, s := range l.samples {
			if s.Lateness() < 0 || s.ServiceTime() < 0 {
				t.Fatalf("%s: got %+v, sent early", arrival, s)
			}
		}
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
		var l journal
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
			var l journal
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
