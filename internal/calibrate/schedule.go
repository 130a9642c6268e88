package calibrate

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"schload/telemetry/histogram"
	"schload/telemetry/record"
	"schload/workload"
)

// schedule has the engine offer a constant and a Poisson rate, and counts.
var schedule = check{"schedule", "constant and Poisson arrivals, 2000 a second for 2 s each, to a target that answers at once", runSchedule}

const (
	offeredRate = 2000
	offeredFor  = 2 * time.Second

	// Start lag that a machine should keep for what is measured on it to be the
	// target's; see METHODOLOGY, Saturated.
	lagP50 = time.Millisecond
	lagP99 = 10 * time.Millisecond
	// allowance is how many times later than the witness an engine may be on a
	// machine that is worse: it is woken more often, and works.
	allowance = 3
)

func runSchedule(ctx context.Context, b *bench) (finding, error) {
	f := finding{expected: fmt.Sprintf("each instant of the schedule offered once; constant: %d, i/%d s exactly; Poisson: gaps exponential, their mean and number as chance allows (1 in 10 000); start lag p50 within %v, p99 within %v, or %d times what the machine is late by itself",
		offeredRate*int(offeredFor/time.Second), offeredRate, lagP50, lagP99, allowance)}
	for _, arrival := range []workload.Arrival{workload.ConstantArrival, workload.PoissonArrival} {
		o, err := b.offer(ctx, arrival)
		if err != nil {
			return f, err
		}
		o.judge(&f)
	}
	return f, nil
}

// offered is what the engine did with a schedule.
type offered struct {
	arrival  workload.Arrival
	planned  []time.Duration // by the schedule
	instants []time.Duration // of operations that fell due, in order
	tally    workload.Tally
	summary  played
	lag      histogram.Histogram
	late     *histogram.Histogram // the witness's
}

// offer runs one schedule through the engine.
func (b *bench) offer(ctx context.Context, arrival workload.Arrival) (*offered, error) {
	o := &offered{arrival: arrival}
	t, err := b.newTape("schedule-"+arrival.String(), []string{"arm"}, []string{"PING"})
	if err != nil {
		return o, err
	}
	defer t.close()
	t.begin(1, record.Baseline, 0)
	pool := workload.Pool{Name: tapePool, Workers: 16, Mix: workload.Mix{{Command: "PING", Weight: 1}}, Seed: b.seed,
		Schedule: workload.Schedule{Arrival: arrival, Rate: workload.Constant(offeredRate), Seed: b.seed}}
	for at := range pool.Schedule.Instants() {
		if at >= offeredFor {
			break
		}
		o.planned = append(o.planned, at)
	}
	var mu sync.Mutex
	see := func(s workload.Sink) workload.Sink { return &clerk{Sink: s, mu: &mu, instants: &o.instants} }
	w := watch(quick)
	o.tally, err = b.engine(ctx, t, engineRun{base: time.Now().Add(ahead), pool: pool, target: silent{}, until: offeredFor, lag: o.lag.Record, see: see})
	o.late = w.end()
	if err != nil {
		return o, err
	}
	slices.Sort(o.instants)
	if b.spoil.instants != nil {
		b.spoil.instants(o.instants)
	}
	t.recorder.End(offeredFor)
	o.summary, err = t.finish(offeredFor)
	return o, err
}

// clerk writes down when operations fell due.
type clerk struct {
	workload.Sink
	mu       *sync.Mutex
	instants *[]time.Duration
}

func (c *clerk) Done(x workload.Sample, n int) {
	c.mu.Lock()
	for range n {
		*c.instants = append(*c.instants, x.Intended)
	}
	c.mu.Unlock()
	c.Sink.Done(x, n)
}

