package calibrate

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sort"
	"sync"
	"time"

	"schload/internal/compare"
	"schload/telemetry/histogram"
	"schload/telemetry/record"
	"schload/workload"
)

// merging records from several goroutines while it is read, as a run does, and
// keeps books of its own: nothing may be lost, counted twice or moved.
var merging = check{"merging", "16 goroutines record while the tape is read: arms, phases, rounds, outcomes; own books beside it", runMerging}

const (
	clerks    = 16     // goroutines
	entries   = 10_000 // of each
	mergeGap  = 50 * time.Microsecond
	mergeRun  = entries * mergeGap
	mergeArms = 2
	mergeRead = 5 * time.Millisecond
)

var mergeOperations = []string{"GET", "SET"}

// key is where an operation belongs.
type key struct {
	record.Key
	what string // response, service, lateness
}

// ledger is one goroutine's books: durations by the bucket they belong to, and
// operations by arm.
type books struct {
	buckets map[key]map[int]uint64
	arms    map[string]*compare.Operations
}

func newBooks() *books {
	return &books{buckets: map[key]map[int]uint64{}, arms: map[string]*compare.Operations{}}
}

func (b *books) arm(name string) *compare.Operations {
	if b.arms[name] == nil {
		b.arms[name] = new(compare.Operations)
	}
	return b.arms[name]
}

func (b *books) duration(k key, d time.Duration, n uint64) {
	if b.buckets[k] == nil {
		b.buckets[k] = map[int]uint64{}
	}
	b.buckets[k][bucket(d)] += n
}

// bucket finds a duration's bucket by search among the edges, not by the
// arithmetic that records it.
func bucket(d time.Duration) int {
	return sort.Search(histogram.Buckets+1, func(i int) bool { return d <= histogram.Upper(i-1) }) - 1
}

func (b *books) add(o *books) {
	for k, counts := range o.buckets {
		for i, n := range counts {
			if b.buckets[k] == nil {
				b.buckets[k] = map[int]uint64{}
			}
			b.buckets[k][i] += n
		}
	}
	for name, x := range o.arms {
		a := b.arm(name)
		a.Due, a.OK, a.Failed, a.Missed, a.Late = a.Due+x.Due, a.OK+x.OK, a.Failed+x.Failed, a.Missed+x.Missed, a.Late+x.Late
	}
}

// phaseOf is the part of the made-up run an instant lies in: two rounds of the
// three phases, all equally long.
func phaseOf(at time.Duration) (round int, p record.Phase) {
	i := int(at / (mergeRun / 6))
	return 1 + i/3, record.Baseline + record.Phase(i%3)
}

func runMerging(ctx context.Context, b *bench) (finding, error) {
	f := finding{expected: "every bucket of every histogram and every total the same in the own books, the bundle and the summary"}
	arms := []string{"a", "b"}
	t, err := b.newTape("merging", arms, mergeOperations)
	if err != nil {
		return f, err
	}
	defer t.close()
	for i := range 6 {
		at := time.Duration(i) * mergeRun / 6
		round, p := phaseOf(at)
		t.begin(round, p, at)
	}
	want := t.record(arms, b.seed)
	t.recorder.End(mergeRun)
	p, err := t.finish(mergeRun)
	if err != nil {
		return f, err
	}
	f.want(p.Valid, "the run is invalid: %q", p.InvalidReasons)
	judgeMerging(&f, p, want)
	return f, ctx.Err()
}

// record has all clerks at work and reads the tape until they are done.
func (t *tape) record(arms []string, seed uint64) *books {
	all := newBooks()
	var mu sync.Mutex
	var working sync.WaitGroup
	for i := range clerks {
		arm := arms[i%mergeArms]
		sink, source := t.sink(arm), rand.New(rand.NewPCG(seed, uint64(1000+i)))
		working.Go(func() {
			own := newBooks()
			for n := range entries {
				own.enter(arm, sink, source, time.Duration(n)*mergeGap)
			}
			mu.Lock()
			defer mu.Unlock()
			all.add(own)
		})
	}
	done := make(chan struct{})
	go func() { working.Wait(); close(done) }()
	ticker := time.NewTicker(mergeRead)
	defer ticker.Stop()
	for now := time.Duration(1); ; now++ { // whatever the instant: intervals only have to follow each other
		select {
		case <-done:
			return all
		case <-ticker.C:
			t.read(now)
		}
	}
}

