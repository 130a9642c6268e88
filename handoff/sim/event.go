package sim

import (
	"fmt"
	"strings"
	"time"

	"schload/handoff/upgrade"
	"schload/telemetry/mark"
)

// connID numbers client connections from 1, over all nodes.
type connID uint64

// An event is something that happened, told to the core. The types below are
// all there are.
type event any

type (
	// opened: a node accepted a connection.
	opened struct {
		conn connID
		node int
	}
	// closed: a connection ended, whoever ended it.
	closed struct{ conn connID }

	// dropped: a connection was closed for what its client did.
	dropped struct {
		conn   connID
		node   int
		reason string
	}

	// spoke: a connection chose RESP2 or RESP3.
	spoke struct {
		conn     connID
		protocol int
	}
	// started: a connection sent RESET and is as new.
	started struct{ conn connID }
	// asked: a connection sent CLIENT MAINT_NOTIFICATIONS; args begin behind
	// CLIENT.
	asked struct {
		conn connID
		args []string
	}

	// began and ended enclose the playing of a plan; ended comes early when it
	// was aborted. ttl is the plan's, 0 when it does not say; next says whether
	// the endpoint moves twice, loses how many writes are lost at once, at most.
	began struct {
		ttl   time.Duration
		next  bool
		loses int
		slots slotNeeds
	}
	// arranged: an OSS Cluster is to be as a plan needs it, soon; vacated: its
	// nodes without slots are to be empty.
	arranged struct{ slots slotNeeds }
	vacated  struct{}

	ended struct{}

	// due: an action's time has come.
	due struct{ action upgrade.Action }
)

// An effect is something to be done, in the order given. The types below are
// all there are. None of them may wait for a client.
type effect any

type (
	// reply answers the connection that asked, and pushes what it missed, in
	// one write.
	reply struct {
		conn connID
		data []byte
	}
	// push writes a frame between two replies. Connections share the bytes.
	push struct {
		conn  connID
		frame []byte
	}
	// hangUp closes connections in an orderly way.
	hangUp struct{ conns []connID }
	// abort resets connections.
	abort struct{ conns []connID }

	// accept makes a node's listener accept or refuse.
	accept struct {
		node int
		on   bool
	}
	// isolate makes packets to and from a node get lost, or pass again.
	isolate struct {
		node int
		on   bool
	}
	// resolve makes the endpoint's address record name a node, and others
	// beside it.
	resolve struct {
		node int
		also []int
		ttl  time.Duration
	}

	// stall makes commands for the shards queue at the proxies; no shards are
	// all of them.
	stall struct {
		lasts  time.Duration
		shards []string
	}
	// slow adds a delay to replies of the shards.
	slow struct {
		lasts, delay time.Duration
		shards       []string
	}
	// loading refuses commands for the shards.
	loading struct {
		lasts  time.Duration
		shards []string
	}
	// keep has so many writes remembered, that may be lost.
	keep struct{ writes int }
	// lose loses the last writes, as a replica does that has not got them.
	lose struct{ writes int }
	// own makes slots be served as the map says, and unsubscribes whoever is
	// subscribed to a channel where it is no longer served.
	own struct{ slots *slotMap }
	// release ends the stall of shards.
	release struct{ shards []string }
	// tally marks how many commands were redirected since the last plan.
	tally struct{}
	// lift ends a stall, a slowdown and a refusal at once.
	lift struct{}

	// done is the ground truth of an act: it goes to the marks. At is zero.
	done struct{ mark mark.Mark }
)

func (e reply) String() string { return fmt.Sprintf("reply %d %q", e.conn, e.data) }
func (e push) String() string  { return fmt.Sprintf("push %d %q", e.conn, e.frame) }
func (e hangUp) String() string {
	return "close " + strings.Trim(fmt.Sprint(e.conns), "[]")
}
func (e abort) String() string {
	return "reset " + strings.Trim(fmt.Sprint(e.conns), "[]")
}
func (e isolate) String() string {
	if e.on {
		return fmt.Sprintf("isolate %s", nodeName(e.node))
	}
	return fmt.Sprintf("rejoin %s", nodeName(e.node))
}
func (e loading) String() string { return fmt.Sprintf("loading %v shards=%v", e.lasts, e.shards) }
func (e accept) String() string {
	if e.on {
		return fmt.Sprintf("listen %s", nodeName(e.node))
	}
	return fmt.Sprintf("refuse %s", nodeName(e.node))
}
func (e resolve) String() string {
	text := "resolve " + nodeName(e.node)
	for _, node := range e.also {
		text += " " + nodeName(node)
	}
	return fmt.Sprintf("%s ttl=%v", text, e.ttl)
}
func (e stall) String() string { return fmt.Sprintf("stall %v shards=%v", e.lasts, e.shards) }
func (e slow) String() string {
	return fmt.Sprintf("slow %v by %v shards=%v", e.lasts, e.delay, e.shards)
}
func (e keep) String() string    { return fmt.Sprintf("keep %d writes", e.writes) }
func (e lose) String() string    { return fmt.Sprintf("lose %d writes", e.writes) }
func (e own) String() string     { return fmt.Sprintf("own %v", e.slots) }
func (e release) String() string { return fmt.Sprintf("release shards=%v", e.shards) }
func (e tally) String() string   { return "tally" }
func (e lift) String() string    { return "lift" }

func (e done) String() string {
	m := e.mark
	text := "mark " + m.Name
	if m.Duration != 0 {
		text += fmt.Sprintf(" for=%v", m.Duration)
	}
	if m.Node != "" {
		text += " node=" + m.Node
	}
	if m.Seq != nil {
		text += fmt.Sprintf(" seq=%d", *m.Seq)
	}
	if m.Origin != "" {
		text += " origin=" + m.Origin
	}
	if m.Detail != "" {
		text += ": " + m.Detail
	}
	return text
}

// nodeName is how a node is called: node1, node2.
func nodeName(node int) string { return fmt.Sprintf("node%d", node+1) }
