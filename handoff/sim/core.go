package sim

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"schload/handoff/notice"
	"schload/handoff/upgrade"
	"schload/telemetry/mark"
)

// core is the simulator's state and its rules: which connection is told what,
// and when. Step takes an event and the time and returns what must be done
// about it; the same events give the same effects. It owns no goroutine, reads
// no clock and touches no socket, so that a whole upgrade can be a transcript
// in a test.
type core struct {
	support  Support
	faults   Faults
	nodes    []coreNode
	bound    int   // the node that serves the endpoint
	named    int   // the node that the endpoint's address record names
	also     []int // nodes that serve and are named beside these two
	home     []int // the nodes that serve by the proxy policy; nil: one, wherever it is
	ttl      time.Duration
	seq      int64
	windows  []window
	retained *notice.Notice // the newest completion
	conns    []*coreConn    // sorted by id, so that effects have one order
	keeps    bool           // writes are remembered, to be lost
	roles    *roles         // of the plan that is played; nil between plans
	layout   *layout        // of an OSS Cluster; nil: the database is behind an endpoint
}

// coreNode is one proxy.
type coreNode struct {
	ip, fqdn  string // host:port, by address and by name
	accepting bool
	isolated  bool
	dead      []connID // connections it forgot while isolated: nobody knows yet
}

type coreConn struct {
	id       connID
	node     int
	protocol int
	optedIn  bool
	endpoint endpointType
}

// listens reports whether pushes reach the connection: RESP2 has none.
func (c *coreConn) listens() bool { return c.optedIn && c.protocol == 3 }

// roles are the nodes behind the roles of a plan.
type roles struct{ old, new, next, peer int }

// recordTTL is the endpoint record's time to live (measured).
const recordTTL = 5 * time.Second

// newCore returns a database that the nodes of home serve, by default the
// first. The others do not listen: a proxy takes connections for the endpoints
// that are bound to it.
func newCore(support Support, nodes []coreNode, home ...int) *core {
	c := &core{support: support, nodes: slices.Clone(nodes), seq: support.FirstSeq, ttl: recordTTL}
	if len(home) > 1 {
		c.home = home
		c.bound, c.named, c.also = home[0], home[0], home[1:]
	}
	for _, node := range append([]int{c.bound}, c.also...) {
		c.nodes[node].accepting = true
	}
	return c
}

// Step applies one event. Effects share memory with nothing that changes later.
func (c *core) Step(now time.Duration, e event) []effect {
	switch e := e.(type) {
	case opened:
		return c.open(e)
	case closed:
		c.forget(e.conn)
	case dropped:
		return []effect{c.done("drop", e.node, fmt.Sprintf("closed connection %d, whose client %s", e.conn, e.reason))}
	case spoke:
		if conn := c.conn(e.conn); conn != nil {
			conn.protocol = e.protocol
		}
	case started:
		if conn := c.conn(e.conn); conn != nil {
			*conn = coreConn{id: conn.id, node: conn.node, protocol: 2}
		}
	case asked:
		return c.answer(now, e)
	case began:
		return c.begin(now, e)
	case arranged:
		return c.arrange(now, e.slots)
	case vacated:
		return c.vacateSlotless()
	case ended:
		return c.end()
	case due:
		return c.act(now, e.action)
	default:
		panic(fmt.Sprintf("sim: core knows no event %T", e))
	}
	return nil
}

// open adds a connection, unless its node stopped accepting while the news of
// it travelled: such a connection would outlive the close of its proxy.
func (c *core) open(e opened) []effect {
	if !c.nodes[e.node].accepting {
		return []effect{hangUp{[]connID{e.conn}}}
	}
	i, _ := c.find(e.conn)
	c.conns = slices.Insert(c.conns, i, &coreConn{id: e.conn, node: e.node, protocol: 2})
	return nil
}

func (c *core) find(id connID) (int, bool) {
	return slices.BinarySearchFunc(c.conns, id, func(conn *coreConn, id connID) int { return cmp.Compare(conn.id, id) })
}

// conn returns nil for a connection that the core closed already.
func (c *core) conn(id connID) *coreConn {
	if i, ok := c.find(id); ok {
		return c.conns[i]
	}
	return nil
}

func (c *core) forget(id connID) {
	if i, ok := c.find(id); ok {
		c.conns = slices.Delete(c.conns, i, i+1)
	}
}

