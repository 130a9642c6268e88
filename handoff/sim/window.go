package sim

import (
	"fmt"
	"slices"
	"time"

	"schload/handoff/notice"
	"schload/handoff/upgrade"
	"schload/telemetry/mark"
)

// window is an announcement whose end has not come: connections that opt in
// meanwhile hear of it.
type window struct {
	kind   notice.Kind
	seq    int64
	ends   time.Duration // as announced; the window may stay open beyond it
	shards []string
	node   int // the proxy whose connections are told, MOVING: the one that leaves; everyProxy
	to     int // MOVING: where the endpoint goes; SMIGRATING: where the slots go; nowhere if that is not known

	slots upgrade.Slots // SMIGRATING
	from  int           // SMIGRATING: the node that has them
	moves []notice.Move // SMIGRATED, and a SMIGRATING whose slots have moved
}

const everyProxy = -1

// notify sends one notice to everyone in its scope. Every notice has the next
// sequence of the database, the same for all who get it.
func (c *core) notify(now time.Duration, a upgrade.Action) []effect {
	switch a.Notice {
	case notice.SMigrating:
		return c.announceSlots(now, a)
	case notice.SMigrated:
		return c.completeSlots(now, a)
	}
	w := window{kind: a.Notice, seq: c.seq, ends: now + time.Duration(a.Seconds)*time.Second,
		shards: slices.Clone(a.Shards), node: everyProxy, to: c.role(a.To)}
	if a.Node != "" || a.Notice == notice.Moving {
		w.node = c.role(a.Node)
	}
	if a.Notice == notice.Moving && !c.moves(w) {
		d := c.done(upgrade.Notify, w.node, join(a.Detail, "MOVING not sent: the proxy does not leave the endpoint, or nobody joins it"))
		d.mark.Origin = string(a.Origin)
		return []effect{d}
	}
	c.seq++
	c.remember(w)
	effects, of := c.broadcast(now, w)
	seq := w.seq
	return append(effects, done{mark.Mark{
		Kind: mark.Step, Source: "sim", Name: a.Notice.String(), Node: c.concerned(w), Seq: &seq,
		Detail: join(a.Detail, fmt.Sprintf("pushed to %d of %d connections", len(effects), of)), Origin: string(a.Origin),
	}})
}

// moves is the rule measured on real deployments: MOVING is sent when the
// proxy leaves the endpoint's set of addresses and the set gains another. A
// set that only grows or only shrinks changes in silence; of a set of several
// no sample shows that it does both.
func (c *core) moves(w window) bool { return w.node == c.bound && w.to != w.node && len(c.also) == 0 }

// remember opens or closes windows.
func (c *core) remember(w window) {
	opener, closes := w.kind.Opener()
	if !closes {
		c.windows = append(c.windows, w)
		return
	}
	c.shut(opener, w.shards)
	if w.kind == notice.Migrated || w.kind == notice.FailedOver {
		n := w.notice(0, "")
		c.retained = &n
	}
}

// shut closes the oldest window of a kind for the same shards, or the oldest
// of the kind when none fits.
func (c *core) shut(kind notice.Kind, shards []string) {
	i := slices.IndexFunc(c.windows, func(w window) bool { return w.kind == kind && slices.Equal(w.shards, shards) })
	if i < 0 {
		i = slices.IndexFunc(c.windows, func(w window) bool { return w.kind == kind })
	}
	if i >= 0 {
		c.windows = slices.Delete(c.windows, i, i+1)
	}
}

// broadcast pushes to the connections in scope that listen, and counts all in
// scope.
func (c *core) broadcast(now time.Duration, w window) (effects []effect, inScope int) {
	frames := map[string][]byte{} // by endpoint: connections share the bytes
	for _, conn := range c.conns {
		if !w.concerns(conn) {
			continue
		}
		inScope++
		if !conn.listens() || c.support.Disabled {
			continue
		}
		endpoint := c.windowEndpoint(w, conn)
		if frames[endpoint] == nil {
			frames[endpoint] = w.notice(now, endpoint).AppendAs(nil, c.support.Shape)
		}
		effects = append(effects, push{conn.id, frames[endpoint]})
	}
	return effects, inScope
}

// missed is what a connection that opts in now was not told: the newest
// completion, and the windows that are open.
func (c *core) missed(now time.Duration, conn *coreConn, dst []byte) []byte {
	if !conn.listens() {
		return dst
	}
	if c.retained != nil && !c.support.ForgetCompletion {
		dst = c.retained.AppendAs(dst, c.support.Shape)
	}
	for _, w := range c.windows {
		forget := !c.support.RepeatOpeners
		switch w.kind {
		case notice.Moving:
			forget = c.support.ForgetMoving
		case notice.SMigrating:
			forget = c.support.ForgetSMigrating
		}
		if !forget && w.concerns(conn) {
			dst = w.notice(now, c.windowEndpoint(w, conn)).AppendAs(dst, c.support.Shape)
		}
	}
	return dst
}

// concerns reports whether a connection is in scope.
func (w window) concerns(conn *coreConn) bool {
	return w.node == everyProxy || conn.node == w.node
}

// concerned is the node that a mark about the window names.
func (c *core) concerned(w window) string {
	if w.node == everyProxy {
		return ""
	}
	return c.nodes[w.node].ip
}

func (c *core) windowEndpoint(w window, conn *coreConn) string {
	if w.kind != notice.Moving {
		return ""
	}
	return c.endpoint(w.to, conn.endpoint)
}

// notice is the window as told at an instant: the time that remains shrinks,
// and is negative once the announced end has passed.
func (w window) notice(now time.Duration, endpoint string) notice.Notice {
	n := notice.Notice{Kind: w.kind, Seq: w.seq, Shards: w.shards, Endpoint: endpoint}
	switch w.kind {
	case notice.SMigrating:
		n.Slots = w.slots.String()
		return n
	case notice.SMigrated:
		n.Moves = w.moves
	}
	if w.kind.Opens() {
		n.Time = w.ends - now
	}
	return n
}
