package explain

import (
	"fmt"

	"schload/internal/bundle"
)

// harness: the run itself proves nothing, or not all that it seems to.
func harness(e *Evidence) (list []Finding) {
	s := e.Summary
	if !s.Valid {
		list = append(list, Finding{ID: "invalid", Title: "The run is invalid: its numbers prove nothing", Severity: Invalid, Confidence: Certain, Evidence: s.InvalidReasons,
			Cause: "An arm was not what it claims, operations were not accounted for, or the run declared itself so.",
			Fix:   "Mend what the reasons name and run again. The other findings stand for what the client did, not for a comparison.", Source: method + "Invalid, incomplete, warned"})
	}
	if s.Harness.Saturated {
		list = append(list, Finding{ID: "saturated", Title: "The harness was the bottleneck", Severity: Invalid, Confidence: Certain, Evidence: s.Harness.SaturatedReasons,
			Cause: "The machine that made the load could not keep to the schedule: part of what was measured is its own.",
			Fix:   "Lower --rate, give it more processors or workers, or load from another machine than the target's.", Source: method + "The harness is measured, too"})
	}
	if !s.Complete {
		list = append(list, Finding{ID: "incomplete", Title: "The run was cut off", Severity: Note, Confidence: Certain,
			Evidence: []string{"run.json has no final part, or says that the run was interrupted"},
			Cause:    "It was killed or interrupted: what came after is not known.", Fix: "Let it run to its end.", Source: method + "Invalid, incomplete, warned"})
	}
	if n := s.Harness.MarksDropped; n > 0 {
		list = append(list, Finding{ID: "marks-dropped", Title: "The timeline is not whole", Severity: Note, Confidence: Certain,
			Evidence: []string{bundle.Count(n) + " marks dropped"},
			Cause:    "An arm writes so many marks of a kind in a second and no more, so that a storm of dials does not hide the rest; or marks came faster than the disk took them. Totals do not suffer; connections and instants named here may not be all.", Fix: "None is needed for the totals. Fewer workers or connections make a smaller storm.", Source: "docs/BUNDLE.md, marks.jsonl"})
	}
	return list
}

// remains says of an arm what no rule did: that it is well, or that failures
// are left without an explanation.
func remains(c Case, found []Finding) []Finding {
	for _, f := range found {
		if f.Severity == Problem || f.Severity == Expected {
			return nil
		}
	}
	if !c.hurt() {
		if !c.Summary.Valid || c.Summary.Harness.Saturated || c.Arm.Operations.Due == 0 {
			return nil // that nothing failed proves nothing then
		}
		return []Finding{c.fine()}
	}
	f := Finding{ID: "unexplained", Title: "Failures that no rule explains", Severity: Problem, Confidence: Likely, Evidence: []string{c.felt()},
		Cause: "The evidence fits none of the known causes.", Fix: "Look at the marks around those instants (marks.jsonl), and at the arm's settings.", Source: "docs/EXPLAIN.md"}
	if len(c.Arm.MissedReasons) > 0 {
		f.Evidence = append(f.Evidence, "missed: "+classes(c.Arm.MissedReasons))
	}
	if !c.on() {
		f.ID, f.Title, f.Severity = "handoffs-off", "What an upgrade does to a client without handoffs", Expected
		f.Cause = "The arm never asked for notices: it met the event unprepared."
		f.Fix = "Compare with an arm whose handoffs are on: the difference is what they spare."
		f.Source = vendor + "Root Cause"
	}
	return []Finding{f}
}

// hurt says whether anything went wrong for the application.
func (c Case) hurt() bool {
	return c.Arm.Operations.Failed+c.Arm.Operations.Missed > 0 || c.Arm.Outage.Windows > 0
}

// fine says plainly that all went well, with what was done for it.
func (c Case) fine() Finding {
	n, l, o := c.Arm.Attribution.Notices, c.Arm.Attribution.Connections, c.Arm.Operations
	f := Finding{ID: "healthy", Title: "Nothing to explain", Severity: Fine, Confidence: Certain}
	switch {
	case l.HandedOver > 0:
		f.Title = fmt.Sprintf("Nothing to explain: handed over %s of %s", bundle.Count(l.HandedOver), plural(l.HandedOver+l.ClosedTold+l.ClosedUntold+l.GivenUp, "connection"))
		f.Evidence = append(f.Evidence, fmt.Sprintf("%s started, %s succeeded; told %s of %s", plural(c.Arm.Handoffs.Started, "handoff"), bundle.Count(c.Arm.Handoffs.Succeeded), bundle.Count(n.Told), bundle.Count(n.Connections)))
		if q := c.Arm.Attribution.Handoffs.SinceNotice; q.Count > 0 {
			f.Evidence = append(f.Evidence, "notice to takeover: "+length(q.P50.Duration())+" at p50, "+length(q.Max.Duration())+" at most, of "+plural(q.Count, "handoff"))
		}
	case c.notices() > 0:
		f.Evidence = append(f.Evidence, "notices read: "+classes(c.Arm.Notices)+"; no connection was handed over")
	case c.on():
		f.Evidence = append(f.Evidence, "no notice came")
	}
	f.Evidence = append(f.Evidence, fmt.Sprintf("%s of %s operations failed, %s missed, no outage", bundle.Count(o.Failed), bundle.Count(o.Due), bundle.Count(o.Missed)))
	if saved := c.Arm.Attribution.Saved; saved.ByRelaxedTimeouts+saved.ByRetries > 0 {
		f.Evidence = append(f.Evidence, fmt.Sprintf("%s operations succeeded only because of relaxed timeouts, %s because of retries", bundle.Count(saved.ByRelaxedTimeouts), bundle.Count(saved.ByRetries)))
	}
	return f
}
