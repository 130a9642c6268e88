package sim

import (
	"fmt"
	"slices"
	"time"

	"schload/handoff/notice"
	"schload/handoff/upgrade"
	"schload/telemetry/mark"
)

// What the core does to slots. SMIGRATING and SMIGRATED go to everyone on every
// node, and their sequences are the database's, like those of all notices.

// beginSlots assigns the roles of a plan and makes true what plans rely on:
// nodes with slots listen and have the name, the others do not listen and have
// nobody connected.
func (c *core) beginSlots(now time.Duration, e began) []effect {
	effects := c.arrange(now, e.slots)
	c.roles = c.layout.cast(e.slots)
	c.layout.wanted = e.slots.goals
	if e.ttl > 0 && e.ttl != c.ttl {
		c.ttl = e.ttl
		effects = append(effects, c.record())
	}
	effects = append(effects, c.tidySlots()...)
	return append(effects, c.vacateSlotless()...)
}

// cast finds the nodes for the roles of a plan. A role for which there is no
// node has the old one; plans that need it were refused.
func (l *layout) cast(needs slotNeeds) *roles {
	serving := l.serving()
	old := l.next(l.old, func(node int) bool { return slices.Contains(serving, node) })
	if needs.ranges != nil {
		old = l.holder(needs.ranges)
	} else {
		for range serving {
			if other := l.next(old, func(node int) bool { return l.served(node).Count() > l.served(old).Count() }); other != nowhere {
				old = other
			}
		}
	}
	l.old = old
	r := &roles{old: old, next: old}
	r.peer = max(l.next(old, func(node int) bool { return slices.Contains(serving, node) }), 0)
	if r.new = l.next(old, func(node int) bool { return !slices.Contains(serving, node) }); r.new == nowhere {
		r.new = old
	}
	return r
}

// next is the first node behind another, going round, that fits; nowhere if
// none does.
func (l *layout) next(behind int, fits func(node int) bool) int {
	for i := range l.nodes {
		if node := (behind + 1 + i) % l.nodes; fits(node) {
			return node
		}
	}
	return nowhere
}

// arrange brings the database to rest on as many nodes as a plan needs. What
// earlier plans moved goes back, with the notices that this takes.
func (c *core) arrange(now time.Duration, needs slotNeeds) []effect {
	if c.layout == nil || !needs.any {
		return nil
	}
	nodes := min(c.layout.home, len(c.nodes))
	if needs.fresh {
		nodes = servingNodes(len(c.nodes), c.layout.home)
	}
	transfers := c.layout.rest(nodes)
	if len(transfers) == 0 {
		return nil
	}
	effects := c.rejoinAll()
	w := window{kind: notice.SMigrating, node: everyProxy, to: nowhere}
	for _, t := range transfers {
		w.slots = w.slots.Join(t.slots)
		w.moves = append(w.moves, c.triplet(t))
	}
	effects = append(effects, c.speak(now, w, "made ready", "")...)
	for _, t := range transfers {
		if !c.nodes[t.to].accepting {
			effects = append(effects, c.accept(t.to, true), c.done(upgrade.Listen, t.to, "made ready"))
		}
		c.layout.move(t.slots, t.from, t.to)
		effects = append(effects, c.done(upgrade.Move, t.from, "made ready; "+c.went(t)))
	}
	effects = append(effects, c.own())
	w.kind = notice.SMigrated
	effects = append(effects, c.speak(now, w, "made ready", "")...)
	return append(effects, c.record())
}

// rejoinAll makes packets pass everywhere: nothing can be arranged while a node
// is cut off.
func (c *core) rejoinAll() []effect {
	var effects []effect
	for node := range c.nodes {
		if c.nodes[node].isolated {
			effects = append(append(effects, c.rejoin(node)...), c.done(upgrade.Rejoin, node, "made ready"))
		}
	}
	return effects
}

// tidySlots makes packets pass everywhere, the nodes with slots accept, and the
// name lead to them.
func (c *core) tidySlots() []effect {
	effects := c.rejoinAll()
	for _, node := range c.layout.serving() {
		if !c.nodes[node].accepting {
			effects = append(effects, c.accept(node, true), c.done(upgrade.Listen, node, "made ready"))
		}
	}
	if !slices.Equal(c.layout.serving(), append([]int{c.named}, c.also...)) {
		effects = append(effects, c.record())
	}
	if c.faults.Ask || c.faults.ClusterDown {
		effects = append(effects, c.own()) // windows that an aborted plan left open are over
	}
	return effects
}

// vacateSlotless makes the nodes without slots refuse and closes what is left
// there.
func (c *core) vacateSlotless() []effect {
	var effects []effect
	serving := c.layout.serving()
	for node := range c.nodes {
		if !slices.Contains(serving, node) {
			effects = append(effects, c.vacate(node)...)
		}
	}
	return effects
}

// record makes the name lead to the nodes that serve slots.
func (c *core) record() effect {
	serving := c.layout.serving()
	c.bound, c.also = serving[0], serving[1:]
	return c.resolve(c.bound)
}

// own publishes who serves what.
func (c *core) own() effect {
	open := slices.DeleteFunc(slices.Clone(c.windows), func(w window) bool { return w.kind != notice.SMigrating || w.moves != nil })
	return own{c.layout.slotMap(open)}
}

