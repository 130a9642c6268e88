package compare

import (
	"iter"
	"slices"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/record"
)

// The sources of a run's phases, from firm to weak.
const (
	sourceStage   = "stage"   // whoever played the upgrade, or led it, said so
	sourceNotices = "notices" // the server announced it, nobody else knew
	sourceData    = "data"    // a change in what was recorded, found afterwards
	sourceNone    = "none"    // nothing was to be seen: all of it is baseline
)

// Span is a part of the run, by instants since its base.
type Span struct {
	From bundle.Seconds `json:"from_s"`
	To   bundle.Seconds `json:"to_s"`
}

// holds says whether the larger part of an interval lies in the span.
func (s Span) holds(iv record.Interval) bool {
	middle := bundle.Seconds(iv.From + (iv.To-iv.From)/2)
	return s.From <= middle && middle < s.To
}

// phaseSource says who decided on the run's phases and, where the data did,
// when maintenance was.
func phaseSource(b *bundle.Bundle, t timeline) (string, Span, error) {
	switch {
	case b.Run.Stage != "none":
		return sourceStage, Span{}, nil
	case t.noticed():
		return sourceNotices, Span{}, nil
	}
	felt, err := readFelt(b)
	if err != nil {
		return "", Span{}, err
	}
	if found, ok := change(felt); ok {
		return sourceData, found, nil
	}
	return sourceNone, Span{}, nil
}

// noticed says whether notices began a maintenance.
func (t timeline) noticed() bool {
	for _, m := range t.phases {
		if m.Name == record.Maintenance.String() {
			return true
		}
	}
	return false
}

// maintenance returns the spans of maintenance that marks tell of. One that is
// still open ends with the last interval, at end.
func (t timeline) maintenance(end time.Duration) []Span {
	spans := []Span{}
	for i, m := range t.phases {
		if m.Name != record.Maintenance.String() || m.At >= end {
			continue
		}
		until := end
		if i+1 < len(t.phases) {
			until = t.phases[i+1].At
		}
		spans = append(spans, Span{bundle.Seconds(m.At), bundle.Seconds(until)})
	}
	return spans
}

// rephase files what a run without phases recorded under those that the data
// showed: an interval belongs to the phase in which the larger part of it lies,
// and with it all that was recorded in it.
func rephase(iv record.Interval, maintenance Span) record.Interval {
	phase := record.Baseline
	switch {
	case maintenance.holds(iv):
		phase = record.Maintenance
	case bundle.Seconds(iv.From) >= maintenance.From:
		phase = record.Recovery
	}
	for i := range iv.Series {
		if iv.Series[i].Phase != record.Warmup {
			iv.Series[i].Phase = phase
		}
	}
	for n := range iv.Counts {
		for i, a := range iv.Counts[n].Attrs {
			if a.Key == record.AttrPhase && a.Value != record.Warmup.String() {
				attrs := slices.Clone(iv.Counts[n].Attrs) // intervals share theirs
				attrs[i].Value = phase.String()
				iv.Counts[n].Attrs = attrs
			}
		}
	}
	return iv
}

// Intervals yields the intervals of a bundle filed under phases as its summary
// files them. Each is valid until the next: see bundle.Pass.
func (s Summary) Intervals(b *bundle.Bundle) iter.Seq2[record.Interval, error] {
	return func(yield func(record.Interval, error) bool) {
		for iv, err := range b.Pass() {
			if err == nil && s.PhaseSource == sourceData && len(s.Maintenance) > 0 {
				iv = rephase(iv, s.Maintenance[0])
			}
			if !yield(iv, err) {
				return
			}
		}
	}
}
