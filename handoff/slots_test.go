package handoff

import (
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"
)

// Ranges come in order; an answer that cannot be true is none.
func TestSlotRanges(t *testing.T) {
	for _, tt := range []struct {
		found []redis.ClusterSlot
		want  []SlotRange
	}{
		{nil, nil},
		{[]redis.ClusterSlot{{Start: 8192, End: 16383}, {Start: 0, End: 8191}}, []SlotRange{{0, 8191}, {8192, 16383}}},
		{[]redis.ClusterSlot{{Start: 5, End: 5}, {Start: 9, End: 20}}, []SlotRange{{5, 5}, {9, 20}}},
		{[]redis.ClusterSlot{{Start: 0, End: 8192}, {Start: 8192, End: 16383}}, nil},
		{[]redis.ClusterSlot{{Start: 3, End: 2}}, nil},
	} {
		if got := slotRanges(tt.found); !slices.Equal(got, tt.want) {
			t.Errorf("%v: %v, want %v", tt.found, got, tt.want)
		}
	}
}
