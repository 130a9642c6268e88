package recount

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// judged are the metrics of differences: unit and part of the level, the
// primary one first.
var judged = []struct{ name, unit string }{
	{"harmed_ratio", "1"}, {"failed", "operations"}, {"missed", "operations"}, {"late", "operations"}, {"timeouts", "operations"},
	{"lost_acknowledged_writes", "writes"}, {"outage_total_s", "s"}, {"outage_longest_s", "s"}, {"recover_at_least_s", "s"},
	{"response_p50_s", "s"}, {"response_p95_s", "s"}, {"response_p99_s", "s"}, {"response_max_s", "s"},
	{"attempts_hidden", "attempts"}, {"dials", "dials"},
}

// paired is the differences of one metric of an arm, one for each round. All
// signs are tried, so it takes up to twenty rounds.
type paired struct {
	metric, unit, arm string
	values            []float64
	p, adjusted       float64
	verdict           string
}

// reference is the first arm whose handoffs are off.
func (b *bundle) reference() (string, bool) {
	for _, a := range b.run.Arms {
		if a.Requested == "off" {
			return a.Name, true
		}
	}
	return "", false
}

// compared are the rounds that count: the last is left out if the run was cut off.
func (b *bundle) compared(arm string) list {
	return b.cut(arm, b.turnsOf(arm))
}

// pairs are the differences of all metrics and arms.
func (b *bundle) pairs() []*paired { return b.pairsOf(b.compared) }

// pairsOf is pairs of rounds that are given.
func (b *bundle) pairsOf(compared func(arm string) list) (all []*paired) {
	ref, ok := b.reference()
	if !ok {
		return nil
	}
	for _, a := range b.run.Arms {
		if a.Name == ref || a.Requested == "raw" {
			continue
		}
		mine, its := compared(a.Name), compared(ref)
		for _, m := range judged {
			p := &paired{metric: m.name, unit: m.unit, arm: a.Name}
			for i := range mine { // the rounds are the run's: every arm has them all
				x, known := number(mine[i].(object)[m.name])
				y, too := number(its[i].(object)[m.name])
				if none := mine[i].(object)["due"] == uint64(0) || its[i].(object)["due"] == uint64(0); known && too && !(none && m.name == "harmed_ratio") {
					p.values = append(p.values, nine(x-y))
				}
			}
			if len(p.values) >= 2 {
				all = append(all, p)
			}
		}
	}
	return all
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case uint64:
		return float64(v), true
	case share:
		return float64(v), true
	case duration:
		return seconds(int64(v)), true
	case present:
		return seconds(int64(v)), true
	}
	return 0, false
}

// differences is the list of the summary.
func (b *bundle) differences() list {
	all := judge(b.pairs())
	ref, _ := b.reference()
	l := list{}
	for _, p := range all {
		o := object{
			"metric": p.metric, "unit": p.unit, "arm": p.arm, "against": ref, "better": "lower", "rounds": uint64(len(p.values)),
			"estimate": share(median(walsh(p.values))), "effect": share(effect(p.values)), "p": share(p.p), "p_adjusted": share(p.adjusted),
			"method": "exact Wilcoxon signed-rank test, Hodges-Lehmann estimate and interval", "verdict": p.verdict,
			"low": nil, "high": nil, "rounds_needed": p.needed(all),
		}
		if k := outermost(len(p.values)); k >= 0 {
			w := walsh(p.values)
			o["low"], o["high"] = share(w[k]), share(w[len(w)-1-k])
		}
		l = append(l, o)
	}
	return l
}

// judge gives the verdicts.
func judge(all []*paired) []*paired {
	for _, p := range all {
		p.p = chance(p.values)
	}
	correct(all)
	return all
}

// ranks gives the differences that are not zero their ranks by size, shared
// ones their mean, and tells which are of positive ones.
func ranks(values []float64) (all []float64, positive []bool) {
	for _, v := range values {
		if v == 0 {
			continue
		}
		smaller, equal := 0, 0
		for _, w := range values {
			switch {
			case w == 0:
			case math.Abs(w) < math.Abs(v):
				smaller++
			case math.Abs(w) == math.Abs(v):
				equal++
			}
		}
		all, positive = append(all, float64(smaller)+float64(equal+1)/2), append(positive, v > 0)
	}
	return all, positive
}

// lean is the sum of the ranks with positive sign less the others.
func lean(all []float64, positive func(i int) bool) (sum float64) {
	for i, r := range all {
		if positive(i) {
			sum += r
		} else {
			sum -= r
		}
	}
	return sum
}

func effect(values []float64) float64 {
	all, positive := ranks(values)
	if len(all) == 0 {
		return 0
	}
	return lean(all, func(i int) bool { return positive[i] }) / lean(all, func(int) bool { return true })
}

// chance is the share of all signs that lean as far, to either side.
func chance(values []float64) float64 {
	all, positive := ranks(values)
	seen := math.Abs(lean(all, func(i int) bool { return positive[i] }))
	as := 0
	for signs := range 1 << len(all) {
		if math.Abs(lean(all, func(i int) bool { return signs>>i&1 == 1 })) >= seen {
			as++
		}
	}
	return float64(as) / float64(int(1)<<len(all))
}

