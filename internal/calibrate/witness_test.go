package calibrate

import (
	"testing"
	"testing/synctest"
	"time"
)

// A witness sees nothing on a machine that is in time; one that was kept from
// waking counts every instant it has missed.
func TestWitness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(beat)
		time.Sleep(time.Second + time.Millisecond)
		if h := w.end(); h.Count() != 200 || h.Max() != 0 {
			t.Errorf("%d instants, up to %v late, want 200 in time", h.Count(), h.Max())
		}
	})
	w := &witness{beat: time.Millisecond, stop: make(chan struct{})}
	w.missed(3500*time.Microsecond, time.Millisecond)
	if w.late.Count() != 3 || w.late.Max() != 2500*time.Microsecond || w.late.Min() != 500*time.Microsecond {
		t.Errorf("after 3.5 ms: %d instants, %v to %v late, want 3, 0.5 to 2.5 ms", w.late.Count(), w.late.Min(), w.late.Max())
	}
}
