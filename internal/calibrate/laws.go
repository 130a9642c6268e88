package calibrate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"schload/internal/compare"
	"schload/telemetry/record"
	"schload/workload"
)

// laws holds three accounts against each other: the engine's (operations with
// workers), the recorder's (samples) and the target's own clock. The runs of
// other checks must keep the laws, too.
var laws = check{"laws", "due = ok + failed + missed, and Little's law: 500 operations a second of 10 ms (exponential) for 2 s, and the runs of the other checks", runLaws}

const (
	lawRate = 500
	lawMean = 10 * time.Millisecond
	lawFor  = 2 * time.Second

	// littleOver and littleMissing are what the recorder may have more and less
	// than the engine; see METHODOLOGY, Little's law.
	littleOver    = 0.01
	littleMissing = 0.2
)

// slow answers after an exponential time, and a tenth with an error. It keeps
// an account of its own.
type slow struct {
	mu     *sync.Mutex
	source *rand.Rand
	took   *atomic.Int64
	failed *atomic.Int64
}

func newSlow(seed uint64) slow {
	return slow{new(sync.Mutex), rand.New(rand.NewPCG(seed, 77)), new(atomic.Int64), new(atomic.Int64)}
}

func (s slow) Do(ctx context.Context, _ []workload.Operation, outcomes []workload.Outcome) {
	began := time.Now()
	s.mu.Lock()
	d, fails := scaled(s.source.ExpFloat64(), lawMean), s.source.IntN(10) == 0
	s.mu.Unlock()
	class := pause(ctx, d)
	if class == workload.OK && fails {
		class = workload.ReadTimeout
	}
	for i := range outcomes {
		outcomes[i] = workload.Outcome{Class: class}
	}
	if class != workload.OK {
		s.failed.Add(int64(len(outcomes)))
	}
	s.took.Add(int64(time.Since(began)))
}

func runLaws(ctx context.Context, b *bench) (finding, error) {
	f := finding{expected: fmt.Sprintf("the engine's, the recorder's and the target's accounts agree: counts exactly, operations in flight to -%.0f and +%.0f %%", 100*littleMissing, 100*littleOver)}
	t, err := b.newTape("laws", []string{"arm"}, []string{"PING"})
	if err != nil {
		return f, err
	}
	defer t.close()
	t.begin(1, record.Baseline, 0)
	occupancy := new(workload.Occupancy)
	t.levels = (&inFlight{occupancy: occupancy}).levels
	pool := workload.Pool{Name: tapePool, Workers: 64, Mix: workload.Mix{{Command: "PING", Weight: 1}}, Seed: b.seed,
		Schedule: workload.Schedule{Arrival: workload.PoissonArrival, Rate: workload.Constant(lawRate), Seed: b.seed}}
	target, w := newSlow(b.seed), watch(beat)
	tally, err := b.engine(ctx, t, engineRun{base: time.Now().Add(ahead), pool: pool, target: target, until: lawFor, occupancy: occupancy})
	late := w.end().Quantile(0.99)
	if err != nil {
		return f, err
	}
	t.recorder.End(lawFor)
	p, err := t.finish(occupancy.Read().At)
	if err != nil {
		return f, err
	}
	a, _ := p.Arm("arm")
	f.keeps("own run", p.Summary, late)
	o := a.Operations
	f.want(tally.Due == o.Due && tally.OK == o.OK && tally.Failed == o.Failed && tally.Missed == o.Missed, "the engine counted %d due, %d ok, %d failed, %d missed, the summary %+v", tally.Due, tally.OK, tally.Failed, tally.Missed, o)
	f.want(uint64(target.failed.Load()) == o.Failed, "the target failed %d, the summary has %d", target.failed.Load(), o.Failed)
	f.answers(p, time.Duration(target.took.Load()))
	f.found = fmt.Sprintf("%d due = %d ok + %d failed + %d missed; %.3f in flight, %.1f %% of it in no service time", o.Due, o.OK, o.Failed, o.Missed, a.Little.InFlight, 100*a.Little.Missing)
	f.others(b.runs, late)
	return f, nil
}

// answers holds the service times against the target's clock, which sees a
// little less than the engine.
func (f *finding) answers(p played, took time.Duration) {
	var recorded time.Duration
	for _, s := range p.sums.Series() {
		recorded += s.Service.Sum()
	}
	f.want(recorded >= took, "the recorder has %v of service time, the target alone took %v", short(recorded), short(took))
	f.want(float64(took) >= (1-littleMissing)*float64(recorded), "the recorder has %v of service time, the target took only %v", short(recorded), short(took))
}

// keeps wants the laws of every arm of a run.
func (f *finding) keeps(name string, s compare.Summary, late time.Duration) {
	f.want(s.Valid, "%s: invalid: %s", name, strings.Join(s.InvalidReasons, "; "))
	for _, a := range s.Arms {
		o := a.Operations
		f.want(o.Due > 0 && o.Due == o.OK+o.Failed+o.Missed, "%s, arm %s: %d due is not %d ok + %d failed + %d missed", name, a.Name, o.Due, o.OK, o.Failed, o.Missed)
		f.want(a.Little.InFlight > 0, "%s, arm %s: the engine did not say what was in flight", name, a.Name)
		f.want(a.Little.Missing >= -littleOver, "%s, arm %s: %.1f %% more service time than was in flight", name, a.Name, -100*a.Little.Missing)
		if a.Little.Missing > littleMissing {
			f.misses99(late, "%s, arm %s: %.1f %% of the time in flight is in no service time", name, a.Name, 100*a.Little.Missing)
		}
	}
}

// misses99 files time that is missing: the machine's doing if it lets others
// wait for a processor, too.
func (f *finding) misses99(late time.Duration, format string, args ...any) {
	if late > 5*time.Millisecond {
		f.doubt(false, format+"; the machine woke its witness %v late at p99", append(args, short(late))...)
		return
	}
	f.want(false, format, args...)
}

// others wants the laws of the runs that were made for other checks.
func (f *finding) others(runs []experimented, late time.Duration) {
	arms := 0
	for _, r := range runs {
		arms += len(r.Arms)
		f.keeps(r.name, r.Summary, max(late, r.late))
	}
	if len(runs) > 0 {
		f.found += fmt.Sprintf("; %d arms of %d other runs", arms, len(runs))
	}
}
