package calibrate

import (
	"context"
	"fmt"
	"time"

	"schload/internal/vitals"
	"schload/telemetry/histogram"
	"schload/workload"
)

const (
	clockReadings = 200_000
	paceEvery     = time.Millisecond
	paceCount     = 1000
)

// facts measures what on this machine bounds every measurement: it gives no
// verdict.
func facts(ctx context.Context, pacer func(time.Time) (workload.Pacer, error)) []Fact {
	monitor, w := vitals.NewMonitor(), watch(beat)
	step, cost := clock()
	all := []Fact{{"monotonic clock", fmt.Sprintf("smallest step seen %v, %.0f ns a reading", step, cost)}}
	late, err := pace(ctx, pacer)
	if err == nil {
		all = append(all, Fact{"pacer, every 1ms", spread(late)})
	} else {
		all = append(all, Fact{"pacer", err.Error()})
	}
	seen := w.end()
	all = append(all, Fact{"runtime timer, every 5ms", spread(seen)})
	r := monitor.Read()
	all = append(all, Fact{"wait for a processor", fmt.Sprintf("p50 %v, p99 %v, max %v (goroutines of this process)", short(r.Sched.P50), short(r.Sched.P99), short(r.Sched.Max))})
	if r.Steal >= 0 && r.Length > 0 {
		all = append(all, Fact{"steal", fmt.Sprintf("%.1f %% of the processors", 100*r.Steal.Seconds()/r.Length.Seconds()/float64(r.Processors))})
	}
	if slack := timerSlack(); slack > 0 {
		all = append(all, Fact{"timer slack of the kernel", slack.String()})
	}
	return all
}

func spread(h *histogram.Histogram) string {
	return fmt.Sprintf("late by p50 %v, p99 %v, max %v", short(h.Quantile(0.5)), short(h.Quantile(0.99)), short(h.Max()))
}

// clock returns the smallest step of the monotonic clock that was seen, and
// what a reading costs, in nanoseconds.
func clock() (step time.Duration, cost float64) {
	base := time.Now()
	last, step := time.Duration(0), time.Second
	for range clockReadings {
		now := time.Since(base)
		if d := now - last; d > 0 {
			step = min(step, d)
		}
		last = now
	}
	return step, float64(last) / clockReadings
}

// pace has the engine's pacer wait for a second's instants, with nothing else
// to do.
func pace(ctx context.Context, pacer func(time.Time) (workload.Pacer, error)) (*histogram.Histogram, error) {
	base := time.Now()
	p, err := pacer(base)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	late := new(histogram.Histogram)
	for n := range paceCount {
		at := time.Duration(n+1) * paceEvery
		if err := p.Wait(ctx, at); err != nil {
			return nil, err
		}
		late.Record(time.Since(base) - at)
	}
	return late, nil
}
