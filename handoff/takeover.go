package handoff

import (
	"time"

	"schload/telemetry/mark"
	"schload/workload"
)

// pooled is what is remembered of one of the library's connections while it is
// told to move: the library swaps the socket under it.
type pooled struct {
	moving time.Duration // when it read MOVING, -1 for not
	old    *connection   // what is being replaced
}

// The names of handoff marks.
const (
	handoffStarted   = "started"
	handoffSucceeded = "succeeded"
	handoffFailed    = "failed"
)

// handoffBegun records that a connection is dialled to take another's place.
func (o *observer) handoffBegun(address string, at time.Duration) {
	o.handingOver.Add(1)
	o.mu.Lock()
	o.handoffs.Started++
	o.mu.Unlock()
	o.marks.put(mark.Mark{At: at, Kind: mark.Handoff, Name: handoffStarted, Node: address})
}

// handoffEnded counts an end and opens the two seconds in which strange
// replies are the client's own.
func (o *observer) handoffEnded(count func(*Handoffs), m mark.Mark) {
	o.mu.Lock()
	count(&o.handoffs)
	o.mu.Unlock()
	o.lastHandoff.Store(int64(o.now()))
	o.handingOver.Add(-1)
	m.Kind = mark.Handoff
	o.marks.put(m)
}

// handoffUndialled records a handoff whose dial failed.
func (o *observer) handoffUndialled(address string, class workload.Class, begun, took time.Duration) {
	o.handoffEnded(func(h *Handoffs) { h.Failed++ },
		mark.Mark{At: begun, Duration: took, Name: handoffFailed, Node: address, Detail: class.String()})
}

// handoffLost records the end of a connection that was dialled for a handoff:
// a failed handoff unless it had taken over.
func (o *observer) handoffLost(c *connection) {
	if c.settled.Swap(true) {
		return
	}
	r := c.snapshot()
	o.handoffEnded(func(h *Handoffs) { h.Failed++ },
		mark.Mark{At: c.dialled, Duration: r.ClosedAt - c.dialled, Name: handoffFailed, Conn: c.number, Node: c.node, Detail: r.Reason})
}

// handedOver records that c has taken its place in the pool. The library
// closes what it replaced right after.
func (o *observer) handedOver(p poolConn, c *connection) {
	now := o.now()
	if !c.handoff {
		// The dial did not look like one (see dialler.forHandoff): count it now.
		o.handoffBegun(c.address, c.dialled)
	}
	if c.settled.Swap(true) {
		return
	}
	o.mu.Lock()
	state := o.pooled[p.GetID()]
	delete(o.pooled, p.GetID())
	c.joined = true
	o.lengths.record(&o.lengths.Handoff, now-c.dialled)
	if state != nil && state.moving >= 0 {
		o.lengths.record(&o.lengths.SinceNotice, now-state.moving)
	}
	o.mu.Unlock()
	detail := ""
	if state != nil && state.old != nil {
		state.old.because(reasonHandoff)
	}
	if state != nil && state.moving >= 0 {
		detail = (now - state.moving).Round(time.Microsecond).String() + " after MOVING"
	}
	o.handoffEnded(func(h *Handoffs) {
		h.Succeeded++
		h.Took.add(now - c.dialled)
		if state != nil && state.moving >= 0 {
			h.SinceNotice.add(now - state.moving)
		}
	}, mark.Mark{At: c.dialled, Duration: now - c.dialled, Name: handoffSucceeded, Conn: c.number, Node: c.node, Detail: detail})
}

// remember returns what is remembered of p; o.mu is held.
func (o *observer) remember(p poolConn) *pooled {
	state := o.pooled[p.GetID()]
	if state == nil {
		state = &pooled{moving: -1}
		o.pooled[p.GetID()] = state
	}
	return state
}

// given records that the library gave a connection of its pool up and is
// about to close it.
func (o *observer) given(p poolConn, c *connection, reason string) {
	if reason == reasonDisabled && o.mode == On {
		reason = reasonShutdown // an arm that insists is not disabled; closing a client looks like it
	}
	if reason == reasonShutdown && !o.closing.Load() {
		reason = reasonNodeGone // the client of one node of a cluster, not the arm
	}
	c.because(reason)
	o.mu.Lock()
	state := o.pooled[p.GetID()]
	delete(o.pooled, p.GetID())
	if abandoned(reason) {
		o.handoffs.Abandoned++
	}
	o.mu.Unlock()
	o.relaxed.finished(p)
	if state != nil && state.old != nil && state.old != c {
		// The library forgets the replaced socket when the new one's handshake
		// fails. An application's garbage collector would close it some day;
		// our record keeps it alive, so it is closed here.
		state.old.because(reasonHandoffFailed)
		_ = state.old.conn.Close()
	}
}

// forgotten ends handoffs whose end the library did not tell. A connection that
// is told to move again while it moves, as happens to arms that ask for no
// address, is handed over twice at once in go-redis 9.23: of the two sockets
// the first to take its place is replaced by the second and never closed. Once
// the handoff timeout is over no handshake can be under way: a socket that has
// carried an operation took its place, and one that has not never will. That
// one is closed, for our record keeps it alive where an application's garbage
// collector would close it.
func (o *observer) forgotten() {
	if o.handingOver.Load() == 0 || o.handoffTimeout == 0 {
		return
	}
	var lost []*connection
	o.mu.Lock()
	for _, c := range o.live {
		if c.handoff && !c.settled.Load() && o.now()-c.dialled > o.handoffTimeout {
			lost = append(lost, c)
		}
	}
	o.mu.Unlock()
	for _, c := range lost {
		if !c.proof().Used {
			c.because(reasonHandoffFailed)
			_ = c.conn.Close()
		} else if !c.settled.Swap(true) {
			o.mu.Lock()
			c.joined = true
			o.mu.Unlock()
			o.handoffEnded(func(h *Handoffs) { h.Succeeded++ },
				mark.Mark{At: c.dialled, Name: handoffSucceeded, Conn: c.number, Node: c.node, Detail: "its end was not told"})
		}
	}
}

// crossing reports whether the client hands over now or did so within the last
// two seconds. go-redis 9.17 to 9.23 can then use a connection for an operation
// while its handshake is still running on it, and replies meet the wrong
// command.
func (o *observer) crossing() bool {
	if o.handingOver.Load() > 0 {
		return true
	}
	last := o.lastHandoff.Load()
	return last >= 0 && o.now()-time.Duration(last) < crossingTime
}

const crossingTime = 2 * time.Second
