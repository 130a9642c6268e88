package calibrate

import (
	"sync"
	"time"

	"schload/telemetry/histogram"
)

// beat is how often a witness wants to be woken, quick where its own p99 is
// asked for.
const (
	beat  = 5 * time.Millisecond
	quick = time.Millisecond
)

// witness measures how late the machine wakes who wants to be woken. It has
// nothing in common with the engine: a timer of the runtime and a goroutine.
// What it is late by, everything else in the process may be late by as well.
type witness struct {
	beat time.Duration
	stop chan struct{}
	wait sync.WaitGroup
	late histogram.Histogram
}

func watch(beat time.Duration) *witness {
	w := &witness{beat: beat, stop: make(chan struct{})}
	w.wait.Go(w.run)
	return w
}

func (w *witness) run() {
	timer := time.NewTimer(w.beat)
	defer timer.Stop()
	for {
		set := time.Now()
		select {
		case <-w.stop:
			return
		case <-timer.C:
		}
		w.late.Record(time.Since(set) - w.beat)
		timer.Reset(w.beat)
	}
}

// end ends the watch. What it saw may be read then.
func (w *witness) end() *histogram.Histogram {
	close(w.stop)
	w.wait.Wait()
	return &w.late
}
