package report

import (
	"testing"

	"schload/internal/bundle"
	"schload/internal/compare"
)

// pooled is an upgrade of two pools, whose arm off has all that can happen.
func pooled() compare.Summary {
	s := rolling()
	s.Objective = 0.999
	zero, later := bundle.Seconds(0), ms(21_300)
	s.Arms[0].Outage.LongestGap = ms(23.4)
	s.Arms[0].Events = []compare.Event{{Round: 1, Due: 10_000, Availability: 1, Recover: &zero}, {Round: 2, Due: 10_000, Availability: 1, Recover: &zero}}
	s.Arms[0].Pools = []compare.Pool{
		{Name: "main", Kind: "commands", Operations: compare.Operations{Due: 19_000, OK: 19_000, Late: 2}, Phases: s.Arms[0].Phases,
			Events: []compare.Event{{Round: 1, Due: 9500, Availability: 1, Recover: &zero}, {Round: 2, Due: 9500, Availability: 1, Recover: &zero}}},
		{Name: "batch", Kind: "commands", Operations: compare.Operations{Due: 1000, OK: 1000}},
	}
	off := &s.Arms[1]
	off.Outage.LongestGap, off.Outage.BrownOuts = ms(1801.2), compare.Windows{Windows: 2, Longest: ms(2345), Total: ms(3456)}
	off.Events = []compare.Event{
		{Round: 1, Due: 10_000, Failed: 37, Missed: 1234, Late: 400, Availability: 0.8329, Recover: &later, ErrorBudgetSpent: 167.1},
		{Round: 2, Due: 10_000, Late: 20, Availability: 0.998, Recover: &zero, ErrorBudgetSpent: 2},
	}
	for i := range 4 {
		r := compare.SlotRange{From: i * 4096, To: i*4096 + 4095}
		s.Arms[0].SlotRanges = append(s.Arms[0].SlotRanges, r)
		if i == 2 {
			r.Outage = compare.Windows{Windows: 2, Longest: ms(4321), Total: ms(5000)}
		}
		off.SlotRanges = append(off.SlotRanges, r)
	}
	off.Pools = []compare.Pool{
		{Name: "main", Kind: "commands", Operations: compare.Operations{Due: 19_000, OK: 17_800, Failed: 37, Missed: 1163, Late: 400}, Phases: off.Phases,
			Outage: compare.Outage{Windows: 1, Longest: ms(1801.2), Total: ms(1801.2), LongestGap: ms(1801.2), BrownOuts: compare.Windows{Windows: 1, Longest: ms(700), Total: ms(700)}},
			Events: []compare.Event{{Round: 1, Due: 9500, Failed: 37, Missed: 1163, Late: 380, Availability: 0.8337, Recover: &later, ErrorBudgetSpent: 166.3}, {Round: 2, Due: 9500, Late: 20, Availability: 0.998, Recover: &zero, ErrorBudgetSpent: 2.1}}},
		{Name: "batch", Kind: "commands", Operations: compare.Operations{Due: 1000, OK: 929, Missed: 71, Late: 20},
			Phases: compare.Phases{Baseline: compare.Phase{ResponseTime: quantilesOf(50, 1, 2, 3, 4)}},
			Outage: compare.Outage{Windows: 3, Longest: ms(2100), Total: ms(3000), LongestGap: ms(2100)}},
	}
	return s
}

// A share is never rounded up to all, and a recovery that some round lacks is
// none.
func TestEventCells(t *testing.T) {
	for x, want := range map[float64]string{1: "100", 0.999999: "99.999", 0.999: "99.9", 0.5: "50", 0: "0", 0.99959: "99.959"} {
		if got := share(x); got != want {
			t.Errorf("share(%v) = %q, want %q", x, got, want)
		}
	}
	zero := bundle.Seconds(0)
	if got := recovered([]compare.Event{{Recover: &zero}, {}}); got != unseen {
		t.Errorf("recovered in one round of two: %q, want %q", got, unseen)
	}
	if got := ofEvents(nil, available); got != unseen {
		t.Errorf("no event is %q available", got)
	}
}
