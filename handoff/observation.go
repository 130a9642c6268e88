package handoff

import (
	"time"

	"schload/handoff/notice"
	"schload/telemetry/mark"
	"schload/workload"
)

// Observation is what an arm has seen since it was opened. Counts only grow;
// the fields named Now are gauges.
type Observation struct {
	At      time.Duration // since the run's base
	Notices Notices
	Handoff Handoffs
	Relaxed Relaxations
	Retries Retries
	Pool    Pool
	Dials   Dials
	Leaving Leaving

	Connections int            // open now
	Nodes       map[string]int // open now, by host:port of the far end; at most 32, the rest as "other"
	Closes      map[Close]uint64

	Redirects Redirects
	SlotMaps  uint64 // times the slot map was read (CLUSTER SLOTS), the first included

	Pipelines Pipelines // zero without Config.AutoPipeline

	WrongReplies   uint64 // replies that cannot belong to their command
	CrossedReplies uint64 // the same, while the client itself was handing over
	SilentReplies  uint64 // of both, those that came as a value and without an error: an application would have used it

	MarksDropped map[mark.Kind]uint64 // facts counted above but left out of the timeline
}

// Overflow is how many connections were dialled for one command each, because
// those of the pool were being handed over or waited for it.
func (s Observation) Overflow() uint64 {
	return s.Closes[Close{ByClient, reasonOverflow}] + s.Closes[Close{ByServer, reasonOverflow}]
}

// Notices counts the pushes that were read, once per connection and push.
type Notices struct {
	Kinds      [notice.Kinds]uint64 // by notice.Kind
	Unreadable uint64               // pushes of a known name with another shape

	Coverage [notice.Kinds]Coverage // by notice.Kind

	From map[Notified]uint64 // Kinds by node: at most 32 nodes, the rest as "other"
}

// Notified is a node that sent notices of a kind.
type Notified struct {
	Kind notice.Kind
	Node string // host:port of the far end
}

// Coverage says how many connections events of one kind reached. An event is a
// notice of one kind and sequence id. It concerns the connections that had
// opted in and were open when the first one to the same node read it, and those
// that read it although they opted in later. A connection that the server has
// ended already reads too late. Owed - Told - Ended are the stragglers so far.
type Coverage struct {
	Events uint64
	Owed   uint64 // connections that an event concerned, each event counted
	Told   uint64 // of these, have read it
	Ended  uint64 // of these, were closed by the client before they read it
}

// Leaving counts connections that MOVING concerned, as they end. MOVING
// announces that the node it came from will leave: from when a connection reads
// it until 5 s after the announced time. Connections that were dialled for one
// command and those open when the client is closed are not counted.
type Leaving struct {
	HandedOver   uint64 // read MOVING and were replaced before the server ended them: saved
	ClosedTold   uint64 // read MOVING, and the server ended them before another took over
	ClosedUntold uint64 // had opted in and were ended by the server before they read MOVING, though others of the arm had read it
	GivenUp      uint64 // read MOVING and were closed by the client without a successor
}

// Handoffs counts connections being replaced by the client because of MOVING.
// Started = Succeeded + Failed + Now.
type Handoffs struct {
	Started     uint64 // a new connection was dialled for one in the pool
	Succeeded   uint64 // it took over
	Failed      uint64 // its dial or handshake failed; the client may try again
	Abandoned   uint64 // connections given up: tries used up, breaker open, queue full
	Now         int    // in progress
	Took        Spread // from the dial to the takeover
	SinceNotice Spread // from reading MOVING to the takeover
}

// Relaxations counts windows in which a connection worked with relaxed
// timeouts. Their beginnings are exact; an end that the client does not
// announce is found within 100 ms.
type Relaxations struct {
	Now     int               // connections relaxed now
	By      [notice.Kinds]int // of these, by the notice that relaxed them first; the rest took another's place (a handoff)
	Windows uint64            // begun
	Time    time.Duration     // total length of those that ended
	Saved   uint64            // operations that succeeded at the first try after more than the normal read timeout, waits for a connection left out

	Open        uint64 // still so at the end of the load, see Client.Conclude
	NeverClosed uint64 // of these, past everything that could keep them open
}

// Redirects counts the replies by which a node of a cluster sent a command to
// another node. The client follows them as long as it has tries left; a
// command that runs out of them fails as redirect.
type Redirects struct {
	Moved uint64 // the slot has another owner: the slot map was out of date
	Ask   uint64 // the slot is on its way
}

// Pipelines counts those that the library made of the commands of several
// workers. On a cluster each node's part is one.
type Pipelines struct {
	Sent     uint64
	Commands uint64 // in them
}

// Retries counts what the client tried again on its own. A redirect that was
// followed is none. The tries of a pipeline are those of all its commands; on a
// cluster, where the library repeats those parts of a pipeline that failed,
// rounds of a pipeline that was redirected are not counted.
type Retries struct {
	Operations uint64 // operations that took more than one try
	Hidden     uint64 // of these, how many succeeded: the application saw nothing but time
	Attempts   uint64 // further tries, in all
}

// Pool is the state of the client's connection pool, on a cluster of those of
// all nodes together.
type Pool struct {
	Waits    uint64 // operations that waited for a connection
	WaitTime time.Duration
	Timeouts uint64 // waits that ended without one
	Idle     int    // connections free now; those in a handoff are counted by the library as free
	Pending  int    // operations waiting now

	Max     int // connections that it may have, receivers' not counted; 0: the client has no pool of the library's
	MaxIdle int // of these free ones
	MinIdle int // free ones that it keeps ready
}

// Dials counts attempts to connect, TLS included and handshake not.
type Dials struct {
	OK       uint64
	Failed   uint64
	Failures [workload.Classes]uint64 // by workload.Class
	Took     Spread                   // of those that succeeded

	Leaving       uint64 // to a node that MOVING had announced to leave, those of handoffs left out
	LeavingFailed uint64 // the same, of those that failed
	Unused        uint64 // connections closed before they carried an operation or took another's place; those for one command not counted
}

// Close is one way connections end.
type Close struct {
	By     string // server or client
	Reason string // of a bounded set, see CloseReasons
}

// The parties of Close.
const (
	ByServer = "server" // its FIN or RST was there first
	ByClient = "client"
)

// Spread sums up durations without keeping them.
type Spread struct {
	Count    uint64
	Min, Max time.Duration
	Sum      time.Duration
}

// Mean returns the arithmetic mean, 0 for none.
func (s Spread) Mean() time.Duration {
	if s.Count == 0 {
		return 0
	}
	return s.Sum / time.Duration(s.Count)
}

func (s *Spread) add(d time.Duration) {
	if s.Count == 0 || d < s.Min {
		s.Min = d
	}
	s.Max = max(s.Max, d)
	s.Sum += d
	s.Count++
}

// Connection is the record of one connection.
type Connection struct {
	Number   uint64 // within the arm, from 1
	Address  string // as dialled
	Node     string // host:port of the far end
	Handoff  bool   // dialled to hand a connection over
	Dialled  time.Duration
	Took     time.Duration // of the dial
	Proof    Handshake
	Closed   bool
	ClosedAt time.Duration
	By       string // who ended it: server or client
	How      string // eof or reset, when the server ended it
	Reason   string // why the client closed it, see CloseReasons
}
