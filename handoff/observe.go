package handoff

import (
	"cmp"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"schload/telemetry/mark"
	"schload/workload"
)

// observer gathers what happens to one arm. Operations touch it only when
// something out of the ordinary happens to them; its mutex is never held
// across I/O.
type observer struct {
	arm     string
	mode    string // on, off or auto
	base    time.Time
	marks   *marker
	closing atomic.Bool // Close has begun: every end from here on is ours

	handoffTimeout time.Duration // of the library; 0: unknown

	lastMoving  atomic.Int64 // when MOVING was last read, since base; -1 never
	lastHandoff atomic.Int64 // when a handoff last ended, since base; -1 never
	handingOver atomic.Int64 // handoffs in progress

	readTimeout time.Duration // the arm's, when nothing is relaxed
	postRelaxed time.Duration // how long a connection is relaxed after its handoff

	saved, retried, hidden, attempts atomic.Uint64
	wrong, crossed, silent           atomic.Uint64
	moved, asked, slotMaps           atomic.Uint64
	pipelines, pipelined             atomic.Uint64 // with Config.AutoPipeline

	waits waits

	mu        sync.Mutex
	dialled   uint64 // connections so far
	live      map[uint64]*connection
	closed    []Connection // the last of those closed, in no order
	proofs    proofs       // of those closed
	dials     Dials
	handoffs  Handoffs
	notices   Notices
	notifiers map[string]bool // nodes that notices are counted by
	closes    map[Close]uint64
	pooled    map[uint64]*pooled // by the library's own number
	relaxed   relaxations
	coverage  coverage
	leaving   map[string]*leaving // by node, at most maxNodes
	parts     Leaving
	peaks     peaks
	lengths   Lengths
	broken    []time.Duration // when connections were found to have been ended by the server that no dial has replaced
}

// remembered bounds how many closed connections keep their record.
const remembered = 1024

func newObserver(arm string, base time.Time, sink mark.Sink) *observer {
	o := &observer{
		arm: arm, base: base,
		live:   make(map[uint64]*connection),
		closes: make(map[Close]uint64),
		pooled: make(map[uint64]*pooled), leaving: make(map[string]*leaving),
		notifiers: make(map[string]bool), notices: Notices{From: make(map[Notified]uint64)},
	}
	o.marks = newMarker(o, sink)
	o.relaxed.start(o)
	o.lastMoving.Store(-1)
	o.lastHandoff.Store(-1)
	return o
}

// know takes what it needs of the arm's settings.
func (o *observer) know(a Arm) {
	o.mode, o.handoffTimeout = a.Mode, a.HandoffTimeout
	o.readTimeout, o.postRelaxed = a.ReadTimeout, a.PostHandoffRelaxed
	o.peaks.keep = int64(a.DialTimeout/DialBin) + 2
}

func (o *observer) now() time.Duration { return time.Since(o.base) }

// opened records a connection that was dialled and wraps it.
func (o *observer) opened(raw net.Conn, address string, handoff bool, begun, took time.Duration) net.Conn {
	c := &connection{owner: o, address: address, node: raw.RemoteAddr().String(), handoff: handoff, dialled: begun, took: took}
	conn := observe(raw, c)
	o.mu.Lock()
	o.dialled++
	c.number = o.dialled
	o.live[c.number] = c
	o.dials.OK++
	o.dials.Took.add(took)
	o.lengths.record(&o.lengths.Dialled, took)
	o.replaced(begun, took, handoff)
	o.peaks.add(c.node, begun)
	o.dialledLeaving(c.node, begun, handoff, &o.dials.Leaving)
	o.mu.Unlock()
	o.marks.put(mark.Mark{At: begun, Duration: took, Kind: mark.Dial, Name: workload.OK.String(),
		Conn: c.number, Node: c.node, Detail: purpose(handoff)})
	return conn
}

// dialFailed records a dial that made no connection, to the node that address
// stood for as far as that is known.
func (o *observer) dialFailed(address, node string, class workload.Class, handoff bool, begun, took time.Duration) {
	o.mu.Lock()
	o.dials.Failed++
	o.dials.Failures[class]++
	o.peaks.add(node, begun)
	o.dialledLeaving(node, begun, handoff, &o.dials.LeavingFailed)
	o.mu.Unlock()
	o.marks.put(mark.Mark{At: begun, Duration: took, Kind: mark.Dial, Name: class.String(),
		Node: address, Detail: purpose(handoff)})
}

func purpose(handoff bool) string {
	if handoff {
		return "for a handoff"
	}
	return ""
}

