package calibrate

import (
	"context"
	"fmt"
	"time"

	"schload/telemetry/histogram"
	"schload/telemetry/record"
	"schload/workload"
)

// stall is coordinated omission: a load generator that waits for replies stops
// asking while the target is silent, and then knows of one slow operation per
// worker. What is true stands in the schedule.
var stall = check{"stall", "a target that answers nothing for 1 s, at 1000 operations a second", runStall}

const (
	stallRate  = 1000
	stallFrom  = time.Second
	stallTo    = 2 * time.Second
	stallEnd   = 3 * time.Second
	stallUnit  = time.Second / stallRate
	stallCount = int((stallTo - stallFrom) / stallUnit)

	// slack is what a healthy machine may be late by in waking workers and
	// sending what has queued up. What the witness was late by comes on top.
	slack = 20 * time.Millisecond
	// hopeless is a witness so late that nothing can be said of a stall.
	hopeless = 250 * time.Millisecond

	histogramError = 0.0055 // docs/METHODOLOGY.md, Percentiles
)

// silent answers at once, but nothing while it is stalled.
type silent struct {
	base     time.Time
	from, to time.Duration
}

func (s silent) Do(ctx context.Context, ops []workload.Operation, outcomes []workload.Outcome) {
	class := workload.OK
	if now := time.Since(s.base); now >= s.from && now < s.to {
		class = pause(ctx, s.to-now)
	}
	for i := range ops {
		outcomes[i] = workload.Outcome{Class: class, Attempts: 1}
	}
}

// pause waits as a client waits for a reply.
func pause(ctx context.Context, d time.Duration) workload.Class {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return workload.OK
	case <-ctx.Done():
		return workload.Canceled
	}
}

func runStall(ctx context.Context, b *bench) (finding, error) {
	f := finding{expected: fmt.Sprintf("%d operations due in the stall, their response times even from 0 to 1 s; one outage of 1 s; service times that hide it", stallCount)}
	t, err := b.newTape("stall", []string{"arm"}, []string{"PING"})
	if err != nil {
		return f, err
	}
	defer t.close()
	base := time.Now().Add(ahead)
	for i, at := range []time.Duration{0, stallFrom, stallTo} {
		t.begin(1, record.Baseline+record.Phase(i), at)
	}
	pool := workload.Pool{Name: tapePool, Workers: 16, Mix: workload.Mix{{Command: "PING", Weight: 1}}, Seed: b.seed,
		Schedule: workload.Schedule{Rate: workload.Constant(stallRate)}}
	w := watch(beat)
	tally, err := b.engine(ctx, t, engineRun{base: base, pool: pool, target: silent{base, stallFrom, stallTo}, until: stallEnd})
	noise := w.end()
	if err != nil {
		return f, err
	}
	t.recorder.End(stallEnd)
	p, err := t.finish(stallEnd)
	if err != nil {
		return f, err
	}
	judgeStall(&f, p, tally, noise.Max())
	return f, nil
}

// judgeStall holds what was found against the schedule. Lateness of the machine
// can make response times longer, never shorter.
func judgeStall(f *finding, p played, tally workload.Tally, late time.Duration) {
	a, _ := p.Arm("arm")
	m := a.Phases.Maintenance
	h := phaseTimes(&p.sums, "arm", record.Maintenance)
	allowed := slack + late
	f.doubt(late <= hopeless, "the machine woke its witness up to %v late", short(late))
	f.expected += fmt.Sprintf(" (tolerance %.2f %%, and %v of scheduling)", 100*histogramError, short(allowed))
	f.found = fmt.Sprintf("%d due, %d ok; response p50 %v, p99 %v, max %v; outage %d of %v; service p50 %v, p95 %v",
		m.Operations.Due, m.Operations.OK, shortS(m.ResponseTime.P50), shortS(m.ResponseTime.P99), shortS(m.ResponseTime.Max),
		a.Outage.Windows, shortS(a.Outage.Longest), shortS(m.ServiceTime.P50), shortS(m.ServiceTime.P95))

	f.want(p.Valid, "the run is invalid: %q", p.InvalidReasons)
	f.want(tally.Due == uint64(stallEnd/stallUnit), "%d due in all, want %d", tally.Due, stallEnd/stallUnit)
	f.want(m.Operations.Due == uint64(stallCount) && m.Operations.OK == uint64(stallCount), "%d due and %d ok in the stall, want %d", m.Operations.Due, m.Operations.OK, stallCount)
	for rank := 1; rank <= stallCount; rank++ {
		want := time.Duration(rank) * stallUnit
		got := h.response.Quantile(float64(rank) / float64(stallCount))
		if lowest, highest := within(want, want+allowed); got < lowest || got > highest {
			f.misses(late, "response time of rank %d of %d: %v, want %v to %v", rank, stallCount, short(got), short(lowest), short(highest))
		}
	}
	beyond := uint64((stallTo - stallFrom - lateAfter) / stallUnit)
	f.want(m.Operations.Late >= beyond && m.Operations.Late <= beyond+uint64(allowed/stallUnit)+1, "%d late, want %d", m.Operations.Late, beyond)
	longest := a.Outage.Longest.Duration()
	f.want(a.Outage.Windows == 1, "%d outages, want 1", a.Outage.Windows)
	f.want(longest > stallTo-stallFrom-stallUnit && longest <= stallTo-stallFrom+allowed+outageEarly, "an outage of %v, want 1 s", short(longest))
	f.want(m.ServiceTime.P95.Duration() <= allowed, "service time p95 %v: it does not count from the send", shortS(m.ServiceTime.P95))
}

// outageEarly is by how much an outage may begin early (docs/METHODOLOGY.md).
const outageEarly = 20 * time.Millisecond

// misses files a wrong time: the machine's doing if it stood still for long.
func (f *finding) misses(late time.Duration, format string, args ...any) {
	if late > hopeless {
		f.doubt(false, format, args...)
		return
	}
	f.want(false, format, args...)
}

// within returns what a histogram may say of a time between two.
func within(low, high time.Duration) (time.Duration, time.Duration) {
	return time.Duration(float64(low) * (1 - histogramError)), time.Duration(float64(high) * (1 + histogramError))
}

// times are the three histograms of successes.
type times struct{ response, service, lateness histogram.Histogram }

// phaseTimes adds up what a bundle has of an arm's phase.
func phaseTimes(sums *record.Cumulative, arm string, phase record.Phase) *times {
	t := new(times)
	for _, s := range sums.Series() {
		if s.Arm == arm && s.Phase == phase && s.Outcome == workload.OK.String() {
			t.add(s)
		}
	}
	return t
}

func (t *times) add(s record.Series) {
	t.response.Merge(s.Response)
	t.service.Merge(s.Service)
	t.lateness.Merge(s.Lateness)
}
