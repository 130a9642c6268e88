package record

import (
	"strconv"

	"schload/workload"
)

// SlotRange is the hash slots From to To, both included.
type SlotRange struct{ From, To int }

// String spells the range as marks and metrics do: 0-1023.
func (r SlotRange) String() string { return strconv.Itoa(r.From) + "-" + strconv.Itoa(r.To) }

// MaxSlotRanges bounds the ranges of a run: each has outages of its own.
const MaxSlotRanges = 64

// EqualSlotRanges cuts the hash slots into n ranges, 1 to MaxSlotRanges, that
// differ by a slot at most. 16 fit shards of equal ranges up to 16, if their
// number is a power of two.
func EqualSlotRanges(n int) []SlotRange {
	ranges := make([]SlotRange, n)
	for i := range ranges {
		ranges[i] = SlotRange{i * workload.SlotCount / n, (i+1)*workload.SlotCount/n - 1}
	}
	return ranges
}

// slotTable finds the range of a slot.
type slotTable struct {
	ranges int
	of     [workload.SlotCount + 1]uint8 // by Operation.Slot: the range's number plus 1; 0: none
}

// newSlotTable returns nil for no ranges. It panics on more than MaxSlotRanges:
// that is a mistake of the program.
func newSlotTable(ranges []SlotRange) *slotTable {
	if len(ranges) == 0 {
		return nil
	}
	if len(ranges) > MaxSlotRanges {
		panic("record: " + strconv.Itoa(len(ranges)) + " ranges of hash slots, at most " + strconv.Itoa(MaxSlotRanges))
	}
	t := &slotTable{ranges: len(ranges)}
	for i, r := range ranges {
		for slot := max(r.From, 0); slot <= min(r.To, workload.SlotCount-1); slot++ {
			t.of[slot+1] = uint8(i + 1)
		}
	}
	return t
}

// rangeOf returns the number of the range of Operation.Slot.
func (t *slotTable) rangeOf(slot uint16) (int, bool) {
	if int(slot) >= len(t.of) {
		return 0, false
	}
	r := t.of[slot]
	return int(r) - 1, r > 0
}