// announceSlots opens a window for slots that a node serves, other than those
// of windows that are open.
func (c *core) announceSlots(now time.Duration, a upgrade.Action) []effect {
	from := c.role(a.Node)
	left := c.layout.served(from)
	for _, w := range c.windows {
		if w.from == from && w.moves == nil {
			left = left.Without(w.slots)
		}
	}
	pick, err := upgrade.ParseSlots(a.Slots)
	w := window{kind: notice.SMigrating, node: everyProxy, from: from, to: c.goal(a.Node), slots: pick.Of(left)}
	if err != nil || len(w.slots) == 0 {
		return c.unsaid(a, from, "SMIGRATING not sent: the node serves no such slots")
	}
	effects := c.speak(now, w, join(a.Detail, "slots "+w.slots.String()), a.Origin)
	if c.faults.Ask || c.faults.ClusterDown {
		effects = append(effects, c.own())
	}
	return effects
}

// goal is where the next window of a role's node goes, nowhere if the plan does
// not say.
func (c *core) goal(node upgrade.Role) int {
	i := slices.IndexFunc(c.layout.wanted, func(g goal) bool { return g.node == node })
	if i < 0 {
		return nowhere
	}
	to := c.layout.wanted[i].to
	c.layout.wanted = slices.Delete(slices.Clone(c.layout.wanted), i, i+1)
	return c.role(to)
}

// windowOf is the oldest window of a node whose slots have, or have not, moved.
func (c *core) windowOf(node int, moved bool) int {
	return slices.IndexFunc(c.windows, func(w window) bool {
		return w.kind == notice.SMigrating && w.from == node && (w.moves != nil) == moved
	})
}

// moveSlots hands over the slots of a node's oldest window.
func (c *core) moveSlots(a upgrade.Action) []effect {
	from, to := c.role(a.Node), c.role(a.To)
	i := c.windowOf(from, false)
	if i < 0 || from == to {
		return c.unsaid(a, from, "nothing moved: the node announced no slots")
	}
	t := transfer{from, to, c.windows[i].slots}
	held := c.shardsMeant(a)
	c.windows[i].moves = []notice.Move{c.triplet(t)}
	c.layout.move(t.slots, from, to)
	d := c.done(upgrade.Move, from, join(a.Detail, c.went(t)))
	d.mark.Origin = string(a.Origin)
	return []effect{c.own(), release{held}, d}
}

// completeSlots says where the slots of a node's oldest window went.
func (c *core) completeSlots(now time.Duration, a upgrade.Action) []effect {
	from := c.role(a.Node)
	i := c.windowOf(from, true)
	if i < 0 {
		return c.unsaid(a, from, "SMIGRATED not sent: no slots of the node moved")
	}
	w := c.windows[i]
	c.windows = slices.Delete(slices.Clone(c.windows), i, i+1)
	w.kind = notice.SMigrated
	detail := join(a.Detail, "slots "+w.slots.String()+" to "+w.moves[0].Destination)
	return append(c.speak(now, w, detail, a.Origin), c.record())
}

// speak sends a notice about slots to everyone, and remembers what later
// connections are to hear.
func (c *core) speak(now time.Duration, w window, detail string, origin upgrade.Origin) []effect {
	w.seq = c.seq
	c.seq++
	switch {
	case w.kind == notice.SMigrating && w.moves == nil:
		c.windows = append(slices.Clone(c.windows), w)
	case w.kind == notice.SMigrated && c.support.RetainSMigrated:
		n := w.notice(now, "")
		c.retained = &n
	}
	effects, of := c.broadcast(now, w)
	seq := w.seq
	m := mark.Mark{
		Kind: mark.Step, Source: "sim", Name: w.kind.String(), Seq: &seq, Origin: string(origin),
		Detail: join(detail, fmt.Sprintf("pushed to %d of %d connections", len(effects), of)),
	}
	if origin != "" { // of a plan: it is about one node
		m.Node = c.nodes[w.from].ip
	}
	return append(effects, done{m})
}

// flipMargin is how much longer than it is said to a stall lasts that a flip is
// to end: commands that wait must not slip through to the old node between the
// two, which are due at the same instant.
const flipMargin = 10 * time.Millisecond

func (c *core) margin(a upgrade.Action) time.Duration {
	if c.layout == nil || a.Node == "" || c.windowOf(c.role(a.Node), false) < 0 {
		return 0
	}
	return flipMargin
}

// unsaid marks an action that came to nothing.
func (c *core) unsaid(a upgrade.Action, node int, why string) []effect {
	d := c.done(a.Act, node, join(a.Detail, why))
	d.mark.Origin = string(a.Origin)
	return []effect{d}
}

func (c *core) triplet(t transfer) notice.Move {
	return notice.Move{Source: c.nodes[t.from].ip, Destination: c.nodes[t.to].ip, Slots: t.slots.String()}
}

func (c *core) went(t transfer) string {
	return fmt.Sprintf("slots %v to %s", t.slots, c.nodes[t.to].ip)
}

// shardsMeant are the shards that an action holds back. Of an OSS Cluster they
// are those of the node it names whose slots are about to move, or all of that
// node; a plan for other shards than there are shares those there are.
func (c *core) shardsMeant(a upgrade.Action) []string {
	if c.layout == nil {
		return a.Shards
	}
	var meant []string
	node, open := c.role(a.Node), -1
	if a.Node != "" {
		open = c.windowOf(node, false)
	}
	for i, s := range c.layout.shards {
		named := len(a.Shards) == 0 || slices.Contains(indexes(a.Shards, len(c.layout.shards)), i)
		switch {
		case a.Node != "" && s.node != node, open >= 0 && len(s.slots.Meet(c.windows[open].slots)) == 0:
			named = false
		}
		if named {
			meant = append(meant, fmt.Sprint(s.id))
		}
	}
	if len(meant) == 0 { // no shards would be all of them
		meant = []string{fmt.Sprint(mostShards + mostNodes)} // no shard has this id
	}
	return meant
}
