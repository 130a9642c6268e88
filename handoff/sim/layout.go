package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"schload/handoff/upgrade"
)

// layout is where the shards of an OSS Cluster are: the part of the core that
// knows hash slots. Data is not in it: one store holds that, and a node serves
// the slots that it is said to.
type layout struct {
	nodes  int
	home   int  // how many shards there are in a database that is at rest
	copied bool // shards have replicas
	shards []shard
	epoch  int64  // grows with every change
	old    int    // of the last plan
	wanted []goal // moves of the plan to come, for windows that say where they go
}

// shard is a part of the slots. Ids count from 1; one that ended is given out
// again.
type shard struct {
	id      int
	node    int
	replica int // the node that holds its copy, or nowhere
	slots   upgrade.Slots
}

// goal is a move of a plan: where the next window of a node goes.
type goal struct{ node, to upgrade.Role }

// newLayout spreads equal shards round the first nodes, as evenly as they go
// with one node left over for slots to move to.
func newLayout(nodes, shards int, copied bool) *layout {
	l := &layout{nodes: nodes, home: shards, copied: copied, old: nodes - 1, epoch: 1}
	serving := servingNodes(nodes, shards)
	for i := range shards {
		l.shards = append(l.shards, shard{id: i + 1, node: i % serving, replica: nowhere, slots: homeSlots(i, shards)})
	}
	l.copy()
	return l
}

// homeSlots is the range of a shard, from 0, of a database at rest.
func homeSlots(shard, shards int) upgrade.Slots {
	from := (shard*slots + shards - 1) / shards
	to := ((shard+1)*slots + shards - 1) / shards
	return upgrade.Slots{{From: from, To: to - 1}}
}

// served are the slots of a node.
func (l *layout) served(node int) upgrade.Slots {
	var all upgrade.Slots
	for _, s := range l.shards {
		if s.node == node {
			all = all.Join(s.slots)
		}
	}
	return all
}

// serving are the nodes that have slots, in ascending order.
func (l *layout) serving() []int {
	var nodes []int
	for _, s := range l.shards {
		nodes = append(nodes, s.node)
	}
	slices.Sort(nodes)
	return slices.Compact(nodes)
}

// move hands slots from one node to another. A shard that goes as a whole keeps
// its id; a part of one joins a shard of the destination, or is a new one.
func (l *layout) move(moved upgrade.Slots, from, to int) {
	var parts upgrade.Slots
	for i := range l.shards {
		s := &l.shards[i]
		part := s.slots.Meet(moved)
		if s.node != from || len(part) == 0 {
			continue
		}
		if rest := s.slots.Without(part); len(rest) > 0 {
			s.slots, parts = rest, parts.Join(part)
			continue
		}
		if s.node = to; s.replica == to {
			s.replica = from
		}
	}
	if len(parts) > 0 {
		l.settle(parts, to)
	}
	l.epoch++
	l.copy()
}

// settle gives parts of shards to a node.
func (l *layout) settle(parts upgrade.Slots, node int) {
	if i := slices.IndexFunc(l.shards, func(s shard) bool { return s.node == node }); i >= 0 {
		l.shards[i].slots = l.shards[i].slots.Join(parts)
		return
	}
	id := 1
	for slices.ContainsFunc(l.shards, func(s shard) bool { return s.id == id }) {
		id++
	}
	l.shards = append(l.shards, shard{id: id, node: node, replica: nowhere, slots: parts})
	slices.SortFunc(l.shards, func(a, b shard) int { return cmp.Compare(a.id, b.id) })
}

// copy gives every shard that is to have a replica one on another node.
func (l *layout) copy() {
	for i := range l.shards {
		s := &l.shards[i]
		if l.copied && l.nodes > 1 && (s.replica == nowhere || s.replica == s.node) {
			s.replica = (s.node + 1) % l.nodes
		}
	}
}

// transfer is a set of slots that goes from one node to another.
type transfer struct {
	from, to int
	slots    upgrade.Slots
}

// rest returns the transfers that bring the database to rest on so many nodes:
// equal shards, each whole, spread evenly. Shards stay where most of them is, as
// far as that goes.
func (l *layout) rest(nodes int) []transfer {
	holders := make([]int, l.home)
	for i := range holders {
		holders[i] = l.holder(homeSlots(i, l.home))
	}
	hand := newDeal(nodes, l.home)
	for i, node := range holders {
		if !hand.take(node) {
			holders[i] = nowhere
		}
	}
	for i, node := range holders {
		if node == nowhere {
			holders[i] = hand.next(l.nodes)
		}
	}
	return l.towards(holders)
}

// holder is the node that has most of some slots, the first of those that do.
func (l *layout) holder(of upgrade.Slots) int {
	best, most := 0, 0
	for node := range l.nodes {
		if n := l.served(node).Meet(of).Count(); n > most {
			best, most = node, n
		}
	}
	return best
}

// towards are the transfers that put each shard on its node.
func (l *layout) towards(holders []int) []transfer {
	var moves []transfer
	for from := range l.nodes {
		served := l.served(from)
		for to := range l.nodes {
			var part upgrade.Slots
			for i, node := range holders {
				if node == to {
					part = part.Join(homeSlots(i, l.home))
				}
			}
			if part = part.Meet(served); from != to && len(part) > 0 {
				moves = append(moves, transfer{from, to, part})
			}
		}
	}
	return moves
}

// deal gives shards to so many nodes, to none more than one more than to
// another.
type deal struct {
	nodes int
	least int // shards per node
	extra int // nodes that get one more
	load  map[int]int
}

func newDeal(nodes, shards int) *deal {
	return &deal{nodes: nodes, least: shards / nodes, extra: shards % nodes, load: map[int]int{}}
}

// take gives a node one more shard, if there is room for the node and for the
// shard on it.
func (d *deal) take(node int) bool {
	switch load := d.load[node]; {
	case load == 0 && len(d.load) == d.nodes, load > d.least, load == d.least && d.extra == 0:
		return false
	case load == d.least:
		d.extra--
	}
	d.load[node]++
	return true
}

// next is the node for a shard that could not stay: an empty one while there is
// room for it, else the one with the fewest.
func (d *deal) next(nodes int) int {
	best := nowhere
	for node := range nodes {
		if d.load[node] == 0 && len(d.load) == d.nodes {
			continue
		}
		if best == nowhere || d.load[node] < d.load[best] {
			best = node
		}
	}
	d.take(best)
	return best
}

// String says which node serves what, for transcripts.
func (l *layout) String() string {
	var words []string
	for _, s := range l.shards {
		word := fmt.Sprintf("shard%d@%s=%s", s.id, nodeName(s.node), s.slots)
		if s.replica != nowhere {
			word += "+" + nodeName(s.replica)
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}
