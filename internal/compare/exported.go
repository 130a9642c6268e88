package compare

import (
	"fmt"

	"schload/internal/bundle"
	"schload/telemetry/record"
)

// Exported is the part of a summary that exported metrics tell: operations and
// times of each arm. Outages, rounds, proof and whatever is counted without its
// phase are not among it. Of the harness it has the limits that it was beyond, by
// their names, as far as they are known before a run is over.
func Exported(e bundle.Exported) (Summary, error) {
	var all sums
	for i := range e.Whole.Series {
		one := e.Whole.Series[i]
		one.Round = 0
		all.whole.Add(record.Interval{Series: []record.Series{one}})
	}
	all.whole.Add(record.Interval{Counts: e.Whole.Counts})
	s := Summary{Schema: Schema, RunID: e.RunID, Upgrade: Upgrade{Name: e.Upgrade}, Valid: true, Complete: true}
	s.Harness.Saturated, s.Harness.SaturatedReasons = len(e.Saturated) > 0, e.Saturated
	for _, name := range e.Arms {
		o := all.operations(name, measured)
		if o.Due != o.OK+o.Failed+o.Missed {
			return Summary{}, fmt.Errorf("arm %s: %d operations fell due, %d are accounted for: the export ends before the run, or a part is missing",
				name, o.Due, o.OK+o.Failed+o.Missed)
		}
		a := Arm{Name: name, Operations: o.Operations, Errors: o.errors, MissedReasons: o.missed, Phases: Phases{
			Baseline:    phase(name, "", record.Baseline, &all),
			Maintenance: phase(name, "", record.Maintenance, &all),
			Recovery:    phase(name, "", record.Recovery, &all),
		}}
		ok := a.Phases.Baseline.ResponseTime.Count + a.Phases.Maintenance.ResponseTime.Count + a.Phases.Recovery.ResponseTime.Count
		if ok != o.OK {
			return Summary{}, fmt.Errorf("arm %s: %d operations succeeded, the histograms hold %d: a part is missing", name, o.OK, ok)
		}
		s.Arms = append(s.Arms, a)
	}
	return s, nil
}
