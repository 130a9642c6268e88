package explain

import (
	"slices"

	"schload/internal/bundle"
	"schload/internal/compare"
)

// rule is one diagnosis of an arm.
type rule func(Case) []Finding

// rules are those of an arm, in the order findings of one severity are listed.
var rules = []rule{
	notOptedIn, nothingAnnounced, disconnected, landedOnLeavingNode, staleAddress, neverTold, pushHidClose, handoffsFailed,
	timeouts, redirectNotFollowed, stallWaited, serverRefused, poolExhausted, overflowDials, relaxationLeaked, receivers, crossedReplies, wrongReplies,
}

// Explain returns the findings, the gravest first; never none.
func Explain(b *bundle.Bundle, s compare.Summary) ([]Finding, error) {
	e, err := Gather(b, s)
	if err != nil {
		return nil, err
	}
	return e.Findings(), nil
}

// Findings applies all rules.
func (e *Evidence) Findings() []Finding {
	all := harness(e)
	for _, c := range e.cases {
		var own []Finding
		if c.Arm.Raw() || c.Summary.Saturating() {
			continue // neither judges handoffs
		}
		for _, r := range rules {
			own = append(own, r(c)...)
		}
		own = append(own, remains(c, own)...)
		for i := range own {
			own[i].Arm = c.Arm.Name
		}
		all = append(all, own...)
	}
	slices.SortStableFunc(all, func(a, b Finding) int {
		return slices.Index(severities, a.Severity) - slices.Index(severities, b.Severity)
	})
	return all
}
