package report

import (
	"slices"

	"schload/internal/compare"
)

// attribution adds what handoffs, relaxed timeouts and retries did. A row is
// there if it has something to say of some arm. Where it is about notices, zero
// is news of an arm that got some, and "-" stands for the others.
func attribution(columns []column, t *table, each func(string, func(column) string)) {
	row := func(label string, news func(compare.Attribution) bool, cell func(compare.Attribution) string) {
		says := func(c column) bool { return news(c.arm.Attribution) }
		if !slices.ContainsFunc(columns, says) {
			return
		}
		each(label, func(c column) string {
			if !says(c) {
				return "-"
			}
			return cell(c.arm.Attribution)
		})
	}
	number := func(label string, news func(compare.Attribution) bool, n func(compare.Attribution) uint64) {
		row(label, news, func(a compare.Attribution) string { return count(n(a)) })
	}
	some := func(label string, n func(compare.Attribution) uint64) {
		if slices.ContainsFunc(columns, func(c column) bool { return n(c.arm.Attribution) > 0 }) {
			each(label, func(c column) string { return count(n(c.arm.Attribution)) })
		}
	}
	lengths := func(label string, of func(compare.Attribution) compare.Quantiles) {
		row(label, func(a compare.Attribution) bool { return of(a).Count > 0 }, func(a compare.Attribution) string {
			q := of(a)
			return quantile(q.Count, 2, q.P50.Duration()) + " / " + millis(q.Max.Duration()) + " of " + count(q.Count)
		})
	}

	t.add("what handoffs, relaxed timeouts and retries did")
	number("  requests saved by relaxed timeouts", relaxed, func(a compare.Attribution) uint64 { return a.Saved.ByRelaxedTimeouts })
	some("  requests saved by retries alone", func(a compare.Attribution) uint64 { return a.Saved.ByRetries })
	number("  connections saved by handoff", moved, func(a compare.Attribution) uint64 { return a.Connections.HandedOver })
	number("  closed by server though told to move", moved, func(a compare.Attribution) uint64 { return a.Connections.ClosedTold })
	number("  closed by server before they were told", moved, func(a compare.Attribution) uint64 { return a.Connections.ClosedUntold })
	some("  given up after they were told", func(a compare.Attribution) uint64 { return a.Connections.GivenUp })
	lengths("  dial to takeover, p50 / max of n, ms", func(a compare.Attribution) compare.Quantiles { return a.Handoffs.SinceDial })
	lengths("  notice to takeover, p50 / max of n, ms", func(a compare.Attribution) compare.Quantiles { return a.Handoffs.SinceNotice })
	some("  handoffs abandoned", func(a compare.Attribution) uint64 { return a.Handoffs.Abandoned })
	row("  never read a notice (stragglers)", told, func(a compare.Attribution) string { return outOf(a.Notices.Stragglers, a.Notices.Connections) })
	lengths("  told after the first, p50 / max of n, ms", func(a compare.Attribution) compare.Quantiles { return a.Notices.Delay })
	some("  dials within 100 ms, at most", func(a compare.Attribution) uint64 { return a.Dials.Peak })
	some("  dials that gave no connection to keep", func(a compare.Attribution) uint64 { return a.Dials.Surplus })
	number("  dials to a node about to leave", moved, func(a compare.Attribution) uint64 { return a.Dials.Leaving })
	row("  relaxed timeouts that never closed", relaxed, func(a compare.Attribution) string { return outOf(a.Relaxed.NeverClosed, a.Relaxed.Windows) })
	t.dropEmpty()
}

// What makes a zero news of an arm.

func told(a compare.Attribution) bool    { return a.Notices.Events > 0 }
func relaxed(a compare.Attribution) bool { return a.Relaxed.Windows > 0 }
func moved(a compare.Attribution) bool {
	return a.Connections != compare.Leaving{} || a.Handoffs.SinceNotice.Count > 0
}

func outOf(n, of uint64) string { return count(n) + " of " + count(of) }
