package upgrade

import (
	"time"

	"schload/handoff/notice"
)

// Act is what one action of a plan does.
type Act string

// The acts. Each names the fields of Action it uses.
const (
	Notify Act = "notify" // send a notice to the opted-in connections in scope: Notice, Seconds, Shards, Node, To
	Listen Act = "listen" // Node accepts connections
	Refuse Act = "refuse" // Node stops accepting: dials are refused
	Close  Act = "close"  // Node closes all its connections in an orderly way (FIN)
	Bind   Act = "bind"   // the endpoint is served by Node from now on (server side)
	DNS    Act = "dns"    // the endpoint's A record names Node from now on
	Stall  Act = "stall"  // commands queue at the proxies For so long, then run
	Slow   Act = "slow"   // replies take Delay longer, drawn per command, For so long

	// Of an endpoint with several proxies.
	Join  Act = "join"  // the endpoint is served by Node too, and its record names Node too
	Leave Act = "leave" // it is served by the others only, and its record names them only; connections stay

	// What comes without a notice.
	Reset   Act = "reset"   // Node resets all its connections (RST)
	Isolate Act = "isolate" // packets to and from Node are lost: dials hang, connections fall silent, none is closed
	Rejoin  Act = "rejoin"  // packets pass again, and what TCP kept arrives
	Loading Act = "loading" // commands are refused with LOADING For so long

	// What no deployment is known to do, by choice only.
	Lose Act = "lose" // the last Writes that were acknowledged are gone, as after a failover to a replica that had not got them

	// Of a database that tells clients its slot map.
	Move Act = "move" // the slots of the oldest announced window of Node are served by To: Node answers MOVED
)

// Role names a node by its part in one playing of an upgrade.
type Role string

// The roles. When a plan starts, Old serves the endpoint, the record names it,
// and New and Next do not listen. Of an OSS Cluster, Old and Peer serve slots.
const (
	Old  Role = "old"
	New  Role = "new"
	Next Role = "next" // where the endpoint goes when it moves a second time; a stage of two nodes plays it with Old
	Peer Role = "peer" // of an OSS Cluster: another node that serves slots
)

// Action is one timed act of a Plan.
type Action struct {
	At      time.Duration // since the plan's start, speed applied
	Act     Act
	Node    Role          // Notify: the proxy whose connections are told, or whose slots are spoken of; empty: every proxy's
	To      Role          // Notify MOVING: where the endpoint goes; Notify SMIGRATED, Move: where the slots go
	Notice  notice.Kind   // Notify
	Seconds int64         // Notify of a kind that opens, but SMIGRATING: the announced time, whole seconds >= 1
	Shards  []string      // Notify of the other kinds than MOVING; Stall, Slow, Loading: empty is all
	Slots   string        // Notify SMIGRATING: all, a share, a count or ranges, see ParseSlots
	For     time.Duration // Stall, Slow, Loading; speed applied
	Writes  int           // Lose: how many, at least 1
	Delay   time.Duration // Slow: median of the added delay; speed does not apply
	Origin  Origin        // the weakest origin among the numbers behind At, For, Delay, Seconds
	Detail  string        // one line for people
	Step    int           // where it comes from: the index in Upgrade.Steps
	Turn    int           // of a step that is repeated, from 1; 0: the step is played once
}

// Lasts reports whether an action of this kind takes For.
func (a Act) Lasts() bool { return a == Stall || a == Slow || a == Loading }

// End is when the action is over: At, or later for acts that last.
func (a Action) End() time.Duration { return a.At + a.For }

// Plan is an upgrade with every number drawn: what a stage plays.
type Plan struct {
	Upgrade  Upgrade
	Seed     uint64
	Speed    float64
	Settings []Setting     // every parameter as drawn, in the order of the file
	TTL      time.Duration // of the endpoint's records, whole seconds; 0: the upgrade does not say
	Actions  []Action      // ordered by At; those of one instant by turn, then in the order of the file
	Length   time.Duration // when the upgrade is over, never before the end of the last action
}

// Setting is a parameter with the value a plan drew for it.
type Setting struct {
	Name   string
	Value  string // as a file spells it, speed not applied
	Origin Origin
}
