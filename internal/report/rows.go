package report

import (
	"slices"
	"time"

	"schload/internal/bundle"
	"schload/internal/compare"
)

// column is one arm of one run.
type column struct {
	run compare.Summary
	arm compare.Arm
}

// columns lists the arms of all runs, and how they are headed: by arm, or, if
// there are several runs, by run and arm.
func columns(runs []compare.Summary) (columns []column, head []string) {
	for _, run := range runs {
		for _, arm := range run.Arms {
			columns = append(columns, column{run, arm})
			name := arm.Name
			if len(runs) > 1 {
				name = run.RunID + "/" + arm.Name
			}
			head = append(head, name)
		}
	}
	return columns, head
}

// perArm returns what adds a row to t, with a cell for each of the columns.
func perArm(t *table, columns []column) (each func(label string, cell func(column) string)) {
	return func(label string, cell func(column) string) {
		cells := make([]string, 0, len(columns))
		for _, c := range columns {
			cells = append(cells, cell(c))
		}
		t.add(label, cells...)
	}
}

// metrics is the table of a report: metrics as rows, arms as columns.
func metrics(runs []compare.Summary) *table {
	columns, head := columns(runs)
	t := &table{head: head}
	each := perArm(t, columns)
	number := func(label string, n func(compare.Arm) uint64) {
		each(label, func(c column) string { return count(n(c.arm)) })
	}
	some := func(label string, n func(compare.Arm) uint64) {
		if slices.ContainsFunc(columns, func(c column) bool { return n(c.arm) > 0 }) {
			number(label, n)
		}
	}
	keyed := func(m func(compare.Arm) map[string]uint64, indent string) {
		for _, k := range keys(columns, m) {
			number(indent+k, func(a compare.Arm) uint64 { return m(a)[k] })
		}
	}

	each("SCH", func(c column) string { return sch(c.arm.SCH) })
	each("  connections opted in", func(c column) string { return optedIn(c.arm.SCH) })
	t.add("operations, warm-up left out")
	number("  due", func(a compare.Arm) uint64 { return a.Operations.Due })
	number("  ok", func(a compare.Arm) uint64 { return a.Operations.OK })
	number("  failed", func(a compare.Arm) uint64 { return a.Operations.Failed })
	keyed(func(a compare.Arm) map[string]uint64 { return a.Errors }, "    ")
	some("    wrong values without an error", func(a compare.Arm) uint64 { return a.SilentReplies })
	number("  missed", func(a compare.Arm) uint64 { return a.Operations.Missed })
	keyed(func(a compare.Arm) map[string]uint64 { return a.MissedReasons }, "    ")
	number("  late"+limit(runs, "over", func(s compare.Summary) bundle.Seconds { return s.LateAfter }),
		func(a compare.Arm) uint64 { return a.Operations.Late })
	times(columns, each, t, "response time of successes, ms", func(p compare.Phase) compare.Quantiles { return p.ResponseTime })
	times(columns, each, t, "service time of successes, ms", func(p compare.Phase) compare.Quantiles { return p.ServiceTime })
	t.add("outage" + limit(runs, "no success for", func(s compare.Summary) bundle.Seconds { return s.OutageAfter }))
	number("  windows", func(a compare.Arm) uint64 { return a.Outage.Windows })
	each("  longest, s", func(c column) string { return seconds(c.arm.Outage.Longest.Duration()) })
	each("  total, s", func(c column) string { return seconds(c.arm.Outage.Total.Duration()) })
	gaps(columns, each, some)
	cost(runs, columns, each)
	t.add("connections")
	number("  dials", func(a compare.Arm) uint64 { return a.Connections.Dials })
	number("    of these failed", func(a compare.Arm) uint64 { return a.Connections.DialFailures })
	number("  closed by server", func(a compare.Arm) uint64 { return a.Connections.ClosedByServer })
	number("  closed by client", func(a compare.Arm) uint64 { return a.Connections.ClosedByClient })
	t.add("handoffs")
	number("  started", func(a compare.Arm) uint64 { return a.Handoffs.Started })
	number("  succeeded", func(a compare.Arm) uint64 { return a.Handoffs.Succeeded })
	number("  failed", func(a compare.Arm) uint64 { return a.Handoffs.Failed })
	t.add("notices received")
	keyed(func(a compare.Arm) map[string]uint64 { return a.Notices }, "  ")
	t.dropEmpty()
	t.add("redirects to another node")
	some("  moved", func(a compare.Arm) uint64 { return a.Redirects.Moved })
	some("  ask", func(a compare.Arm) uint64 { return a.Redirects.Ask })
	t.dropEmpty()
	some("slot map read", func(a compare.Arm) uint64 { return a.SlotMapReads })
	attribution(columns, t, each)
	integrity(columns, t, each, some)
	deliveries(columns, t, each)
	number("hidden attempts", func(a compare.Arm) uint64 { return a.AttemptsHidden })
	pools(columns, t, each)
	return t
}

