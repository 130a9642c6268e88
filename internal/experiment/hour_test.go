package experiment

import (
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"schload/internal/bundle"
	"schload/internal/report"
	"schload/workload"
)

// hourRounds rounds of endpoint-rebind, some 34 s each, are more than an hour.
const hourRounds = 112

// The bounds of the hour: what the whole program, simulator and both clients
// included, may hold more at any later instant than after the first sixth.
const (
	hourHeap       = 2 << 20
	hourGoroutines = 20
)

// An hour of load on both arms, in which the endpoint moves 112 times: memory
// and goroutines stay flat, and each of a line's series is one of the few that
// pools, operations and phases make.
func TestHour(t *testing.T) {
	if testing.Short() {
		t.Skip("an hour of virtual time takes many seconds of real time")
	}
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "endpoint-rebind")
		b.config.Rounds = hourRounds
		b.config.Pools[0].Schedule.Rate = workload.Constant(5)
		var seen []footprint
		b.config.Progress = func(p report.Progress) {
			if p.Elapsed >= time.Duration(len(seen)+1)*5*time.Minute {
				seen = append(seen, measure(p.Elapsed))
			}
		}
		result, s := b.run(t.Context())
		// go-redis crosses a reply in one of some hundred handoffs.
		if on := arm2(t, s, "on"); !s.Valid || on.Operations.Failed > 3 || on.Handoffs.Succeeded < hourRounds {
			t.Errorf("valid %v %q, on %+v, %+v", s.Valid, s.InvalidReasons, on.Operations, on.Handoffs)
		}
		for _, f := range seen {
			t.Logf("%v: heap %.1f MB, %d goroutines", f.at, float64(f.heap)/1e6, f.goroutines)
		}
		if len(seen) < 12 {
			t.Fatalf("measured %d times: want 12, an hour", len(seen))
		}
		if first, last := lineSeries(t, result.Dir); last > first+first/4 {
			t.Errorf("a line of the last tenth has %d series, one of the first tenth %d: want a quarter more at most", last, first)
		}
		first := seen[1]
		worst := slices.MaxFunc(seen[2:], func(a, b footprint) int { return int(int64(a.heap) - int64(b.heap)) })
		if worst.heap > first.heap+hourHeap {
			t.Errorf("the heap grew from %d bytes at %v to %d at %v: want no more than %d more", first.heap, first.at, worst.heap, worst.at, hourHeap)
		}
		for _, f := range seen[2:] {
			if f.goroutines > first.goroutines+hourGoroutines {
				t.Errorf("%d goroutines at %v, %d at %v", f.goroutines, f.at, first.goroutines, first.at)
			}
		}
	})
}

// lineSeries returns the most series that an interval of the run's first and of
// its last tenth has.
func lineSeries(t *testing.T, dir string) (first, last int) {
	t.Helper()
	b, err := bundle.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var lines []int
	for iv, err := range b.Intervals() {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, len(iv.Series)+len(iv.Counts)+len(iv.Levels))
	}
	tenth := len(lines) / 10
	return slices.Max(lines[:tenth]), slices.Max(lines[len(lines)-tenth:])
}

// footprint is what the program holds at an instant.
type footprint struct {
	at         time.Duration
	heap       uint64 // in use, after a collection
	goroutines int
}

func measure(at time.Duration) footprint {
	runtime.GC()
	runtime.GC() // what finalizers let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return footprint{at, m.HeapAlloc, runtime.NumGoroutine()}
}
