package compare

import (
	"fmt"
	"slices"

	"schload/internal/bundle"
	"schload/telemetry/record"
	"schload/workload"
)

// judge collects what disqualifies the run: what it said itself, and what its
// files say against it.
func (s *Summary) judge(final *bundle.Final, sums *sums, t timeline) {
	if final != nil {
		s.disqualify(final.InvalidReasons...)
	}
	s.disqualify(t.invalid...)
	if final != nil && !final.Valid && len(s.InvalidReasons) == 0 {
		s.disqualify("the run declared itself invalid without saying why")
	}
	if len(s.InvalidReasons) == 0 { // else the run has judged its arms itself
		for _, a := range s.Arms {
			s.disqualify(unproved(a)...)
		}
	}
	s.disqualify(sums.gaps...)
	for _, a := range s.Arms {
		s.disqualify(conservation(a.Name, sums, final != nil)...)
		s.disqualify(twoTruths(a.Name, sums)...)
		s.disqualify(twice(a)...)
	}
	s.Valid = len(s.InvalidReasons) == 0
}

func (s *Summary) disqualify(reasons ...string) {
	for _, r := range reasons {
		if !slices.Contains(s.InvalidReasons, r) {
			s.InvalidReasons = append(s.InvalidReasons, r)
		}
	}
}

// unproved says where an arm is not what it claims to be.
func unproved(a Arm) []string {
	switch {
	case a.SCH.Connections == 0:
	case a.SCH.Requested == "on" && a.SCH.OptedIn == 0:
		return []string{fmt.Sprintf("arm %s was to have handoffs on, but none of its %s connections opted in", a.Name, bundle.Count(a.SCH.Connections))}
	case (a.SCH.Requested == "off" || a.Raw()) && a.SCH.OptedIn > 0:
		return []string{fmt.Sprintf("arm %s was to have handoffs off, but %s of its %s connections opted in", a.Name, bundle.Count(a.SCH.OptedIn), bundle.Count(a.SCH.Connections))}
	}
	return nil
}

// conservation checks due = ok + failed + missed for every pool of an arm,
// over the measured phases and over the whole run. A run that was cut off may
// lack ends, but never have more ends than operations were due.
func conservation(arm string, s *sums, complete bool) (broken []string) {
	for _, part := range []struct {
		name string
		keep func(phase string) bool
	}{
		{"without warm-up", measured},
		{"over the whole run", func(string) bool { return true }},
	} {
		for _, pool := range s.pools(arm) {
			t := s.operationsOf(arm, pool, part.keep)
			ended := t.OK + t.Failed + t.Missed
			if ended == t.Due || !complete && ended < t.Due {
				continue
			}
			broken = append(broken, fmt.Sprintf("arm %s, pool %s: due %s is not ok %s + failed %s + missed %s %s",
				arm, pool, bundle.Count(t.Due), bundle.Count(t.OK), bundle.Count(t.Failed), bundle.Count(t.Missed), part.name))
		}
	}
	return broken
}

// pools returns the names of an arm's pools, sorted.
func (s *sums) pools(arm string) (pools []string) {
	for _, c := range s.whole.Counts() {
		if c.Arm == arm && (c.Name == record.Operations || c.Name == record.OperationsDue || c.Name == record.OperationsMissed) {
			pools = append(pools, attr(c, record.AttrPool))
		}
	}
	slices.Sort(pools)
	return slices.Compact(pools)
}

// twoTruths compares the number of durations in the histograms with the
// number of operations in the counters.
func twoTruths(arm string, s *sums) (broken []string) {
	t := s.operations(arm, func(string) bool { return true })
	var succeeded, failed uint64
	for _, series := range s.whole.Series() {
		if series.Arm != arm {
			continue
		}
		n := series.Response.Count()
		if series.Outcome == workload.OK.String() {
			succeeded += n
		} else {
			failed += n
		}
	}
	if succeeded != t.OK || failed != t.Failed {
		broken = append(broken, fmt.Sprintf("arm %s: its histograms hold %s successes and %s failures, its counters %s and %s",
			arm, bundle.Count(succeeded), bundle.Count(failed), bundle.Count(t.OK), bundle.Count(t.Failed)))
	}
	return broken
}