// begin assigns the roles of a plan: the endpoint goes round the nodes. It
// then makes true what plans rely on: the nodes that serve are those of the
// proxy policy and have the name, the others do not listen and have nobody
// connected. Of two nodes the second move goes back to the first.
func (c *core) begin(now time.Duration, e began) []effect {
	var effects []effect
	if e.loses > 0 {
		effects = append(effects, keep{e.loses})
		c.keeps = true
	}
	if c.layout != nil {
		return append(effects, c.beginSlots(now, e)...)
	}
	strays, changed := c.settle()
	if e.ttl > 0 && e.ttl != c.ttl || changed {
		c.ttl = cmp.Or(e.ttl, c.ttl)
		effects = append(effects, c.resolve(c.named))
	}
	n := len(c.nodes)
	c.roles = &roles{old: c.bound, new: (c.bound + 1) % n, next: (c.bound + 2) % n}
	for _, node := range strays { // where connections may be left
		effects = append(effects, c.vacate(node)...)
	}
	effects = append(effects, c.tidy()...)
	for _, node := range c.idle(e.next) {
		effects = append(effects, c.vacate(node)...)
	}
	return effects
}

// settle gives the endpoint back to the nodes of the policy. It returns those
// that serve it beside them, and whether anything changed.
func (c *core) settle() (strays []int, changed bool) {
	if c.home == nil {
		strays, c.also = c.also, nil
		return strays, len(strays) > 0
	}
	serving := append([]int{c.bound}, c.also...)
	c.bound, c.also = c.home[0], c.home[1:]
	if slices.Equal(serving, c.home) {
		return nil, false
	}
	c.named = c.bound
	return slices.DeleteFunc(serving, func(node int) bool { return slices.Contains(c.home, node) }), true
}

// idle are the nodes of a plan's roles that must not serve when it begins.
func (c *core) idle(next bool) []int {
	nodes := []int{c.roles.new}
	if next {
		nodes = append(nodes, c.roles.next)
	}
	return slices.DeleteFunc(nodes, func(node int) bool { return node == c.bound || slices.Contains(c.also, node) })
}

// vacate makes a node refuse and closes what an aborted plan, or a client that
// dialled the node itself, left there.
func (c *core) vacate(node int) []effect {
	var effects []effect
	if c.nodes[node].accepting {
		effects = append(effects, c.accept(node, false), c.done(upgrade.Refuse, node, "made ready"))
	}
	if conns := c.close(node); len(conns) > 0 {
		effects = append(effects, hangUp{conns}, c.done(upgrade.Close, node, "made ready; "+closedCount(conns)))
	}
	return effects
}

// end leaves a database that can be used and upgraded again. Completions stay
// retained, as servers keep them for hours.
func (c *core) end() []effect {
	c.roles = nil
	c.windows = nil
	var effects []effect
	if c.layout != nil {
		effects = append(c.tidySlots(), lift{}, tally{})
	} else {
		effects = append(c.tidy(), lift{})
	}
	if c.keeps {
		effects = append(effects, keep{0})
		c.keeps = false
	}
	return effects
}

// tidy makes packets pass everywhere, the nodes that serve accept, and the
// name lead to them.
func (c *core) tidy() []effect {
	var effects []effect
	for node := range c.nodes {
		if c.nodes[node].isolated {
			effects = append(append(effects, c.rejoin(node)...), c.done(upgrade.Rejoin, node, "made ready"))
		}
	}
	for _, node := range append([]int{c.bound}, c.also...) {
		if !c.nodes[node].accepting {
			effects = append(effects, c.accept(node, true), c.done(upgrade.Listen, node, "made ready"))
		}
	}
	if c.named != c.bound {
		effects = append(effects, c.resolve(c.bound), c.done(upgrade.DNS, c.bound, "made ready"))
	}
	return effects
}

