package compare

import (
	"cmp"
	"slices"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/mark"
	"schload/telemetry/record"
)

// timeline is what a summary needs of the marks.
type timeline struct {
	phases  []mark.Mark // ordered by instant
	outages []mark.Mark // brown-outs and gaps, too, of arms, pools and slots
	invalid []string
	limit   time.Duration // Run.OutageAfter
	stalls  []mark.Mark   // spans in which the harness itself stood still, or an arm's process; those of the same do not overlap

	coverage []mark.Mark // events and the connections that read of them
}

func readTimeline(b *bundle.Bundle) (timeline, error) {
	t := timeline{limit: b.Run.OutageAfter.Duration()}
	for m, err := range b.Marks() {
		if err != nil {
			return t, err
		}
		switch m.Kind {
		case mark.Phase:
			t.phases = append(t.phases, m)
		case mark.Outage, mark.BrownOut, mark.Gap:
			t.outages = append(t.outages, m)
		case mark.Coverage:
			t.coverage = append(t.coverage, m)
		case mark.Harness:
			if m.Name == "stall" && !t.warmup(m.At) {
				t.stalls = append(t.stalls, m)
			}
		case mark.Invalid:
			t.invalid = append(t.invalid, reason(m))
		}
	}
	slices.SortStableFunc(t.phases, func(x, y mark.Mark) int { return cmp.Compare(x.At, y.At) })
	return t, nil
}

func reason(m mark.Mark) string {
	text := cmp.Or(m.Detail, m.Name, "a mark disqualifies the run without saying why")
	if m.Arm != "" {
		return "arm " + m.Arm + ": " + text
	}
	return text
}

// warmup says whether an instant lies in warm-up.
func (t timeline) warmup(at time.Duration) bool { return t.phaseAt(at) == record.Warmup.String() }

// phaseAt returns the phase an instant lies in. As in package record, a run
// begins in warm-up; one without any mark of a phase has none, and "" for all.
func (t timeline) phaseAt(at time.Duration) string {
	if len(t.phases) == 0 {
		return ""
	}
	phase := record.Warmup.String()
	for _, m := range t.phases {
		if m.At > at {
			break
		}
		phase = m.Name
	}
	return phase
}

// begin returns the instant at which warm-up first ended.
func (t timeline) begin() time.Duration {
	for _, m := range t.phases {
		if m.Name != record.Warmup.String() {
			return m.At
		}
	}
	if len(t.phases) == 0 {
		return 0
	}
	return 1<<63 - 1 // the run never came out of warm-up
}

// stood is for how long all of the harness stood still between two instants.
func (t timeline) stood(from, to time.Duration) (sum time.Duration) {
	for _, s := range t.stalls {
		if s.Arm != "" {
			continue
		}
		sum += max(0, min(to, s.At+s.Duration)-max(from, s.At))
	}
	return sum
}

// longestStall is 0 when there was none.
func (t timeline) longestStall() (longest time.Duration) {
	for _, s := range t.stalls {
		longest = max(longest, s.Duration)
	}
	return longest
}
