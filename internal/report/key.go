package report

import (
	"schload/internal/compare"
)

// keyNumbers are the rows of the table that one reads first.
func keyNumbers(runs ...compare.Summary) *table {
	columns, head := columns(runs)
	t := &table{head: head}
	each := func(label string, cell func(column) string) {
		cells := make([]string, 0, len(columns))
		for _, c := range columns {
			cells = append(cells, cell(c))
		}
		t.add(label, cells...)
	}
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
	each("response time p99 in baseline, ms", func(c column) string { return p99(c.arm.Phases.Baseline) })
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
	add(columns, t, func(label string, cell func(column) string) {
		cells := make([]string, 0, len(columns))
		for _, c := range columns {
			cells = append(cells, cell(c))
		}
		t.add(label, cells...)
	})
	return t
}
