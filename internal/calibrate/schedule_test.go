package calibrate

import (
	"context"
	"testing"
	"time"

	"schload/telemetry/histogram"
	"schload/workload"
)

func TestSchedule(t *testing.T) {
	wantPass(t, inVirtualTime(t, schedule, spoil{}))
}

func TestScheduleIsNoticed(t *testing.T) {
	for _, tt := range []struct {
		name, word string
		spoil      spoil
	}{
		{"a thousandth too fast", "constant: the engine offered", spoil{pool: func(p *workload.Pool) {
			p.Schedule.Rate = workload.Constant(offeredRate + 2)
		}}},
		{"a nanosecond off", "was due at", spoil{instants: func(all []time.Duration) { all[1000]++ }}},
		{"an operation not sent", "invalid", spoil{sink: filtered(every(4000))}},
		{"an even grid for Poisson", "poisson", spoil{pool: func(p *workload.Pool) { p.Schedule.Arrival = workload.ConstantArrival }}},
	} {
		t.Run(tt.name, func(t *testing.T) { wantFail(t, inVirtualTime(t, schedule, tt.spoil), tt.word) })
	}
}

// Gaps that are not exponential are told from those that are, and so is a rate
// that is not the one asked for.
func TestPoissonIsNoticed(t *testing.T) {
	even := &offered{arrival: workload.PoissonArrival}
	for i := range 4000 {
		even.instants = append(even.instants, time.Duration(i)*time.Second/offeredRate)
	}
	var f finding
	even.judgePoisson(&f)
	if len(f.wrong) != 1 {
		t.Errorf("an even grid: %q, want gaps that are not exponential", f.wrong)
	}
	fast := &offered{arrival: workload.PoissonArrival}
	for at := range (workload.Schedule{Arrival: workload.PoissonArrival, Rate: workload.Constant(offeredRate * 1.15), Seed: 1}).Instants() {
		if at >= offeredFor {
			break
		}
		fast.instants = append(fast.instants, at)
	}
	f = finding{}
	fast.judgePoisson(&f)
	if len(f.wrong) != 2 {
		t.Errorf("15 %% too fast: %q, want a wrong number and wrong gaps", f.wrong)
	}
}

// The bounds of chance are met: of 500 seeds none, or at most one, is refused.
func TestPoissonBounds(t *testing.T) {
	refused := 0
	for seed := range uint64(500) {
		o := &offered{arrival: workload.PoissonArrival}
		for at := range (workload.Schedule{Arrival: workload.PoissonArrival, Rate: workload.Constant(offeredRate), Seed: seed}).Instants() {
			if at >= offeredFor {
				break
			}
			o.instants = append(o.instants, at)
		}
		var f finding
		if o.judgePoisson(&f); len(f.wrong) > 0 {
			refused++
		}
	}
	if refused > 1 {
		t.Errorf("%d of 500 Poisson processes refused, want about 0.1", refused)
	}
}

// A late engine fails on an idle machine; on one that wakes nobody in time it
// may be late as well.
func TestStartLagIsNoticed(t *testing.T) {
	l := inVirtualTime(t, check{"schedule", "", func(ctx context.Context, b *bench) (finding, error) {
		pacer := b.pacer
		b.pacer = func(base time.Time) (workload.Pacer, error) {
			p, err := pacer(base)
			return tardy{p}, err
		}
		return runSchedule(ctx, b)
	}}, spoil{})
	wantFail(t, l, "start lag p99")

	o := &offered{late: new(histogram.Histogram)}
	o.late.RecordN(20*time.Millisecond, 100)
	var f finding
	if o.judgeLag(&f, 30*time.Millisecond, 50*time.Millisecond); len(f.wrong) != 0 || len(f.warnings) != 2 {
		t.Errorf("on a busy machine: %+v, want warnings", f)
	}
	f = finding{}
	if o.judgeLag(&f, time.Millisecond, 90*time.Millisecond); len(f.wrong) != 1 || len(f.noise) != 0 {
		t.Errorf("later than a busy machine explains: %+v, want a failure", f)
	}
	o.late.Record(time.Second)
	f = finding{}
	if o.judgeLag(&f, time.Millisecond, 90*time.Millisecond); len(f.wrong) != 0 || len(f.noise) != 2 {
		t.Errorf("on a machine that stands still: %+v, want noise", f)
	}
}

// tardy wakes 20 ms too late.
type tardy struct{ workload.Pacer }

func (p tardy) Wait(ctx context.Context, until time.Duration) error {
	return p.Pacer.Wait(ctx, until+20*time.Millisecond)
}
