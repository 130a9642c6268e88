package experiment

import (
	"math/rand/v2"
	"time"

	"schload/telemetry/mark"
)

// longestShift bounds by how much a baseline is longer than it was to be.
const longestShift = time.Second

// shift draws by how much longer the baseline of a round is, that began at an
// instant of the load: less than the time between two operations of the slowest pool.
// Without it the upgrade of every round would begin in step with the load, and
// rounds would repeat one observation. The same seed gives the same shifts.
func (r *run) shift(round int, from time.Duration) time.Duration {
	var gap time.Duration
	for _, p := range r.Pools {
		if rate := p.Schedule.Rate.At(from); rate > 0 { // a closed loop has none, and no step
			gap = max(gap, time.Duration(min(float64(max(p.Pipeline, 1))/rate*float64(time.Second), float64(longestShift))))
		}
	}
	return time.Duration(rand.New(rand.NewPCG(r.Seed, uint64(round))).Float64() * float64(gap))
}

// baselineEnd is when a round's baseline that begins at an instant ends; the
// shift goes on record.
func (r *run) baselineEnd(l *load, round int, from time.Duration) time.Duration {
	shift := r.shift(round, from-l.start)
	r.Timeline.Mark(mark.Mark{At: from + r.Baseline, Duration: shift, Kind: mark.Harness, Name: "shift", Round: round, Arm: r.turn, Source: "harness",
		Detail: "the baseline is longer by this much, drawn, so that the upgrade is not in step with the load"})
	return from + r.Baseline + shift
}