// ended records that a connection is being closed.
func (o *observer) ended(c *connection) {
	if o.closing.Load() {
		c.because(reasonShutdown)
	}
	r := c.snapshot()
	o.mu.Lock()
	delete(o.live, c.number)
	o.closes[Close{r.By, r.Reason}]++
	if !c.joined && !r.Proof.Used && !r.Proof.Unreadable && r.Reason != reasonOverflow && r.Reason != reasonShutdown {
		o.dials.Unused++
	}
	o.coverage.missedBy(c, r.By)
	o.parted(c, r)
	o.broke(r)
	o.proofs.add(c.worked(r.Proof))
	if len(o.closed) < remembered {
		o.closed = append(o.closed, r)
	} else {
		o.closed[o.proofs.connections%remembered] = r
	}
	o.mu.Unlock()
	o.marks.put(mark.Mark{At: r.ClosedAt, Kind: mark.Close, Name: r.By, Conn: r.Number, Node: r.Node, Detail: r.Reason})
	if c.handoff {
		o.handoffLost(c)
	}
}

// worked is what a proof says of a connection that the arm works with. One
// dialled for a handoff that has not taken its place is none yet, whatever
// slipped into its handshake: a failed handoff proves nothing about the arm.
func (c *connection) worked(proof Handshake) Handshake {
	if c.handoff && !c.settled.Load() {
		proof.Used = false
	}
	return proof
}

// snapshot returns the record as others may see it.
func (c *connection) snapshot() Connection {
	proof := c.proof()
	c.mu.Lock()
	defer c.mu.Unlock()
	r := Connection{Number: c.number, Address: c.address, Node: c.node, Handoff: c.handoff, Dialled: c.dialled,
		Took: c.took, Proof: proof, Closed: c.closed, ClosedAt: c.closedAt}
	if c.closed {
		r.By, r.Reason = ByClient, c.reason
		if c.byServer != "" {
			r.By, r.How = ByServer, c.byServer
		}
		r.Reason = cmp.Or(r.Reason, unsaid(proof))
	}
	return r
}

// unsaid is the reason of a close the library gave none for.
func unsaid(h Handshake) string {
	if h.Subscriber {
		return reasonSubscriber
	}
	if !h.Hello && !h.Used && !h.Unreadable {
		return reasonProbe
	}
	return reasonOther
}

// observation returns what has been seen; the pool's state is added by the
// client.
func (o *observer) observation() Observation {
	o.forgotten()
	o.mu.Lock()
	defer o.mu.Unlock()
	s := Observation{
		At: o.now(), Notices: o.notices, Handoff: o.handoffs, Dials: o.dials,
		Relaxed:        o.relaxed.seen(),
		Retries:        Retries{o.retried.Load(), o.hidden.Load(), o.attempts.Load()},
		Connections:    len(o.live),
		Nodes:          make(map[string]int),
		Closes:         maps.Clone(o.closes),
		WrongReplies:   o.wrong.Load(),
		CrossedReplies: o.crossed.Load(),
		SilentReplies:  o.silent.Load(),
		Redirects:      Redirects{o.moved.Load(), o.asked.Load()},
		SlotMaps:       o.slotMaps.Load(),
		Pipelines:      Pipelines{o.pipelines.Load(), o.pipelined.Load()},
		MarksDropped:   o.marks.droppedCounts(),
		Leaving:        o.parts,
	}
	s.Notices.Coverage = o.coverage.kinds
	s.Notices.From = maps.Clone(o.notices.From)
	s.Handoff.Now = int(o.handingOver.Load())
	s.Relaxed.Saved = o.saved.Load()
	for _, c := range o.live {
		node := c.node
		if _, known := s.Nodes[node]; !known && len(s.Nodes) >= maxNodes {
			node = otherNode
		}
		s.Nodes[node]++
	}
	return s
}

// maxNodes bounds the node names an Observation lists.
const maxNodes = 32

// otherNode stands for those beyond.
const otherNode = "other"

// connections returns the records of the connections that are open and of the
// last ones closed, in the order they were dialled.
func (o *observer) connections() []Connection {
	o.mu.Lock()
	all := append([]Connection(nil), o.closed...)
	live := make([]*connection, 0, len(o.live))
	for _, c := range o.live {
		live = append(live, c)
	}
	o.mu.Unlock()
	for _, c := range live {
		all = append(all, c.snapshot())
	}
	slices.SortFunc(all, func(a, b Connection) int { return cmp.Compare(a.Number, b.Number) })
	return all
}

// close ends the observation: connections the library left open are closed,
// goroutines end.
func (o *observer) close() {
	o.closing.Store(true)
	o.mu.Lock()
	live := slices.Collect(maps.Values(o.live))
	o.mu.Unlock()
	for _, c := range live {
		_ = c.conn.Close()
	}
	o.relaxed.close()
}
