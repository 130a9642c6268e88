package compare

import (
	"fmt"
	"math"
	"strings"

	"schload/internal/bundle"
	"schload/internal/compare/paired"
)

// NarrowLeast is the half width of an interval of the primary metric that is
// narrow however small the difference: a thousandth of the operations due.
const NarrowLeast = 0.001

// WidestNarrow is the largest width that Narrow takes. Half an interval as wide
// as its estimate touches 0: to stop at that would be to stop at significance.
const WidestNarrow = 0.5

// Narrow says whether the rounds that a run has played bound the difference of
// the primary metric closely enough, for every arm: half the width of its
// interval of 95 % is at most width (0.2: a fifth) of its estimate, or
// NarrowLeast, and was already a round before. The run may be going on, between
// two rounds. It asks for the width and for nothing else; docs/METHODOLOGY.md
// says what stopping by it does to p-values and intervals.
//
// The text says how wide the intervals are. A run that is no evidence, or has
// no two arms to compare, is never narrow.
func Narrow(dir string, width float64) (narrow bool, text string, err error) {
	b, err := bundle.Open(dir)
	if err != nil {
		return false, "", err
	}
	s, err := Summarize(b)
	if err != nil {
		return false, "", err
	}
	s.Complete = true // the round before is over: it counts, although the run goes on
	ref, ok := s.reference()
	if !ok || !s.Valid || s.Harness.Saturated {
		return false, "the rounds are no evidence", nil
	}
	narrow = true
	var parts []string
	for _, a := range s.Arms {
		if a.Name == ref.Name || a.Raw() {
			continue
		}
		values := s.paired(Metrics[0], a, ref)
		r := paired.Compare(values)
		narrow = narrow && settled(values, width)
		if r.Bounded {
			parts = append(parts, fmt.Sprintf("%s %.4g, limit %.4g", a.Name, half(r), enough(r, width)))
		}
	}
	if len(parts) == 0 {
		return false, "there is no interval yet", nil
	}
	return narrow, "half the interval of " + Primary + " against " + ref.Name + ": " + strings.Join(parts, "; "), nil
}

// settled is the rule for one arm. An interval that happens to be narrow once
// is too narrow more often than not; twice in a row takes most of that away.
func settled(values []float64, width float64) bool {
	if len(values) == 0 {
		return false
	}
	now, before := paired.Compare(values), paired.Compare(values[:len(values)-1])
	return now.Bounded && half(now) <= enough(now, width) && before.Bounded && half(before) <= enough(before, width)
}

// half is half the width of an interval.
func half(r paired.Result) float64 { return (r.High - r.Low) / 2 }

// enough is how large that may be.
func enough(r paired.Result, width float64) float64 {
	return max(NarrowLeast, width*math.Abs(r.Estimate))
}
