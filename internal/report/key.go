package report

import (
	"strconv"
	"strings"

	"schload/internal/compare"
)

// keyNumbers are the rows of the table that one reads first.
func keyNumbers(runs ...compare.Summary) *table {
	columns, head := columns(runs)
	t := &table{head: head}
	each := perArm(t, columns)
	number := func(label string, n func(compare.Arm) uint64) {
		each(label, func(c column) string { return count(n(c.arm)) })
	}
	each("SCH, as proved on the wire", func(c column) string { return sch(c.arm.SCH) })
	number("operations due", func(a compare.Arm) uint64 { return a.Operations.Due })
	number("failed", func(a compare.Arm) uint64 { return a.Operations.Failed })
	number("missed", func(a compare.Arm) uint64 { return a.Operations.Missed })
	number("late", func(a compare.Arm) uint64 { return a.Operations.Late })
	each("longest outage, s", func(c column) string { return seconds(c.arm.Outage.Longest.Duration()) })
	each("longest gap, s", func(c column) string { return seconds(c.arm.Outage.LongestGap.Duration()) })
	number("successes in baseline", func(a compare.Arm) uint64 { return a.Phases.Baseline.ResponseTime.Count })
	each("response time p99 in baseline, ms", func(c column) string { return p99(c.arm.Phases.Baseline) })
	number("successes in maintenance", func(a compare.Arm) uint64 { return a.Phases.Maintenance.ResponseTime.Count })
	each("response time p99 in maintenance, ms", func(c column) string { return p99(c.arm.Phases.Maintenance) })
	each("longest response time in maintenance, ms", func(c column) string {
		q := c.arm.Phases.Maintenance.ResponseTime
		return quantile(q.Count, 1, q.Max.Duration())
	})
	cost(runs, columns, each)
	number("connections dialled", func(a compare.Arm) uint64 { return a.Connections.Dials })
	number("closed by server", func(a compare.Arm) uint64 { return a.Connections.ClosedByServer })
	number("handoffs that succeeded", func(a compare.Arm) uint64 { return a.Handoffs.Succeeded })
	number("hidden attempts", func(a compare.Arm) uint64 { return a.AttemptsHidden })
	return t
}

// part is a table of some rows: add gets what it needs to add them.
func part(s compare.Summary, add func(columns []column, t *table, each func(string, func(column) string))) *table {
	columns, head := columns([]compare.Summary{s})
	t := &table{head: head}
	add(columns, t, perArm(t, columns))
	return t
}

// differenceTable has a row for each difference over rounds.
func differenceTable(list []compare.Difference) *table {
	t := &table{head: []string{"median of pairs", "from", "to (95 %)", "rounds", "p, corrected", "verdict"}}
	for _, d := range list {
		t.add(d.Arm+" - "+d.Against+": "+metric(d)+unit(d),
			scaled(d, &d.Estimate), scaled(d, d.Low), scaled(d, d.High), strconv.Itoa(d.Rounds), chance(d.PAdjusted), concluded(d))
	}
	return t
}

// overRounds says in words in what an arm was better or worse than another.
func overRounds(list []compare.Difference) (lines []string) {
	type pair struct{ arm, against string }
	found := map[pair]map[string][]string{}
	var order []pair
	for _, d := range list {
		p := pair{d.Arm, d.Against}
		if found[p] == nil {
			found[p] = map[string][]string{}
			order = append(order, p)
		}
		found[p][d.Verdict] = append(found[p][d.Verdict], metric(d))
	}
	for _, p := range order {
		var parts []string
		for _, verdict := range []string{compare.VerdictBetter, compare.VerdictWorse} {
			if metrics := found[p][verdict]; len(metrics) > 0 {
				parts = append(parts, verdict+" in "+strings.Join(metrics, ", "))
			}
		}
		if len(parts) == 0 {
			parts = []string{"neither better nor worse with evidence"}
		}
		lines = append(lines, "Over the rounds, "+p.arm+" against "+p.against+" was "+strings.Join(parts, "; ")+".")
	}
	return lines
}