func (o *offered) judge(f *finding) {
	a, _ := o.summary.Arm("arm")
	due := uint64(len(o.planned))
	f.want(o.summary.Valid, "%s: the run is invalid: %q", o.arrival, o.summary.InvalidReasons)
	f.want(o.tally.Due == due && a.Operations.Due == due && a.Operations.OK == due, "%s: the engine offered %d, the summary has %d due and %d ok, want %d",
		o.arrival, o.tally.Due, a.Operations.Due, a.Operations.OK, due)
	f.want(slices.Equal(o.instants, o.planned), "%s: %s", o.arrival, differ(o.instants, o.planned))
	detail := ""
	if o.arrival == workload.ConstantArrival {
		o.judgeGrid(f)
	} else {
		detail = o.judgePoisson(f)
	}
	p50, p99 := o.lag.Quantile(0.5), o.lag.Quantile(0.99)
	o.judgeLag(f, p50, p99)
	f.found = join(f.found, fmt.Sprintf("%s: %d%s, start lag p50 %v, p99 %v, max %v", o.arrival, len(o.instants), detail, short(p50), short(p99), short(o.lag.Max())))
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// differ says where two rows of instants differ first.
func differ(got, want []time.Duration) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("operation %d was due at %v, want %v", i, got[i], want[i])
		}
	}
	return fmt.Sprintf("%d operations were sent, want %d", len(got), len(want))
}

// judgeGrid wants what a constant rate means, computed anew.
func (o *offered) judgeGrid(f *finding) {
	f.want(len(o.instants) == offeredRate*int(offeredFor/time.Second), "constant: %d operations, want %d", len(o.instants), offeredRate*int(offeredFor/time.Second))
	for i, at := range o.instants {
		if want := time.Duration(i) * (time.Second / offeredRate); at != want {
			f.want(false, "constant: operation %d was due at %v, want %v", i, at, want)
			return
		}
	}
}

// Bounds that chance exceeds once in 10 000 times: of a normal variable, and of
// sqrt(n) times the distance of Kolmogorov and Smirnov: 2 exp(-2 x²) = 1e-4.
const (
	normalBound     = 3.89
	kolmogorovBound = 2.226
)

// judgePoisson wants what a Poisson process means: the number has the mean and
// the variance of rate times length, and the gaps are exponential.
func (o *offered) judgePoisson(f *finding) string {
	mean := offeredRate * offeredFor.Seconds()
	z := (float64(len(o.instants)) - mean) / math.Sqrt(mean)
	f.want(math.Abs(z) <= normalBound, "poisson: %d operations are %.1f standard deviations from %g", len(o.instants), z, mean)
	d := exponentialDistance(gaps(o.instants), offeredRate) * math.Sqrt(float64(len(o.instants)))
	f.want(d <= kolmogorovBound, "poisson: gaps are not exponential: %.2f (Kolmogorov-Smirnov), want at most %.2f", d, kolmogorovBound)
	return fmt.Sprintf(" (%+.1f standard deviations; gaps %.2f of %.2f)", z, d, kolmogorovBound)
}

func gaps(instants []time.Duration) []time.Duration {
	all := make([]time.Duration, len(instants))
	before := time.Duration(0)
	for i, at := range instants {
		all[i], before = at-before, at
	}
	slices.SortFunc(all, cmp.Compare[time.Duration])
	return all
}

// exponentialDistance is the largest distance between the distribution function
// of sorted gaps and that of an exponential one.
func exponentialDistance(sorted []time.Duration, rate float64) (d float64) {
	n := float64(len(sorted))
	for i, gap := range sorted {
		p := -math.Expm1(-rate * gap.Seconds())
		d = max(d, math.Abs(p-float64(i)/n), math.Abs(float64(i+1)/n-p))
	}
	return d
}

// judgeLag tells an engine that is late from a machine that is: the witness,
// who has nothing to do, is late as well then.
func (o *offered) judgeLag(f *finding, p50, p99 time.Duration) {
	f.doubt(o.late.Max() <= hopeless, "%s: the machine woke its witness up to %v late", o.arrival, short(o.late.Max()))
	for _, x := range []struct {
		name       string
		lag, bound time.Duration
		late       time.Duration
	}{{"p50", p50, lagP50, o.late.Quantile(0.5)}, {"p99", p99, lagP99, o.late.Quantile(0.99)}} {
		text := fmt.Sprintf("%s: start lag %s %v, the machine woke its witness %v late", o.arrival, x.name, short(x.lag), short(x.late))
		switch {
		case x.lag <= x.bound:
		case x.lag > allowance*x.late:
			f.misses(o.late.Max(), "%s", text)
		default:
			f.warn("%s: runs at such rates will be called saturated here", text)
		}
	}
}
