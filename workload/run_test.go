package workload

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// journal collects what all sinks of a run were told.
type journal struct {
	mu      sync.Mutex
	samples []Sample // one entry for each operation
	due     uint64
	missed  [Reasons]uint64
	sinks   int
}

func (l *journal) Sink() Sink {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sinks++
	return ledgerSink{l}
}

type ledgerSink struct{ *journal }

func (s ledgerSink) Due(_ time.Duration, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.due += uint64(n)
}

func (s ledgerSink) Missed(_ time.Duration, r Reason, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.missed[r] += uint64(n)
}

func (s ledgerSink) Done(x Sample, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		s.samples = append(s.samples, x)
	}
}

// wantTally checks that sinks and tally were told the same.
func (l *journal) wantTally(t *testing.T, got Tally) {
	t.Helper()
	if err := got.Check(); err != nil {
		t.Error(err)
	}
	if got.Due != l.due || got.OK+got.Failed != uint64(len(l.samples)) || got.Reasons != l.missed {
		t.Errorf("tally %+v differs from the sinks': due %d, done %d, missed %v", got, l.due, len(l.samples), l.missed)
	}
}

func quantile(l *journal, q float64, of func(Sample) time.Duration) time.Duration {
	var all []time.Duration
	for _, s := range l.samples {
		all = append(all, of(s))
	}
	slices.Sort(all)
	return all[int(q*float64(len(all)-1))]
}

// targetFunc is a Target that treats all operations of a batch alike.
type targetFunc func(ctx context.Context) Class

func (f targetFunc) Do(ctx context.Context, ops []Operation, outcomes []Outcome) {
	class := f(ctx)
	for i := range ops {
		outcomes[i] = Outcome{Class: class}
	}
}

// nap waits like a client waits for a reply.
func nap(ctx context.Context, d time.Duration) Class {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return OK
	case <-ctx.Done():
		return Canceled
	}
}

// trial runs a pool in a bubble, in virtual time, until a horizon.
func trial(t *testing.T, p Pool, until time.Duration, target Target) (Tally, *journal, error) {
	t.Helper()
	var l journal
	base := time.Now()
	h := new(Horizon)
	h.End(until)
	tally, err := Run{
		Base: base, Pool: p, Target: target, Sink: l.Sink, Horizon: h,
		Pacer: func() (Pacer, error) { return NewTimerPacer(base), nil },
	}.Do(t.Context())
	l.wantTally(t, tally)
	return tally, &l, err
}

// A target that freezes for a second is charged for every operation that was
// due meanwhile: nothing is lost, nothing is forgiven, and the service time
// alone shows nothing.
func TestStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const from, to = 5 * time.Second, 6 * time.Second
		base := time.Now()
		p := Pool{Name: "main", Workers: 50, Schedule: Schedule{Rate: Constant(5000)}}
		tally, l, err := trial(t, p, 10*time.Second, targetFunc(func(ctx context.Context) Class {
			if now := time.Since(base); now >= from && now < to {
				nap(ctx, to-now)
			}
			return nap(ctx, 200*time.Microsecond)
		}))
		if err != nil || tally.Due != 50_000 || tally.OK != 50_000 {
			t.Errorf("got %+v, %v, want 50000 due and ok", tally, err)
		}
		p99 := quantile(l, 0.99, Sample.ResponseTime)
		if want := 906 * time.Millisecond; p99 < want*98/100 || p99 > want*102/100 {
			t.Errorf("response p99: got %v, want %v", p99, want)
		}
		if got := quantile(l, 0.99, Sample.ServiceTime); got > time.Millisecond {
			t.Errorf("service p99: got %v, want at most 1ms", got)
		}
	})
}

// Due = ok + failed + missed, and due is what the schedule says, whatever the
// policy, the target's stalls and the instant the run is cancelled.
func TestConservation(t *testing.T) {
	for seed := range uint64(200) {
		synctest.Test(t, func(t *testing.T) { conserve(t, seed) })
	}
}

func conserve(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0))
	p := Pool{
		Name: fmt.Sprint("seed ", seed), Workers: 1 + r.IntN(8), Pipeline: 1 + r.IntN(3)*r.IntN(4),
		Schedule:      Schedule{Arrival: Arrival(r.IntN(2)), Rate: randomRate(r), Seed: seed},
		Overload:      Overload(r.IntN(3)),
		StartDeadline: time.Duration(1+r.IntN(300)) * time.Millisecond,
		Backlog:       r.IntN(2) * (1 + r.IntN(50)),
	}
	if r.IntN(8) == 0 {
		p.Schedule = Schedule{Arrival: ClosedLoop, Think: time.Duration(1+r.IntN(3)) * time.Millisecond}
	}
	var mu sync.Mutex
	target := targetFunc(func(ctx context.Context) Class {
		mu.Lock()
		d := time.Duration(r.ExpFloat64() * float64(time.Millisecond))
		if r.IntN(200) == 0 {
			d = time.Duration(r.IntN(1000)) * time.Millisecond
		}
		class := Class(r.IntN(3) * r.IntN(Classes) / 2)
		mu.Unlock()
		if nap(ctx, d) == Canceled {
			return Canceled
		}
		return class
	})
	var l journal
	base := time.Now().Add(time.Duration(r.IntN(100)-50) * time.Millisecond)
	h := new(Horizon)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ahead := time.Duration(r.IntN(400)-200) * time.Millisecond
	time.AfterFunc(time.Duration(r.IntN(2000))*time.Millisecond, func() {
		if seed%3 == 0 {
			cancel()
			return
		}
		h.End(time.Since(base) + ahead)
	})
	tally, err := Run{
		Base: base, Pool: p, Target: target, Sink: l.Sink, Horizon: h,
		Pacer: func() (Pacer, error) { return NewTimerPacer(base), nil },
	}.Do(ctx)
	if _, overload := errors.AsType[*OverloadError](err); err != nil && !(overload && p.Overload == Abort) {
		t.Errorf("%s: %v", p.Name, err)
	}
	l.wantTally(t, tally)
}

func randomRate(r *rand.Rand) Rate {
	switch r.IntN(3) {
	case 0:
		return Constant(1 + r.Float64()*3000)
	case 1:
		return Ramp(r.Float64()*2000, r.Float64()*2000, time.Duration(1+r.IntN(1500))*time.Millisecond)
	default:
		return Steps(Step{float64(r.IntN(2000)), 100 * time.Millisecond}, Step{0, 50 * time.Millisecond},
			Step{float64(1 + r.IntN(2000)), 200 * time.Millisecond}, Step{float64(r.IntN(2) * 700), time.Millisecond})
	}
}
