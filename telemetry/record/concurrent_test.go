package record

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"schload/workload"
)

// Nothing is lost and nothing counted twice while goroutines record, phases
// begin and the reader collects, all at once.
func TestCollectConcurrentSafe(t *testing.T) {
	const workers, each = 6, 4000
	r := New(Config{Arms: []Arm{
		{Name: "on", Pools: []Pool{{Name: "main", Operations: []string{"GET", "SET"}}}},
		{Name: "off", Pools: []Pool{{Name: "main", Operations: []string{"GET", "SET"}}}},
	}})
	var clock atomic.Int64 // the run's time moves with the operations
	var wg sync.WaitGroup
	for w := range workers {
		s := r.Sink([]string{"on", "off"}[w%2], "main")
		wg.Go(func() {
			for n := range each {
				at := time.Duration(clock.Add(int64(10 * time.Microsecond)))
				s.Due(at, 1)
				if n%8 == 7 {
					s.Missed(at, workload.Deadline, 1)
					continue
				}
				s.Done(sample(n%2, at, at, at+time.Duration(n), workload.Class(n%3)), 1)
			}
		})
	}
	finished := make(chan struct{})
	go func() { wg.Wait(); close(finished) }()

	var sum Cumulative
	for round := 1; ; round++ {
		now := time.Duration(clock.Load())
		r.Begin(round, Baseline, now)
		sum.Add(r.Collect(now))
		select {
		case <-finished:
			sum.Add(r.Finish(time.Duration(clock.Load())))
			wantWhole(t, r, sum, workers*each)
			return
		default:
		}
	}
}

func wantWhole(t *testing.T, r *Recorder, sum Cumulative, due uint64) {
	t.Helper()
	on, off := r.Totals("on"), r.Totals("off")
	for _, totals := range []Totals{on, off} {
		if err := totals.Conservation(); err != nil {
			t.Error(err)
		}
	}
	if got := on.Due + off.Due; got != due {
		t.Errorf("%d operations due, want %d", got, due)
	}
	var series, counts uint64
	for _, s := range sum.Series() {
		series += s.Response.Count()
		if s.Service.Count() != s.Response.Count() || s.Lateness.Count() != s.Response.Count() {
			t.Errorf("%v: %d response, %d service, %d lateness, want equal", s.Key, s.Response.Count(), s.Service.Count(), s.Lateness.Count())
		}
	}
	for _, c := range sum.Counts() {
		if c.Name == Operations {
			counts += c.Value
		}
	}
	if want := on.OK + on.Failed + off.OK + off.Failed; series != want || counts != want {
		t.Errorf("intervals sum up to %d in series and %d in counts, want %d", series, counts, want)
	}
}

// A goroutine that is blocked in an operation does not delay a reading, nor
// does one that never recorded.
func TestCollectPassesIdleConcurrentSafe(t *testing.T) {
	r := oneArm(Config{})
	r.Sink("on", "main")
	s := r.Sink("on", "main")
	s.Due(0, 1) // and then its goroutine waits for a reply, for ever
	i := r.Collect(time.Second)
	wantCount(t, i, 1, OperationsDue)
}

// The reader that meets a claimed buffer waits until it is released.
func TestTakeWaitsForRelease(t *testing.T) {
	r := oneArm(Config{})
	s := r.arms[0].pools[0].newShard()
	b := s.claim()
	taken := make(chan *buffer)
	go func() { taken <- s.take(s.pool.newBuffer()) }()
	select {
	case <-taken:
		t.Fatal("the reader took a buffer that was claimed")
	default:
	}
	s.release(b)
	if got := <-taken; got != b {
		t.Errorf("took %p, want the released %p", got, b)
	}
}
