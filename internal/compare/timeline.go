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
	outages []mark.Mark
	invalid []string
	limit   time.Duration // Run.OutageAfter
	stalls  []mark.Mark   // spans in which the harness itself stood still; they do not overlap
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
		case mark.Outage:
			t.outages = append(t.outages, m)
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

// outage adds up an arm's windows without what of them lay in warm-up. The
// time in which the harness itself stood still is taken off: it sent nothing
// then, so nothing can be said of the arm. What remains of a window and is not
// longer than the run's limit is no outage; own counts those.
func (t timeline) outage(arm string) (o Outage, own int) {
	for _, m := range t.outages {
		from, to := max(m.At, t.begin()), m.At+m.Duration
		felt := to - from - t.warm(from, to)
		if m.Arm != arm || felt <= t.limit {
			continue
		}
		length := felt - t.stood(from, to)
		if length <= t.limit {
			own++
			continue
		}
		o.Windows++
		o.Longest = max(o.Longest, bundle.Seconds(length))
		o.Total += bundle.Seconds(length)
	}
	return o, own
}

// warm is how much of the time between two instants after the first warm-up
// lies in a later one.
func (t timeline) warm(from, to time.Duration) (sum time.Duration) {
	for i, m := range t.phases {
		if m.Name != record.Warmup.String() {
			continue
		}
		until := to
		if i+1 < len(t.phases) {
			until = min(to, t.phases[i+1].At)
		}
		sum += max(0, until-max(from, m.At))
	}
	return sum
}

// stood is for how long the harness stood still between two instants.
func (t timeline) stood(from, to time.Duration) (sum time.Duration) {
	for _, s := range t.stalls {
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
