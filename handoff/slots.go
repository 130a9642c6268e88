package handoff

import (
	"cmp"
	"context"
	"slices"

	"github.com/redis/go-redis/v9"
)

// SlotRange is the hash slots From to To, both included, of one primary.
type SlotRange struct{ From, To int }

// Slots asks a cluster for the ranges its primaries own now, in ascending
// order. It returns nil on an endpoint, and where the cluster does not say.
func (c *Client) Slots(ctx context.Context) []SlotRange {
	cluster, ok := c.redis.(*cluster)
	if !ok {
		return nil
	}
	// Servers before 7 know no CLUSTER SHARDS, which the library would rather have.
	cmd := redis.NewClusterSlotsCmd(ctx, "cluster", "slots")
	if err := cluster.Process(ctx, cmd); err != nil {
		return nil // a question of the harness's own: nothing rests on the answer
	}
	return slotRanges(cmd.Val())
}

// slotRanges puts the answer in order; nil if it makes no sense.
func slotRanges(found []redis.ClusterSlot) (ranges []SlotRange) {
	for _, s := range found {
		ranges = append(ranges, SlotRange{s.Start, s.End})
	}
	slices.SortFunc(ranges, func(x, y SlotRange) int { return cmp.Compare(x.From, y.From) })
	next := 0
	for _, r := range ranges {
		if r.From < next || r.To < r.From {
			return nil
		}
		next = r.To + 1
	}
	return ranges
}