// walsh are the means of all pairs, each with itself included, sorted.
func walsh(values []float64) (means []float64) {
	for i := range values {
		for j := 0; j <= i; j++ {
			means = append(means, (values[i]+values[j])/2)
		}
	}
	slices.Sort(means)
	return means
}

// outermost says how many pair means lie outside the interval at either end: as
// many as leave 95 % of all signs inside; -1 if there is no such interval.
func outermost(n int) int {
	sums := make([]int, n*(n+1)/2+1)
	for signs := range uint(1) << n {
		sum := 0
		for left := signs; left > 0; left &= left - 1 {
			sum += bits.TrailingZeros(left) + 1
		}
		sums[sum]++
	}
	k, below := -1, 0
	for sum, count := range sums {
		if below += count; float64(2*below) > 0.05*float64(uint(1)<<n) {
			break
		}
		k = sum
	}
	return k
}

// correct is Holm's correction: of those that can be significant by themselves
// the smallest p for its part of the level has all of the level, and so on.
func correct(all []*paired) {
	var family []*paired
	for _, p := range all {
		p.adjusted = 1
		if nonzero(p.values) >= 6 {
			family = append(family, p)
		}
	}
	part := parts(family)
	slices.SortStableFunc(family, func(x, y *paired) int { return cmp.Compare(x.p/part[x], y.p/part[y]) })
	for i, p := range family {
		left := 0.0
		for _, q := range family[i:] {
			left += part[q]
		}
		p.adjusted = min(1, p.p*left/part[p])
		if i > 0 {
			p.adjusted = max(p.adjusted, family[i-1].adjusted)
		}
	}
	for _, p := range all {
		switch {
		case nonzero(p.values) == 0:
			p.verdict = "no difference seen"
		case p.adjusted > 0.05:
			p.verdict = "no evidence"
		case effect(p.values) < 0:
			p.verdict = "better"
		default:
			p.verdict = "worse"
		}
	}
}

// parts gives seven tenths of the level to the primary metric.
func parts(family []*paired) map[*paired]float64 {
	primary := 0
	for _, p := range family {
		if p.metric == "harmed_ratio" {
			primary++
		}
	}
	part := map[*paired]float64{}
	for _, p := range family {
		if p.metric == "harmed_ratio" {
			part[p] = 0.7 / float64(primary)
		} else {
			part[p] = 0.3 / float64(len(family)-primary)
		}
	}
	return part
}

func nonzero(values []float64) (n int) {
	for _, v := range values {
		if v != 0 {
			n++
		}
	}
	return n
}

// needed is how many rounds would do, at the part of the level that is left.
func (p *paired) needed(all []*paired) any {
	var open []*paired
	for _, q := range all {
		if q.verdict == "no evidence" {
			open = append(open, q)
		}
	}
	e := math.Abs(effect(p.values))
	if p.verdict != "no evidence" || e == 0 {
		return nil
	}
	part, sum := parts(open), 0.0
	for _, x := range part {
		sum += x
	}
	level := 0.05 * part[p] / sum
	needed := math.Ceil(math.Log2(2/level) - 1e-9)
	if e < 1 {
		normal := func(x float64) float64 { return math.Sqrt2 * math.Erfinv(2*x-1) }
		z := normal(1-level/2) + normal(0.8)
		needed = max(needed, z*z/(3*e*e/4))
	}
	n := len(p.values)
	needed = math.Ceil(needed * float64(n) / float64(nonzero(p.values)))
	if needed > 1000 {
		return nil
	}
	return uint64(max(int(needed), n+1))
}

// warnRounds says what weakens the differences over rounds, or why there are
// none.
func (b *bundle) warnRounds(s object, add func(bool, string)) {
	ref, ok := b.reference()
	turns := b.turns("")
	if !ok || len(b.run.Arms) < 2 || len(b.turns(ref)) < 2 {
		return
	}
	saturated, _ := s["harness"].(object)["saturated"].(bool)
	if !s["valid"].(bool) || saturated {
		add(true, "the rounds are not compared"+text)
		return
	}
	add(!s["complete"].(bool), literally("round %d was cut off and is not compared", turns[len(turns)-1]))
	n := len(b.compared(ref))
	add(n < 6, literally("%d rounds cannot show a difference: it takes 6", n)+text)
	dependent := false
	for _, p := range b.pairs() {
		dependent = dependent || p.metric == "harmed_ratio" && lagged(p.values) > 2/math.Sqrt(float64(len(p.values)))
	}
	add(dependent, "the rounds depend on those before them"+text)
}

// lagged is the correlation of values with the ones before.
func lagged(values []float64) float64 {
	mean, product, square := 0.0, 0.0, 0.0
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for i, v := range values {
		square += (v - mean) * (v - mean)
		if i > 0 {
			product += (v - mean) * (values[i-1] - mean)
		}
	}
	if square == 0 {
		return 0
	}
	return product / square
}
