package calibrate

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"schload/telemetry/record"
	"schload/workload"
)

// equalArms lets handoffs on run against handoffs on: what differs is the
// instrument.
var equalArms = check{"equal-arms", fmt.Sprintf("on against on: two equal arms, %d rounds of %v, paired round by round", equalRounds, equalRound), runEqualArms}

const (
	equalRounds = 60
	equalRound  = 250 * time.Millisecond
	equalRate   = 1000

	// chance is how often a correct instrument may fail this check. It is
	// divided among all tests that are made (Bonferroni), so that it holds
	// whatever depends on what.
	chance = 0.001

	// margin is the difference, as a share, that two equal arms may have for as
	// long as one run lasts: a connection lies where it lies in memory. Larger
	// ones are the instrument's.
	margin = 0.05
)

// measure is one number of an arm and round.
type measure struct {
	name string
	of   func(round) float64
}

// round is what one arm felt in one round.
type round struct {
	times
	failed, due uint64
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

var measures = []measure{
	{"response p50", func(r round) float64 { return microseconds(r.response.Quantile(0.5)) }},
	{"response p99", func(r round) float64 { return microseconds(r.response.Quantile(0.99)) }},
	{"service p50", func(r round) float64 { return microseconds(r.service.Quantile(0.5)) }},
	{"service p99", func(r round) float64 { return microseconds(r.service.Quantile(0.99)) }},
}

func runEqualArms(ctx context.Context, b *bench) (finding, error) {
	tests := 2*len(measures) + 2
	f := finding{expected: fmt.Sprintf("the same operations and no failure in both; no difference of p50 or p99 beyond %.0f %% (Wilcoxon's signed-rank test, exact, p under %.0e in one of %d tests: chance does that once in %.0f runs at most)",
		100*margin, chance/float64(tests), tests, 1/chance)}
	e, err := b.try(ctx, trial{
		name: "equal-arms", arms: []string{"on+name=on1", "on+name=on2"}, rounds: equalRounds, warmup: 500 * time.Millisecond, baseline: equalRound,
		rate: equalRate, workers: 8, keys: 1000, mix: "GET=0.8,SET=0.2",
	})
	if err != nil {
		return f, err
	}
	f.want(e.Valid, "invalid: %q", e.InvalidReasons)
	judgeEqual(&f, rounds(e.played, "on1"), rounds(e.played, "on2"))
	return f, nil
}

// rounds returns what an arm felt, round by round.
func rounds(p played, arm string) []round {
	all := make([]round, equalRounds)
	for _, s := range p.sums.Series() {
		if s.Arm != arm || s.Phase != record.Baseline || s.Round < 1 || s.Round > len(all) {
			continue
		}
		r := &all[s.Round-1]
		if s.Outcome != workload.OK.String() {
			r.failed += s.Response.Count()
			continue
		}
		r.add(s)
	}
	for i := range all {
		all[i].due = all[i].response.Count() + all[i].failed
	}
	return all
}

// judgeEqual tests each measure in both directions, pairing the rounds.
func judgeEqual(f *finding, a, b []round) {
	level := chance / float64(2*len(measures)+2)
	var words []string
	for _, m := range measures {
		x, y := values(a, m), values(b, m)
		ratio, p, pairs := tilt(x, y, margin)
		f.want(2*pairs > len(x), "%s: only %d of %d rounds have one", m.name, pairs, len(x))
		words = append(words, fmt.Sprintf("%s %+.1f %% (p %.2g)", m.name, 100*(ratio-1), p))
		f.want(p >= level, "%s: the first arm differs from the second by %+.1f %% of %.0f µs, p %.1e", m.name, 100*(ratio-1), median(y), p)
	}
	var due, failed [2]uint64
	var lost []float64
	for i := range a {
		due[0], due[1] = due[0]+a[i].due, due[1]+b[i].due
		failed[0], failed[1] = failed[0]+a[i].failed, failed[1]+b[i].failed
		lost = append(lost, float64(a[i].failed)-float64(b[i].failed))
		f.want(a[i].due == b[i].due && a[i].due > 0, "round %d: %d and %d operations, want the same", i+1, a[i].due, b[i].due)
	}
	f.want(min(signedRank(lost), signedRank(negated(lost))) >= level, "failed: %d and %d", failed[0], failed[1])
	f.found = fmt.Sprintf("%d and %d operations, %d and %d failed; the first less the second: %s", due[0], due[1], failed[0], failed[1], strings.Join(words, ", "))
}

func values(rounds []round, m measure) []float64 {
	all := make([]float64, len(rounds))
	for i, r := range rounds {
		all[i] = m.of(r)
	}
	return all
}

// tilt returns the median ratio of paired values, how probable pairs so
// tilted, either way, are if what lasts does not exceed the margin, and how
// many pairs there are.
func tilt(x, y []float64, margin float64) (ratio, p float64, pairs int) {
	var up, down, all []float64
	for i := range x {
		if x[i] <= 0 || y[i] <= 0 {
			continue
		}
		d := math.Log(x[i] / y[i])
		all, up, down = append(all, d), append(up, d-math.Log1p(margin)), append(down, -d-math.Log1p(margin))
	}
	return math.Exp(median(all)), min(signedRank(up), signedRank(down)), len(all)
}

func negated(values []float64) []float64 {
	all := make([]float64, len(values))
	for i, v := range values {
		all[i] = -v
	}
	return all
}
