package compare

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"schload/internal/compare/paired"
)

// The verdicts on a difference.
const (
	VerdictBetter = "better"
	VerdictWorse  = "worse"
	NoEvidence    = "no evidence"
	NotSeen       = "no difference seen" // in none of the rounds
)

// level is the chance that a run of equal arms is found to differ anywhere.
// primaryShare of it goes to the primary metrics, so that six rounds can be
// enough for the one question that is asked: 2/2^6 = 0.031 is below 0.035.
const (
	level        = 0.05
	primaryShare = 0.7
)

// dependent is by how many standard deviations of chance (1/sqrt n) the
// differences of successive rounds may go together.
const dependent = 2

// Difference is what the rounds say of one metric of an arm: the value of the
// arm less that of Against, in the same round.
type Difference struct {
	Metric  string `json:"metric"`
	Unit    string `json:"unit"`
	Arm     string `json:"arm"`
	Against string `json:"against"`
	Better  string `json:"better"` // lower or higher
	Rounds  int    `json:"rounds"` // in which both are known

	Estimate float64  `json:"estimate"`
	Low      *float64 `json:"low"`  // with High the interval of 95 %; nil: so few rounds have none
	High     *float64 `json:"high"` //
	Effect   float64  `json:"effect"`

	P         float64 `json:"p"`
	PAdjusted float64 `json:"p_adjusted"` // corrected for all metrics and arms of the run
	Method    string  `json:"method"`

	Verdict      string `json:"verdict"`
	RoundsNeeded int    `json:"rounds_needed,omitempty"`
}

// comparison is a difference while it is made out.
type comparison struct {
	Difference
	values []float64
	result paired.Result
}

// differences judges all arms against the first one without handoffs, unless
// the run is no evidence.
func (s *Summary) differences() (list []Difference) {
	ref, ok := s.reference()
	if !ok || !s.Valid || s.Harness.Saturated {
		return nil
	}
	var all []*comparison
	for _, a := range s.Arms {
		if a.Name == ref.Name || a.Raw() {
			continue
		}
		for _, m := range Metrics {
			if c := s.comparison(m, a, ref); c.Rounds >= 2 {
				all = append(all, c)
			}
		}
	}
	correct(all)
	for _, c := range all {
		list = append(list, c.Difference)
	}
	return list
}

// reference is the first arm whose handoffs are off.
func (s *Summary) reference() (Arm, bool) {
	for _, a := range s.Arms {
		if a.SCH.Requested == "off" {
			return a, true
		}
	}
	return Arm{}, false
}

func (s *Summary) comparison(m Metric, arm, ref Arm) *comparison {
	c := &comparison{values: s.paired(m, arm, ref)}
	c.result = paired.Compare(c.values)
	c.Difference = Difference{
		Metric: m.Name, Unit: m.Unit, Arm: arm.Name, Against: ref.Name, Better: m.Better, Rounds: len(c.values),
		Estimate: digits(c.result.Estimate), Effect: digits(c.result.Effect), P: digits(c.result.P), PAdjusted: 1,
		Method: paired.Method, Verdict: NoEvidence,
	}
	if c.result.Bounded {
		low, high := digits(c.result.Low), digits(c.result.High)
		c.Low, c.High = &low, &high
	}
	return c
}

// paired are the differences of a metric, of the rounds that both arms
// completed and in which it is known of both.
func (s *Summary) paired(m Metric, arm, ref Arm) (values []float64) {
	for _, x := range s.whole(arm) {
		i := slices.IndexFunc(ref.Rounds, func(r Round) bool { return r.Round == x.Round })
		if i < 0 {
			continue
		}
		v, known := m.of(x)
		w, too := m.of(ref.Rounds[i])
		if known && too {
			values = append(values, digits(v-w))
		}
	}
	return values
}

// whole are an arm's rounds but for the one in which the run was cut off. Where
// the arms took turns it may have been another arm's.
func (s *Summary) whole(a Arm) []Round {
	if n := len(a.Rounds); n > 0 && !s.Complete && a.Rounds[n-1].Round == s.lastRound() {
		return a.Rounds[:n-1]
	}
	return a.Rounds
}

