package record

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"schload/workload"
)

// At no Collect have more operations ended than fell due. A killed run
// has only that to show.
func TestNeverMoreEndsThanDueConcurrentSafe(t *testing.T) {
	r := New(Config{Arms: []Arm{{Name: "on", Pools: []Pool{{Name: "p", Operations: []string{"GET"}}}}}})
	dispatcher := r.Sink("on", "p")
	const workers = 64
	queue := make(chan time.Duration, workers)
	var wg sync.WaitGroup
	var stop atomic.Bool
	for range workers {
		sink := r.Sink("on", "p")
		wg.Go(func() {
			for at := range queue {
				sink.Done(workload.Sample{Intended: at, Sent: at, Done: at + 1, Outcome: workload.Outcome{Class: workload.OK}}, 1)
			}
		})
	}
	wg.Go(func() {
		for i := time.Duration(1); !stop.Load(); i++ {
			dispatcher.Due(i*time.Microsecond, 1)
			queue <- i * time.Microsecond
		}
		close(queue)
	})
	bad := 0
	for i := range 200 {
		for range 100 {
			runtime.Gosched() // the others get on
		}
		r.Collect(time.Duration(i+1) * time.Second)
		if x := r.Totals("on"); x.OK > x.Due {
			if bad == 0 {
				t.Logf("collect %d: due %d, ok %d", i, x.Due, x.OK)
			}
			bad++
		}
	}
	stop.Store(true)
	wg.Wait()
	if bad > 0 {
		t.Errorf("%d of 200 readings hold more ends than operations due", bad)
	}
}
