package experiment

import (
	"context"
	"fmt"
	"time"

	"schload/telemetry/mark"
	"schload/telemetry/record"
)

// Auto ends a run by itself, between two rounds.
type Auto struct {
	// Budget bounds the length of the load: no round begins that is not expected
	// to end within it. 0: none.
	Budget time.Duration

	// Enough reads the unfinished bundle and says whether another round is
	// needed, and why. Nil: rounds are as many as configured.
	Enough func(dir string) (enough bool, why string, err error)
}

// enough decides after a round whether it was the last, in a warm-up of its own
// that counts for nothing.
func (r *run) enough(ctx context.Context, l *load, round int) (bool, error) {
	if r.Auto.Enough == nil {
		return false, nil
	}
	// The reading at the round's end is written within the warm-up.
	if err := r.wait(ctx, l, r.begin(round, record.Warmup)+r.Interval); err != nil {
		return false, err
	}
	if enough, err := r.decide(round); !enough || err != nil {
		return false, err
	}
	end := time.Since(r.Base) + r.lead()
	r.endLoad(l, end)
	return true, r.wait(ctx, l, end)
}

// decide is enough of rounds that the bundle has.
func (r *run) decide(round int) (bool, error) {
	enough, why, err := r.Auto.Enough(r.bundle.Dir())
	if err != nil {
		return false, fmt.Errorf("deciding after round %d whether it was the last: %w", round, err)
	}
	now := time.Since(r.Base)
	longest := r.longest(now, round)
	switch {
	case enough:
		why = "a narrow interval: " + why
	case r.Auto.Budget > 0 && now-r.start+longest > r.Auto.Budget:
		why, enough = fmt.Sprintf("the budget of %v: another round may take %v; %s", r.Auto.Budget, longest.Round(time.Second), why), true
	}
	if !enough {
		return false, nil
	}
	r.endedBy = why
	r.Timeline.Mark(mark.Mark{At: now, Kind: mark.Harness, Name: "rounds_ended", Source: "harness", Round: round, Detail: why})
	return true, nil
}

// exhausted notes that there are as many rounds as there may be.
func (r *run) exhausted() {
	if r.Auto.Enough != nil {
		r.endedBy = fmt.Sprintf("the bound of %d rounds", r.Rounds)
	}
}

// longest is how long another round may take: as long as the next one is
// planned, or as those before took in the mean where nobody plans it.
func (r *run) longest(now time.Duration, round int) time.Duration {
	passed := now - r.start
	if !r.Sequential {
		passed -= r.Warmup
	}
	mean := passed / time.Duration(round)
	if r.real() != nil || r.onlyLoad() {
		return mean
	}
	return max(mean, r.planned(round+1))
}