// lastRound is the number of the last one that any arm began, 0 for none.
func (s *Summary) lastRound() (last int) {
	for _, a := range s.Arms {
		if n := len(a.Rounds); n > 0 {
			last = max(last, a.Rounds[n-1].Round)
		}
	}
	return last
}

// correct corrects all p-values of a run for each other and gives the verdicts.
// A metric that differs in so few rounds that it could not be significant on
// its own takes no part: given the sizes of the differences, it never could.
func correct(all []*comparison) {
	var family []*comparison
	for _, c := range all {
		if c.result.Differing >= paired.Fewest(level) {
			family = append(family, c)
		}
	}
	p, weights := make([]float64, len(family)), weigh(family)
	for i, c := range family {
		p[i] = c.result.P
	}
	for i, adjusted := range paired.Holm(p, weights) {
		family[i].PAdjusted = digits(adjusted)
	}
	for _, c := range all {
		c.judge()
	}
	need(all)
}

// weigh shares the level out: primaryShare over the primary metrics, the rest
// over the others.
func weigh(family []*comparison) []float64 {
	primaries := 0
	for _, c := range family {
		if c.Metric == Primary {
			primaries++
		}
	}
	weights := make([]float64, len(family))
	for i, c := range family {
		if c.Metric == Primary {
			weights[i] = primaryShare / float64(primaries)
		} else {
			weights[i] = (1 - primaryShare) / float64(len(family)-primaries)
		}
	}
	return weights
}

func (c *comparison) judge() {
	switch {
	case c.result.Differing == 0:
		c.Verdict = NotSeen
	case c.PAdjusted > level:
	case (c.result.Effect < 0) == (c.Better == Lower):
		c.Verdict = VerdictBetter
	default:
		c.Verdict = VerdictWorse
	}
}

// need estimates how many rounds the differences without evidence would take,
// at the part of the level that those with evidence have left them.
func need(all []*comparison) {
	var seen []*comparison
	for _, c := range all {
		if c.Verdict == NoEvidence {
			seen = append(seen, c)
		}
	}
	weights := weigh(seen)
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	for i, c := range seen {
		c.RoundsNeeded = c.result.Needed(c.Rounds, level*weights[i]/sum)
	}
}

// FewestRounds are those without which no difference is found, however large.
var FewestRounds = paired.Fewest(level)

// warnDifferences says what weakens the verdicts, or why there are none. A run
// of one round has none and needs no warning: nobody takes it for proof.
func (s *Summary) warnDifferences(add func(string, ...any)) {
	ref, ok := s.reference()
	if !ok || len(s.Arms) < 2 || len(ref.Rounds) < 2 {
		return
	}
	switch {
	case !s.Valid:
		add("the rounds are not compared: the run is invalid")
		return
	case s.Harness.Saturated:
		add("the rounds are not compared: the harness was the bottleneck")
		return
	case !s.Complete:
		add("round %d was cut off and is not compared", s.lastRound())
	}
	if n := len(s.whole(ref)); n < FewestRounds {
		add("%d rounds cannot show a difference: it takes %d for p = %.3f, even if all of them agree; give --rounds %d or more, or auto", n, FewestRounds, 2/math.Exp2(float64(FewestRounds)), FewestRounds)
	}
	if arms := s.dependent(ref); len(arms) > 0 {
		add("the rounds depend on those before them (correlation of the differences in %s, limit %d/sqrt(rounds)): p-values are too small; a longer recovery, or a warm-up between runs, makes them independent",
			strings.Join(arms, ", "), dependent)
	}
}

// dependent names the arms whose primary differences go along with those of the
// round before.
func (s *Summary) dependent(ref Arm) (arms []string) {
	for _, a := range s.Arms {
		if a.Name == ref.Name || a.Raw() {
			continue
		}
		values := s.paired(Metrics[0], a, ref)
		if r := paired.Autocorrelation(values); r > dependent/math.Sqrt(float64(len(values))) {
			arms = append(arms, fmt.Sprintf("%s %.2f", a.Name, r))
		}
	}
	return arms
}