func sch(s compare.SCH) string {
	if s.Requested == s.Effective || s.Requested == compare.Raw && s.Effective == compare.NoneRaw {
		return s.Effective
	}
	return s.Requested + ", found " + s.Effective
}

func optedIn(s compare.SCH) string {
	if s.Connections == 0 {
		return "unknown"
	}
	return outOf(s.OptedIn, s.Connections)
}

// keys returns the union of the maps' keys, sorted.
func keys(columns []column, m func(compare.Arm) map[string]uint64) (all []string) {
	for _, c := range columns {
		for k := range m(c.arm) {
			all = append(all, k)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// limit spells a limit that belongs to a row's label, if all runs share it.
func limit(runs []compare.Summary, word string, of func(compare.Summary) bundle.Seconds) string {
	for _, r := range runs {
		if of(r) != of(runs[0]) {
			return " (limits differ)"
		}
	}
	return " (" + word + " " + brief(of(runs[0]).Duration()) + ")"
}

// times adds the rows of one of the three times, baseline against
// maintenance. A quantile that too few samples support is a "~".
func times(columns []column, each func(string, func(column) string), t *table, heading string, of func(compare.Phase) compare.Quantiles) {
	t.add(heading)
	for _, phase := range []struct {
		name string
		of   func(compare.Phases) compare.Phase
	}{
		{"baseline", func(p compare.Phases) compare.Phase { return p.Baseline }},
		{"maintenance", func(p compare.Phases) compare.Phase { return p.Maintenance }},
	} {
		if !slices.ContainsFunc(columns, func(c column) bool { return happened(phase.of(c.arm.Phases)) }) {
			continue
		}
		quantiles := func(c column) compare.Quantiles { return of(phase.of(c.arm.Phases)) }
		label := func(name string) string { return "  " + pad(phase.name, len("maintenance"), false) + " " + name }
		each(label("n"), func(c column) string { return count(quantiles(c).Count) })
		for _, q := range []struct {
			name  string
			needs uint64
			of    func(compare.Quantiles) bundle.Seconds
		}{
			{"p50", 2, func(q compare.Quantiles) bundle.Seconds { return q.P50 }},
			{"p95", 20, func(q compare.Quantiles) bundle.Seconds { return q.P95 }},
			{"p99", 100, func(q compare.Quantiles) bundle.Seconds { return q.P99 }},
			{"max", 1, func(q compare.Quantiles) bundle.Seconds { return q.Max }},
		} {
			each(label(q.name), func(c column) string { return quantile(quantiles(c).Count, q.needs, q.of(quantiles(c)).Duration()) })
		}
	}
}

// happened says whether a phase was part of the run.
func happened(p compare.Phase) bool { return p.Operations.Due > 0 || p.ResponseTime.Count > 0 }

const fewSamples = "~"

func quantile(n, needs uint64, d time.Duration) string {
	switch {
	case n == 0:
		return "-"
	case n < needs:
		return fewSamples
	}
	return millis(d)
}
