package experiment

import (
	"context"

	"schload/handoff"
	"schload/internal/bundle"
	"schload/telemetry/record"
)

// equalRanges is how many ranges of hash slots are told apart where nobody
// knows which belong together: each shard of a database of 1, 2, 4, 8 or 16
// equal ones has some of them to itself.
const equalRanges = 16

// slotRanges are the ranges of hash slots whose outages are told apart: those of
// the cluster's primaries as the load begins, else equal ones.
func slotRanges(ctx context.Context, client *handoff.Client) (ranges []record.SlotRange) {
	for _, s := range client.Slots(ctx) {
		ranges = append(ranges, record.SlotRange(s))
	}
	if n := len(ranges); n == 0 || n > record.MaxSlotRanges {
		return record.EqualSlotRanges(equalRanges)
	}
	return ranges
}

// described are the ranges as run.json has them.
func described(ranges []record.SlotRange) (list []bundle.SlotRange) {
	for _, s := range ranges {
		list = append(list, bundle.SlotRange(s))
	}
	return list
}
