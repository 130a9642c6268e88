package report

import (
	"fmt"
	"slices"
	"time"

	"schload/internal/compare"
)

// attribution adds what handoffs, relaxed timeouts and retries did. A row is
// there if it has something to say for some arm; a zero is news for an arm that
// was told of something, and "-" stands for the others.
func attribution(columns []column, t *table, each func(string, func(column) string)) {
	row := func(label string, says func(compare.Attribution) bool, n func(compare.Attribution) uint64) {
		if !slices.ContainsFunc(columns, func(c column) bool { return says(c.arm.Attribution) || n(c.arm.Attribution) > 0 }) {
			return
		}
		each(label, func(c column) string {
			a := c.arm.Attribution
			if !says(a) && n(a) == 0 {
				return "-"
			}
			return count(n(a))
		})
	}
	lengths := func(label string, of func(compare.Attribution) compare.Quantiles) {
		if !slices.ContainsFunc(columns, func(c column) bool { return of(c.arm.Attribution).Count > 0 }) {
			return
		}
		each(label, func(c column) string { return spread(of(c.arm.Attribution)) })
	}

	t.add("what handoffs, relaxed timeouts and retries did")
	row("  requests saved by relaxed timeouts", wasRelaxed, func(a compare.Attribution) uint64 { return a.Saved.ByRelaxedTimeouts })
	row("  requests saved by retries only", never, func(a compare.Attribution) uint64 { return a.Saved.ByRetries })
	row("  connections saved by handoff", wasMoved, func(a compare.Attribution) uint64 { return a.Connections.HandedOver })
	row("  closed by server, told of the move", wasMoved, func(a compare.Attribution) uint64 { return a.Connections.ClosedTold })
	row("  closed by server, not told yet", wasMoved, func(a compare.Attribution) uint64 { return a.Connections.ClosedUntold })
	row("  given up after they were told", never, func(a compare.Attribution) uint64 { return a.Connections.GivenUp })
	lengths("  dial to takeover, p50 p99 max, ms", func(a compare.Attribution) compare.Quantiles { return a.Handoffs.SinceDial })
	lengths("  notice to takeover, p50 p99 max, ms", func(a compare.Attribution) compare.Quantiles { return a.Handoffs.SinceNotice })
	row("  handoffs abandoned", never, func(a compare.Attribution) uint64 { return a.Handoffs.Abandoned })
	row("  connections that were to read a notice", wasTold, func(a compare.Attribution) uint64 { return a.Notices.Connections })
	row("    never read it (stragglers)", wasTold, func(a compare.Attribution) uint64 { return a.Notices.Stragglers })
	lengths("    after the first, p50 p99 max, ms", func(a compare.Attribution) compare.Quantiles { return a.Notices.Delay })
	row("  dials within 100 ms, at most", never, func(a compare.Attribution) uint64 { return a.Dials.Peak })
	row("  dials that gave no connection to keep", never, func(a compare.Attribution) uint64 { return a.Dials.Surplus })
	row("  dials to a node about to leave", wasMoved, func(a compare.Attribution) uint64 { return a.Dials.Leaving })
	row("  relaxed timeouts, windows", wasRelaxed, func(a compare.Attribution) uint64 { return a.Relaxed.Windows })
	row("    never closed", wasRelaxed, func(a compare.Attribution) uint64 { return a.Relaxed.NeverClosed })
	t.dropEmpty()
}

// What makes a zero news.

func never(compare.Attribution) bool        { return false }
func wasTold(a compare.Attribution) bool    { return a.Notices.Events > 0 }
func wasRelaxed(a compare.Attribution) bool { return a.Relaxed.Windows > 0 }
func wasMoved(a compare.Attribution) bool {
	return a.Connections != compare.Leaving{} || a.Handoffs.SinceNotice.Count > 0
}

// spread spells three quantiles, those that too few samples support as in
// times.
func spread(q compare.Quantiles) string {
	if q.Count == 0 {
		return "-"
	}
	cell := func(needs uint64, d time.Duration) string { return quantile(q.Count, needs, d) }
	return fmt.Sprintf("%s %s %s", cell(2, q.P50.Duration()), cell(100, q.P99.Duration()), millis(q.Max.Duration()))
}
