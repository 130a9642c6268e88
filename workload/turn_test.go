package workload

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// At each instant every run has another place, and over all each run has
// every place equally often.
func TestTurns(t *testing.T) {
	const runs, batches = 3, 30_000
	var places [runs][runs]int
	for b := range uint64(batches) {
		taken := map[time.Duration]bool{}
		for run := range runs {
			d := Turn{run, runs}.delay(b)
			taken[d] = true
			places[run][d/apart]++
		}
		if len(taken) != runs {
			t.Fatalf("batch %d: delays %v: want all different", b, taken)
		}
	}
	for run, count := range places {
		for place, n := range count {
			if n != batches/runs {
				t.Errorf("run %d had place %d %d times, want %d", run, place, n, batches/runs)
			}
		}
	}
	if d := (Turn{}).delay(1); d != 0 {
		t.Errorf("a run by itself waits %v for its turn, want 0", d)
	}
}

// A turn puts off the wake-up and nothing else: instants and their number stay.
func TestTurnKeepsInstants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l journal
		h := new(Horizon)
		h.End(time.Second)
		base := time.Now().Add(ms) // the first batch waits like the others
		tally, err := Run{
			Base: base, Pool: Pool{Workers: 2, Schedule: Schedule{Rate: Constant(1000)}}, Target: targetFunc(func(context.Context) Class { return OK }), Sink: l.Sink, Horizon: h, Turn: Turn{1, 2},
			Pacer: func() (Pacer, error) { return NewTimerPacer(base), nil },
		}.Do(t.Context())
		if err != nil || tally.Due != 1000 || tally.OK != 1000 {
			t.Errorf("got %+v, %v, want 1000 ok", tally, err)
		}
		late := 0
		for _, s := range l.samples {
			if s.Intended%ms != 0 || s.Lateness() != 0 && s.Lateness() != apart {
				t.Fatalf("got %+v, want a whole millisecond, sent at most %v later", s, apart)
			}
			if s.Lateness() == apart {
				late++
			}
		}
		if late != 500 {
			t.Errorf("second %d times of 1000, want half", late)
		}
	})
}
