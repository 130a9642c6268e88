package report

import (
	"math"
	"slices"
	"strconv"
	"time"

	"schload/internal/bundle"
	"schload/internal/compare"
)

// gaps adds what lies around outages: brown-outs and ranges of hash slots where
// there are any, and the longest gap.
func gaps(columns []column, each func(string, func(column) string), some func(string, func(compare.Arm) uint64)) {
	each("  longest gap, s", func(c column) string { return seconds(c.arm.Outage.LongestGap.Duration()) })
	if slices.ContainsFunc(columns, func(c column) bool { return c.arm.Outage.BrownOuts.Windows > 0 }) {
		some("  brown-outs (successes, all late)", func(a compare.Arm) uint64 { return a.Outage.BrownOuts.Windows })
		each("    longest, s", func(c column) string { return seconds(c.arm.Outage.BrownOuts.Longest.Duration()) })
		each("    total, s", func(c column) string { return seconds(c.arm.Outage.BrownOuts.Total.Duration()) })
	}
	partly := func(c column) bool {
		out, _ := slotsOut(c.arm)
		return out > 0 && out < len(c.arm.SlotRanges)
	}
	if slices.ContainsFunc(columns, partly) {
		each("  hash slot ranges out", func(c column) string {
			out, _ := slotsOut(c.arm)
			return strconv.Itoa(out) + " of " + strconv.Itoa(len(c.arm.SlotRanges))
		})
		each("    longest, s", func(c column) string {
			_, longest := slotsOut(c.arm)
			return seconds(longest)
		})
	}
}

// slotsOut is how many of an arm's ranges of hash slots had an outage, and the
// longest of these.
func slotsOut(a compare.Arm) (out int, longest time.Duration) {
	for _, r := range a.SlotRanges {
		if r.Outage.Windows > 0 {
			out++
			longest = max(longest, r.Outage.Longest.Duration())
		}
	}
	return out, longest
}

// cost adds what the upgrade did to the arms, from its beginning to the end of
// recovery, all rounds together.
func cost(runs []compare.Summary, columns []column, each func(string, func(column) string)) {
	if !slices.ContainsFunc(columns, func(c column) bool { return len(c.arm.Events) > 0 }) {
		return
	}
	objective := " (objective " + share(runs[0].Objective) + " %)"
	for _, r := range runs {
		if r.Objective != runs[0].Objective {
			objective = " (objectives differ)"
		}
	}
	each("availability, upgrade and recovery, %", func(c column) string { return ofEvents(c.arm.Events, available) })
	each("recovered after, s", func(c column) string { return ofEvents(c.arm.Events, recovered) })
	each("error budget spent"+objective, func(c column) string { return ofEvents(c.arm.Events, spent) })
}

// unseen is the cell of what never came, or of what nobody knows.
const unseen = "-"

func ofEvents(events []compare.Event, cell func([]compare.Event) string) string {
	if len(events) == 0 {
		return unseen
	}
	return cell(events)
}

func available(events []compare.Event) string {
	var due, good float64
	for _, e := range events {
		due += float64(e.Due)
		good += float64(e.Due) * e.Availability
	}
	return share(math.Round(good) / due)
}

// recovered is the longest time of all rounds.
func recovered(events []compare.Event) string {
	var longest bundle.Seconds
	for _, e := range events {
		if e.Recover == nil {
			return unseen
		}
		longest = max(longest, *e.Recover)
	}
	return seconds(longest.Duration())
}

func spent(events []compare.Event) string {
	var due, sum float64
	for _, e := range events {
		due += float64(e.Due)
		sum += float64(e.Due) * e.ErrorBudgetSpent
	}
	return three(sum / due)
}

// share spells a share in percent, never rounded up: 99.999 is not all.
func share(x float64) string {
	return strconv.FormatFloat(math.Floor(x*1e5+1e-6)/1e3, 'f', -1, 64)
}

// pools adds a block for each pool, where an arm has several.
func pools(columns []column, t *table, each func(string, func(column) string)) {
	var names []string
	for _, c := range columns {
		for _, p := range c.arm.Pools {
			if len(c.arm.Pools) > 1 && !slices.Contains(names, p.Name) {
				names = append(names, p.Name)
			}
		}
	}
	for _, name := range names {
		row := func(label string, cell func(compare.Pool) string) {
			each("  "+label, func(c column) string {
				i := slices.IndexFunc(c.arm.Pools, func(p compare.Pool) bool { return p.Name == name })
				if i < 0 {
					return unseen
				}
				return cell(c.arm.Pools[i])
			})
		}
		t.add("pool " + name)
		row("due", func(p compare.Pool) string { return count(p.Operations.Due) })
		row("failed", func(p compare.Pool) string { return count(p.Operations.Failed) })
		row("missed", func(p compare.Pool) string { return count(p.Operations.Missed) })
		row("late", func(p compare.Pool) string { return count(p.Operations.Late) })
		row("baseline    n", func(p compare.Pool) string { return count(p.Phases.Baseline.ResponseTime.Count) })
		row("baseline    response p99, ms", func(p compare.Pool) string { return p99(p.Phases.Baseline) })
		row("maintenance n", func(p compare.Pool) string { return count(p.Phases.Maintenance.ResponseTime.Count) })
		row("maintenance response p99, ms", func(p compare.Pool) string { return p99(p.Phases.Maintenance) })
		row("outages", func(p compare.Pool) string { return count(p.Outage.Windows) })
		row("  longest, s", func(p compare.Pool) string { return seconds(p.Outage.Longest.Duration()) })
		row("longest gap, s", func(p compare.Pool) string { return seconds(p.Outage.LongestGap.Duration()) })
		if slices.ContainsFunc(columns, func(c column) bool {
			return slices.ContainsFunc(c.arm.Pools, func(p compare.Pool) bool { return p.Name == name && p.Outage.BrownOuts.Windows > 0 })
		}) {
			row("brown-outs", func(p compare.Pool) string { return count(p.Outage.BrownOuts.Windows) })
			row("  longest, s", func(p compare.Pool) string { return seconds(p.Outage.BrownOuts.Longest.Duration()) })
		}
		if slices.ContainsFunc(columns, func(c column) bool {
			return slices.ContainsFunc(c.arm.Pools, func(p compare.Pool) bool { return p.Name == name && len(p.Events) > 0 })
		}) {
			row("availability, %", func(p compare.Pool) string { return ofEvents(p.Events, available) })
			row("recovered after, s", func(p compare.Pool) string { return ofEvents(p.Events, recovered) })
			row("error budget spent", func(p compare.Pool) string { return ofEvents(p.Events, spent) })
		}
	}
}

func p99(p compare.Phase) string {
	return quantile(p.ResponseTime.Count, 100, p.ResponseTime.P99.Duration())
}