// enter makes up one operation (or a pipeline of some), and writes it into the
// books and to the sink.
func (b *books) enter(arm string, sink workload.Sink, r *rand.Rand, at time.Duration) {
	n := 1 + r.IntN(3)*r.IntN(2)
	own := b.arm(arm)
	own.Due += uint64(n)
	sink.Due(at, n)
	if r.IntN(10) == 0 {
		own.Missed += uint64(n)
		sink.Missed(at, workload.Reason(r.IntN(workload.Reasons)), n)
		return
	}
	x := workload.Sample{Operation: r.IntN(len(mergeOperations)), Intended: at, Sent: at + scaled(r.ExpFloat64(), time.Millisecond)}
	x.Done = x.Sent + scaled(r.ExpFloat64()*r.ExpFloat64(), 30*time.Millisecond)
	round, phase := phaseOf(at)
	k := record.Key{Arm: arm, Pool: tapePool, Operation: mergeOperations[x.Operation], Outcome: "ok", Phase: phase, Round: round}
	switch {
	case r.IntN(10) == 0:
		x.Outcome.Class, k.Outcome = workload.Class(1+r.IntN(workload.Classes-1)), "failed"
		own.Failed += uint64(n)
	default:
		own.OK += uint64(n)
		if x.ResponseTime() > lateAfter {
			own.Late += uint64(n)
		}
	}
	b.duration(key{k, "response time"}, x.ResponseTime(), uint64(n))
	b.duration(key{k, "service time"}, x.ServiceTime(), uint64(n))
	b.duration(key{k, "lateness"}, x.Lateness(), uint64(n))
	sink.Done(x, n)
}

func judgeMerging(f *finding, p played, want *books) {
	got := newBooks()
	for _, s := range p.sums.Series() {
		got.histogram(key{s.Key, "response time"}, s.Response)
		got.histogram(key{s.Key, "service time"}, s.Service)
		got.histogram(key{s.Key, "lateness"}, s.Lateness)
	}
	buckets, durations := 0, uint64(0)
	for k, counts := range want.buckets {
		buckets += len(counts)
		for i, n := range counts {
			durations += n
			f.want(got.buckets[k][i] == n, "%v, bucket %d: %d in the bundle, want %d", k, i, got.buckets[k][i], n)
		}
	}
	for k, counts := range got.buckets {
		f.want(maps.Equal(counts, want.buckets[k]), "%v: other buckets in the bundle than in the books", k)
	}
	var sum compare.Operations
	for _, name := range slices.Sorted(maps.Keys(want.arms)) {
		a, _ := p.Arm(name)
		f.want(a.Operations == *want.arms[name], "arm %s: the summary has %+v, want %+v", name, a.Operations, *want.arms[name])
		sum.Due, sum.Missed = sum.Due+a.Operations.Due, sum.Missed+a.Operations.Missed
	}
	f.found = fmt.Sprintf("%d durations in %d buckets of %d histograms, %d due, %d missed", durations, buckets, len(want.buckets), sum.Due, sum.Missed)
}

// histogram enters what a histogram holds.
func (b *books) histogram(k key, h *histogram.Histogram) {
	counts := map[int]uint64{}
	offset, all := h.Buckets()
	for i, n := range all {
		if n > 0 {
			counts[int(offset)-firstIndex+i] = n
		}
	}
	if n := h.Zero(); n > 0 {
		counts[-1] = n
	}
	if len(counts) > 0 {
		b.buckets[k] = counts
	}
}

// firstIndex is the OTLP index of bucket 0: 2^-20 s at scale 6.
const firstIndex = -20 << histogram.Scale
