package upgrade

import (
	"time"

	"schload/handoff/notice"
)

// Origin says where a number comes from. Reports repeat it: a result that
// rests on an assumption says so.
type Origin string

// The origins, from firm to weak.
const (
	Measured   Origin = "measured"   // on a real deployment, by the cited source
	Documented Origin = "documented" // official documentation
	Client     Origin = "client"     // read in client source
	Test       Origin = "test"       // a client's test expectation or mock: no proof of server behaviour
	Assumption Origin = "assumption" // ours; nothing public found
)

// Support is the level of help that the documentation promises of handoffs.
type Support string

// The levels.
const (
	Full    Support = "full"    // handoff before the close, and relaxed timeouts
	Partial Support = "partial" // relaxed timeouts only, or for a part of the event
	None    Support = "none"    // no notice is sent
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
)

// Role names a node by its part in one playing of an upgrade.
type Role string

// The roles. Old serves the endpoint when the plan starts.
const (
	Old Role = "old"
	New Role = "new"
)

// Action is one timed act of a Plan.
type Action struct {
	At      time.Duration // since the plan's start, speed applied
	Act     Act
	Node    Role
	To      Role          // Notify MOVING: where the endpoint goes
	Notice  notice.Kind   // Notify
	Seconds int64         // Notify: the announced time, whole seconds >= 1
	Shards  []string      // Notify
	For     time.Duration // Stall, Slow
	Delay   time.Duration // Slow: median of the added delay
	Origin  Origin        // the weakest origin among the numbers behind At, For, Seconds
	Detail  string        // one line for people
}

// Plan is an upgrade with every number drawn: what a stage plays.
type Plan struct {
	Upgrade Upgrade
	Seed    uint64
	Speed   float64
	Actions []Action      // ordered by At
	Length  time.Duration // when the upgrade is over, never before the last action
}
