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

// run wants to be woken on a grid of instants. Who wakes up late has missed all
// that have passed, and each of them counts: a witness must not leave out what
// it is to bear witness of.
func (w *witness) run() {
	base, next := time.Now(), w.beat
	timer := time.NewTimer(w.beat)
	defer timer.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-timer.C:
		}
		now := time.Since(base)
		next = w.missed(now, next)
		timer.Reset(next - now)
	}
}

// missed counts the instants that have passed, and returns the first that has
// not.
func (w *witness) missed(now, next time.Duration) time.Duration {
	for ; next <= now; next += w.beat {
		w.late.Record(now - next)
	}
	return next
}

// end ends the watch. What it saw may be read then.
func (w *witness) end() *histogram.Histogram {
	close(w.stop)
	w.wait.Wait()
	return &w.late
}
