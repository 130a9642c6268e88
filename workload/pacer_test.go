package workload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// pacers are all there are, for a run that begins at base.
func pacers(t testing.TB, base time.Time) map[string]Pacer {
	t.Helper()
	best, err := NewPacer(base)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { best.Close() })
	return map[string]Pacer{"best": best, "timer": NewTimerPacer(base)}
}

// A pacer returns at or after the instant, and at once for one that is past.
func TestPacer(t *testing.T) {
	for name := range pacers(t, time.Now()) {
		base := time.Now()
		pacer := pacers(t, base)[name]
		for _, until := range []time.Duration{-time.Second, 0, time.Microsecond, ms, 3 * ms, 2 * ms, 4 * ms} {
			if err := pacer.Wait(t.Context(), until); err != nil {
				t.Errorf("%s: wait until %v: %v", name, until, err)
			}
			if got := time.Since(base); got < until {
				t.Errorf("%s: wait until %v ended at %v", name, until, got)
			}
		}
	}
}

// A context that ends, before the wait or in it, ends the wait, and the pacer
// can be used again with another one.
func TestPacerInterrupt(t *testing.T) {
	base := time.Now()
	for name, pacer := range pacers(t, base) {
		for i := range 200 {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			if i%2 == 0 {
				cancel()
			}
			go func() { done <- pacer.Wait(ctx, time.Hour) }()
			if i%4 == 1 {
				pause, end := context.WithTimeout(t.Context(), ms/10)
				<-pause.Done()
				end()
			}
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Fatalf("%s: got %v, want canceled", name, err)
			}
		}
		if err := pacer.Wait(t.Context(), time.Since(base)+ms); err != nil {
			t.Errorf("%s: after an interrupt: %v", name, err)
		}
	}
}

// The timer pacer follows virtual time, to the nanosecond.
func TestTimerPacer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := time.Now()
		p := NewTimerPacer(base)
		defer p.Close()
		for _, until := range []time.Duration{time.Hour, time.Hour + 1, 3 * time.Hour} {
			if err := p.Wait(t.Context(), until); err != nil || time.Since(base) != until {
				t.Errorf("got %v at %v, want %v", err, time.Since(base), until)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := p.Wait(ctx, 4*time.Hour); !errors.Is(err, context.DeadlineExceeded) || time.Since(base) != 3*time.Hour+time.Minute {
			t.Errorf("got %v at %v, want the deadline after one more minute", err, time.Since(base))
		}
	})
}

// BenchmarkPacer walks a grid in real time and reports how late each pacer
// wakes, in microseconds. Its ns/op is the grid's gap.
func BenchmarkPacer(b *testing.B) {
	for _, rate := range []int{1000, 10_000} {
		for _, name := range []string{"best", "timer"} {
			b.Run(fmt.Sprintf("%s/%d", name, rate), func(b *testing.B) {
				base := time.Now()
				var pacer Pacer = NewTimerPacer(base)
				if name == "best" {
					pacer, _ = NewPacer(base)
				}
				defer pacer.Close()
				late := make([]time.Duration, 0, b.N)
				for at := range (Schedule{Rate: Constant(float64(rate))}).Instants() {
					if len(late) == b.N {
						break
					}
					if err := pacer.Wait(b.Context(), at); err != nil {
						b.Fatal(err)
					}
					late = append(late, time.Since(base)-at)
				}
				reportQuantiles(b, late)
			})
		}
	}
}

func reportQuantiles(b *testing.B, all []time.Duration) {
	if len(all) == 0 {
		return
	}
	slices.Sort(all)
	for _, q := range []float64{0.5, 0.99, 0.999, 1} {
		at := all[int(q*float64(len(all)-1))]
		b.ReportMetric(float64(at)/float64(time.Microsecond), fmt.Sprintf("p%g-us", q*100))
	}
}
