package sim

import (
	"fmt"
	"slices"
	"strings"

	"schload/handoff/upgrade"
)

// slotMap says where each slot is at one instant. It does not change: another
// one takes its place. Connections read it without a lock.
type slotMap struct {
	shard   [slots]uint8  // the shard's id less one, which is its gate
	node    [slots]uint8  // the node that serves it
	leaving *[slots]uint8 // by slot, one more than the node that it was announced to go to; nil: none was
	served  []slotsOf     // the same by node, nodes without slots left out
	epoch   int64         // of the layout
}

type slotsOf struct {
	node  int
	slots upgrade.Slots
}

// somewhere stands for a node that nobody knows yet.
const somewhere = 254

// equalShards is the map of a database behind an endpoint.
func equalShards(shards int) *slotMap {
	m := &slotMap{}
	for slot := range m.shard {
		m.shard[slot] = uint8(shardOf(slot, shards))
	}
	return m
}

// slotMap is the layout as connections see it; open are the windows whose slots
// have not moved.
func (l *layout) slotMap(open []window) *slotMap {
	m := &slotMap{epoch: l.epoch}
	for _, s := range l.shards {
		for _, r := range s.slots {
			for slot := r.From; slot <= r.To; slot++ {
				m.shard[slot], m.node[slot] = uint8(s.id-1), uint8(s.node)
			}
		}
	}
	for _, node := range l.serving() {
		m.served = append(m.served, slotsOf{node, l.served(node)})
	}
	for _, w := range open {
		if m.leaving == nil {
			m.leaving = new([slots]uint8)
		}
		to := w.to
		if to == nowhere {
			to = somewhere
		}
		for _, r := range w.slots {
			for slot := r.From; slot <= r.To; slot++ {
				m.leaving[slot] = uint8(to + 1)
			}
		}
	}
	return m
}

// of are the slots that a node serves.
func (m *slotMap) of(node int) upgrade.Slots {
	if i := slices.IndexFunc(m.served, func(s slotsOf) bool { return s.node == node }); i >= 0 {
		return m.served[i].slots
	}
	return nil
}

// String says who serves what, and which of it is announced to go where.
func (m *slotMap) String() string {
	var words []string
	for _, s := range m.served {
		words = append(words, fmt.Sprintf("%s=%s", nodeName(s.node), s.slots))
	}
	for slot := 0; m.leaving != nil && slot < slots; {
		end := slot
		for end < slots && m.leaving[end] == m.leaving[slot] {
			end++
		}
		if to := m.leavesFor(slot); to != nowhere {
			going := upgrade.Slots{{From: slot, To: end - 1}}
			words = append(words, fmt.Sprintf("%s->%s", going, nodeName(to)))
		}
		slot = end
	}
	return strings.Join(words, " ")
}
