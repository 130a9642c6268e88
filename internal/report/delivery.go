package report

import (
	"maps"
	"slices"
	"strings"

	"schload/internal/compare"
)

// deliveries adds a block for each pool that delivers messages, in the order
// of the pools.
func deliveries(columns []column, t *table, each func(string, func(column) string)) {
	for _, pool := range messagePools(columns) {
		of := func(c column) compare.Delivery { return deliveryOf(c.arm, pool.Name) }
		number := func(label string, n func(compare.Delivery) uint64) {
			each(label, func(c column) string { return count(n(of(c))) })
		}
		some := func(label string, n func(compare.Delivery) uint64) {
			if slices.ContainsFunc(columns, func(c column) bool { return n(of(c)) > 0 }) {
				number(label, n)
			}
		}
		t.add("messages of pool " + pool.Name + " (" + pool.Kind + ")")
		number("  published", func(d compare.Delivery) uint64 { return d.Published })
		some("    of these reached nobody", func(d compare.Delivery) uint64 { return d.Unheard })
		some("  perhaps published", func(d compare.Delivery) uint64 { return d.Indeterminate })
		number("  deliveries due", func(d compare.Delivery) uint64 { return d.Due })
		number("    delivered", func(d compare.Delivery) uint64 { return d.Delivered })
		number("    lost", func(d compare.Delivery) uint64 { return d.Lost })
		some("    left with the server", func(d compare.Delivery) uint64 { return d.Left })
		some("    unknown", func(d compare.Delivery) uint64 { return d.Unknown })
		some("  duplicates", func(d compare.Delivery) uint64 { return d.Duplicates })
		some("  redelivered", func(d compare.Delivery) uint64 { return d.Redelivered })
		some("  out of order", func(d compare.Delivery) uint64 { return d.OutOfOrder })
		some("  foreign", func(d compare.Delivery) uint64 { return d.Foreign })
		some("  belated", func(d compare.Delivery) uint64 { return d.Belated })
		if slices.ContainsFunc(columns, func(c column) bool { return of(c).Gaps.Count > 0 }) {
			number("  gaps", func(d compare.Delivery) uint64 { return d.Gaps.Count })
			number("    longest, messages", func(d compare.Delivery) uint64 { return d.Gaps.Longest })
			each("    longest, s", func(c column) string { return seconds(of(c).Gaps.LongestTime.Duration()) })
		}
		if slices.ContainsFunc(columns, func(c column) bool { return of(c).UnheardTime.Longest > 0 }) {
			each("  nobody listened, longest, s", func(c column) string { return seconds(of(c).UnheardTime.Longest.Duration()) })
		}
		deliveryTimes(columns, each, of)
		receivers(columns, each, number, some, of)
	}
}

// deliveryTimes are those of baseline and maintenance.
func deliveryTimes(columns []column, each func(string, func(column) string), of func(column) compare.Delivery) {
	for _, phase := range []struct {
		name string
		of   func(compare.PhaseTime) compare.Quantiles
	}{
		{"baseline   ", func(p compare.PhaseTime) compare.Quantiles { return p.Baseline }},
		{"maintenance", func(p compare.PhaseTime) compare.Quantiles { return p.Maintenance }},
	} {
		at := func(c column) compare.Quantiles { return phase.of(of(c).DeliveryTime) }
		if !slices.ContainsFunc(columns, func(c column) bool { return at(c).Count > 0 }) {
			continue
		}
		each("  delivery time, ms, "+phase.name+" n", func(c column) string { return count(at(c).Count) })
		each("  delivery time, ms, "+phase.name+" p99", func(c column) string { return quantile(at(c).Count, 100, at(c).P99.Duration()) })
		each("  delivery time, ms, "+phase.name+" max", func(c column) string { return quantile(at(c).Count, 1, at(c).Max.Duration()) })
	}
}

// receivers are what befell them.
func receivers(columns []column, each func(string, func(column) string), number, some func(string, func(compare.Delivery) uint64), of func(column) compare.Delivery) {
	var classes []string
	for _, c := range columns {
		for class := range of(c).ReceiverErrors {
			classes = append(classes, class)
		}
	}
	slices.Sort(classes)
	errors := func(d compare.Delivery) (n uint64) {
		for _, m := range d.ReceiverErrors {
			n += m
		}
		return n
	}
	some("  receiver errors", errors)
	for _, class := range slices.Compact(classes) {
		number("    "+class, func(d compare.Delivery) uint64 { return d.ReceiverErrors[class] })
	}
	some("  receiver retries, hidden", func(d compare.Delivery) uint64 { return d.ReceiverRetries })
	some("  subscribed again", func(d compare.Delivery) uint64 { return d.Resubscribed })
	some("  unsubscribed by the server", func(d compare.Delivery) uint64 { return d.Unsubscribed })
}

// messagePools are the pools that deliver messages in any run, each once.
func messagePools(columns []column) (pools []compare.Pool) {
	for _, c := range columns {
		for _, p := range c.arm.Pools {
			known := slices.ContainsFunc(pools, func(q compare.Pool) bool { return q.Name == p.Name })
			if p.Delivery.Receivers > 0 && !known {
				pools = append(pools, p)
			}
		}
	}
	return pools
}

func deliveryOf(a compare.Arm, pool string) compare.Delivery {
	for _, p := range a.Pools {
		if p.Name == pool {
			return p.Delivery
		}
	}
	return compare.Delivery{}
}

// lostMessages is how many deliveries an arm lost, empty for none.
func lostMessages(a compare.Arm) string {
	var lost, due uint64
	for _, p := range a.Pools {
		lost += p.Delivery.Lost
		due += p.Delivery.Due
	}
	if lost == 0 {
		return ""
	}
	return count(lost) + " of " + count(due) + " deliveries"
}

// cutReceivers is what an arm's receivers got, by class; empty for nothing.
func cutReceivers(a compare.Arm) string {
	sum := map[string]uint64{}
	for _, p := range a.Pools {
		for class, n := range p.Delivery.ReceiverErrors {
			sum[class] += n
		}
	}
	var parts []string
	for _, class := range slices.Sorted(maps.Keys(sum)) {
		parts = append(parts, count(sum[class])+" "+class)
	}
	return strings.Join(parts, ", ")
}