// act does one action of a plan. Between plans it does nothing.
func (c *core) act(now time.Duration, a upgrade.Action) []effect {
	if c.roles == nil {
		return nil
	}
	var effects []effect
	node := c.role(a.Node)
	detail := a.Detail
	switch a.Act {
	case upgrade.Notify:
		return c.notify(now, a)
	case upgrade.Move:
		return c.moveSlots(a)
	case upgrade.Listen, upgrade.Refuse:
		if e := c.accept(node, a.Act == upgrade.Listen); !c.nodes[node].isolated {
			effects = append(effects, e)
		}
	case upgrade.Close:
		conns := c.close(node)
		effects = append(effects, hangUp{conns})
		detail = join(detail, closedCount(conns))
	case upgrade.Reset:
		conns := c.close(node)
		if c.nodes[node].isolated {
			c.nodes[node].dead = append(c.nodes[node].dead, conns...)
		} else {
			effects = append(effects, abort{conns})
		}
		detail = join(detail, fmt.Sprintf("reset %d connections", len(conns)))
	case upgrade.Isolate:
		c.nodes[node].isolated = true
		effects = append(effects, isolate{node, true})
	case upgrade.Rejoin:
		effects = append(effects, c.rejoin(node)...)
	case upgrade.Bind:
		c.bound = node
	case upgrade.DNS:
		effects = append(effects, c.resolve(node))
	case upgrade.Join:
		if node != c.bound && !slices.Contains(c.also, node) {
			c.also = append(slices.Clone(c.also), node)
		}
		effects = append(effects, c.resolve(c.named))
	case upgrade.Leave:
		effects = append(effects, c.leave(node))
	case upgrade.Stall:
		effects = append(effects, stall{a.For + c.margin(a), c.shardsMeant(a)})
	case upgrade.Slow:
		effects = append(effects, slow{a.For, a.Delay, c.shardsMeant(a)})
		detail = join(detail, fmt.Sprintf("by about %v", a.Delay))
	case upgrade.Lose:
		return []effect{lose{a.Writes}}
	case upgrade.Loading:
		effects = append(effects, loading{a.For, c.shardsMeant(a)})
	default:
		panic(fmt.Sprintf("sim: core knows no act %q", a.Act))
	}
	d := c.done(a.Act, node, detail)
	d.mark.Origin = string(a.Origin)
	if a.Act.Lasts() {
		d.mark.Node = "" // they concern the whole database
		d.mark.Duration = a.For
	}
	return append(effects, d)
}

// role finds the node of a role. An action without one means the node that
// serves.
func (c *core) role(r upgrade.Role) int {
	switch r {
	case upgrade.Old:
		return c.roles.old
	case upgrade.New:
		return c.roles.new
	case upgrade.Next:
		return c.roles.next
	case upgrade.Peer:
		return c.roles.peer
	}
	return c.bound
}

// rejoin lets packets pass. What happened to the node while it was isolated is
// seen only now.
func (c *core) rejoin(node int) []effect {
	n := &c.nodes[node]
	var effects []effect
	if len(n.dead) > 0 {
		effects = append(effects, abort{n.dead})
	}
	n.isolated, n.dead = false, nil
	return append(effects, accept{node, n.accepting}, isolate{node, false})
}

func (c *core) accept(node int, on bool) effect {
	c.nodes[node].accepting = on
	return accept{node, on}
}

func (c *core) resolve(node int) effect {
	c.named = node
	return resolve{node, c.also, c.ttl}
}

// leave takes a node from those that serve. Its place is taken by the first of
// the others.
func (c *core) leave(node int) effect {
	also := slices.DeleteFunc(slices.Clone(c.also), func(other int) bool { return other == node })
	if node == c.bound && len(also) > 0 {
		c.bound, c.named, also = also[0], also[0], also[1:]
	}
	c.also = also
	return c.resolve(c.named)
}

// close removes the connections of a node and, with them, what was announced
// to them: nothing ends a MOVING but the close.
func (c *core) close(node int) []connID {
	var ids []connID
	c.conns = slices.DeleteFunc(c.conns, func(conn *coreConn) bool {
		if conn.node != node {
			return false
		}
		ids = append(ids, conn.id)
		return true
	})
	c.windows = slices.DeleteFunc(c.windows, func(w window) bool {
		return w.kind == notice.Moving && w.node == node
	})
	return ids
}

// done describes an act that happened to a node.
func (c *core) done(act upgrade.Act, node int, detail string) done {
	return done{mark.Mark{Kind: mark.Step, Source: "sim", Name: string(act), Node: c.nodes[node].ip, Detail: detail}}
}

func join(detail, more string) string {
	if detail == "" {
		return more
	}
	return detail + "; " + more
}

// occupancy counts a node's connections and those that are told of maintenance.
func (c *core) occupancy(node int) (conns, optedIn int) {
	for _, conn := range c.conns {
		if conn.node == node {
			conns++
			if conn.listens() {
				optedIn++
			}
		}
	}
	return conns, optedIn
}

// endpoint is what MOVING says to a connection: the address of the node that
// takes over, in the form that the connection asked for. It is empty, which is
// the RESP3 null on the wire, when it asked for none.
func (c *core) endpoint(node int, as endpointType) string {
	if as != noEndpoint && c.support.Endpoint != "" {
		return c.support.Endpoint
	}
	switch as {
	case internalIP, externalIP:
		return c.nodes[node].ip
	case internalFQDN, externalFQDN:
		return c.nodes[node].fqdn
	}
	return ""
}

func closedCount(conns []connID) string { return fmt.Sprintf("closed %d connections", len(conns)) }
