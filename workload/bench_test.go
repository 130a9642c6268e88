package workload

import (
	"context"
	"sync/atomic"
	"testing"
	"time"
)

// instant is a target that costs nothing.
type instant struct{}

func (instant) Do(_ context.Context, ops []Operation, outcomes []Outcome) {
	for i := range ops {
		outcomes[i] = Outcome{Class: OK, Attempts: 1}
	}
}

// BenchmarkEngineClosed is what the harness itself costs per operation: build,
// two clock readings, account.
func BenchmarkEngineClosed(b *testing.B) {
	for name, p := range map[string]Pool{
		"workers1":   {Workers: 1},
		"workers64":  {Workers: 64},
		"pipeline16": {Workers: 1, Pipeline: 16},
	} {
		b.Run(name, func(b *testing.B) {
			p.Schedule.Arrival = ClosedLoop
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			b.ReportAllocs()
			target := &countdown{cancel: cancel}
			target.left.Store(int64(b.N))
			tally, err := Run{Base: time.Now(), Pool: p, Target: target}.Do(ctx)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(tally.Due)/b.Elapsed().Seconds(), "ops/s")
		})
	}
}

// countdown ends the run after some operations.
type countdown struct {
	instant
	left   atomic.Int64
	cancel context.CancelFunc
}

func (c *countdown) Do(ctx context.Context, ops []Operation, outcomes []Outcome) {
	c.instant.Do(ctx, ops, outcomes)
	if c.left.Add(-int64(len(ops))) <= 0 {
		c.cancel()
	}
}

// BenchmarkEngineOpen is the same with dispatcher and queue, at a rate no
// system keeps: the schedule is always behind.
func BenchmarkEngineOpen(b *testing.B) {
	for name, p := range map[string]Pool{
		"workers1":   {Workers: 1},
		"workers64":  {Workers: 64},
		"pipeline16": {Workers: 64, Pipeline: 16},
	} {
		b.Run(name, func(b *testing.B) {
			p.Schedule.Rate = Constant(1e8)
			p.StartDeadline = time.Hour
			h := new(Horizon)
			h.End(time.Duration(b.N) * 10)
			b.ReportAllocs()
			tally, err := Run{Base: time.Now(), Pool: p, Target: instant{}, Horizon: h}.Do(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(tally.OK)/float64(tally.Due), "ok/due")
		})
	}
}

// BenchmarkEngineLateness is the lateness of sends in real time at the rate of
// the budget: intended to sent, through pacer, queue and worker.
func BenchmarkEngineLateness(b *testing.B) {
	for name, arrival := range map[string]Arrival{"constant": ConstantArrival, "poisson": PoissonArrival} {
		b.Run(name, func(b *testing.B) {
			const rate = 10_000
			h := new(Horizon)
			h.End(time.Duration(b.N) * time.Second / rate)
			sink := &lateness{all: make([]time.Duration, 0, 2*b.N)}
			_, err := Run{
				Base: time.Now().Add(10 * ms), Pool: Pool{Schedule: Schedule{Arrival: arrival, Rate: Constant(rate)}},
				Target: instant{}, Horizon: h, Sink: sink.fork,
			}.Do(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			reportQuantiles(b, sink.join())
		})
	}
}

// lateness keeps one list for each goroutine.
type lateness struct {
	discard
	all   []time.Duration
	forks []*lateness
}

func (l *lateness) fork() Sink {
	f := &lateness{all: make([]time.Duration, 0, cap(l.all)/8)}
	l.forks = append(l.forks, f)
	return f
}

func (l *lateness) Done(s Sample, n int) { l.all = append(l.all, s.Lateness()) }

func (l *lateness) join() []time.Duration {
	for _, f := range l.forks {
		l.all = append(l.all, f.all...)
	}
	return l.all
}
