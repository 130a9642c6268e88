package recount

import (
	"cmp"
	"fmt"
	"slices"
)

// place is whom marks of outages concern: an arm, a pool or a range of slots.
type place struct{ arm, pool, slots string }

func (b *bundle) outage(of place) object {
	o, _ := b.windows("outage", of)
	brown, _ := b.windows("brown_out", of)
	gap := int64(0)
	for _, m := range b.of("gap") {
		if (place{m.Arm, m.Pool, m.Slots}) == of {
			gap = max(gap, outside(m, b.apart(m.Arm)))
		}
	}
	told := summed(o)
	told["longest_gap_s"], told["brown_outs"] = duration(gap), summed(brown)
	return told
}

// windows returns how long each was, without warm-up and without the time in
// which the harness stood still; own counts those that are none without the
// latter.
func (b *bundle) windows(kind string, of place) (lengths []int64, own int) {
	for _, m := range b.of(kind) {
		if (place{m.Arm, m.Pool, m.Slots}) != of {
			continue
		}
		switch length := outside(m, b.apart(m.Arm)); {
		case length > b.outageAfter():
			lengths = append(lengths, length)
		case outside(m, b.warmups()) > b.outageAfter():
			own++
		}
	}
	return lengths, own
}

// apart is when nothing can be said of an arm: a stall that names an arm is of
// that arm's process alone.
func (b *bundle) apart(arm string) []span {
	all := b.warmups()
	for _, m := range b.stalls() {
		if m.Arm != "" && m.Arm != arm {
			continue
		}
		all = append(all, span{m.At, m.At + m.Duration})
	}
	return all
}

// outside is how much of a mark's time lies in none of the spans, which may
// overlap.
func outside(m mark, spans []span) int64 {
	slices.SortFunc(spans, func(x, y span) int { return cmp.Compare(x.from, y.from) })
	left, end := int64(0), m.At+m.Duration
	from := m.At
	for _, s := range spans {
		left += max(0, min(end, s.from)-from)
		from = max(from, s.to)
	}
	return left + max(0, end-from)
}

// stalls are the spans after warm-up in which the harness stood still.
func (b *bundle) stalls() (found []mark) {
	for _, m := range b.of("harness") {
		if m.Name == "stall" && b.at(m.At) != "warmup" {
			found = append(found, m)
		}
	}
	return found
}

func summed(lengths []int64) object {
	var longest, sum int64
	for _, l := range lengths {
		longest, sum = max(longest, l), sum+l
	}
	return object{"windows": uint64(len(lengths)), "longest_s": duration(longest), "total_s": duration(sum)}
}

func (b *bundle) slotRanges(arm string) list {
	l := list{}
	for _, r := range b.run.SlotRanges {
		o, _ := b.windows("outage", place{arm: arm, slots: fmt.Sprintf("%d-%d", r.From, r.To)})
		l = append(l, object{"from": r.From, "to": r.To, "outage": summed(o)})
	}
	return l
}
