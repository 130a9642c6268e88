package handoff

import (
	"fmt"
	"math/bits"
	"time"

	"schload/handoff/notice"
	"schload/telemetry/mark"
)

// coverage follows which connections each event reaches. The library reads a
// connection only when it uses it, so the same push is read early on one, late
// on another and never on a third. Guarded by the observer's mutex.
type coverage struct {
	events [followed]*event // a ring; an event's place is its bit on connections
	next   int
	kinds  [notice.Kinds]Coverage
	span   [notice.Kinds]announced
}

// followed is how many events are followed at once, the last ones; an older
// one is concluded. Each has a bit in a word of every connection.
const followed = 64

// event is a notice of one kind and sequence id, whoever reads it.
type event struct {
	kind        notice.Kind
	seq         int64
	first, last time.Duration   // when connections first read it
	nodes       map[string]bool // whose connections were counted, at most maxNodes
	Coverage
	concluded bool // its mark is written
}

// announced are the windows that notices of one opening kind announced.
type announced struct {
	opened, closed int
	until          time.Duration // when the last of them is over, if nothing says so before
}

const (
	// grace is how long after the announced time a window may go on; old
	// connections were closed up to 4.1 s after it.
	grace = 5 * time.Second

	// unclosed is how long a window without an announced time is waited for.
	unclosed = 5 * time.Minute
)

// covered records that c has read n; the observer's mutex is held. Now is from
// before it was: of connections that read at once a later one may come with an
// instant before the first one's.
func (o *observer) covered(c *connection, n notice.Notice, now time.Duration) {
	e, bit := o.event(n, now)
	now = max(now, e.first)
	kind := &o.coverage.kinds[n.Kind]
	if !e.nodes[c.node] && len(e.nodes) < maxNodes {
		e.nodes[c.node] = true
		for _, other := range o.live {
			if other.node == c.node && (other.owed|other.read)&bit == 0 && other.proof().OptedIn() {
				other.owed |= bit
				e.Owed++
				kind.Owed++
			}
		}
	}
	if c.read&bit != 0 {
		return // pushed once more
	}
	if c.owed&bit == 0 { // it opted in afterwards, and was told then
		e.Owed++
		kind.Owed++
	} else {
		e.last = max(e.last, now)
		o.lengths.record(&o.lengths.Notices[n.Kind], now-e.first)
	}
	c.owed &^= bit
	c.read |= bit
	e.Told++
	kind.Told++
}

// event returns the event of a notice, new or known, and its bit.
func (o *observer) event(n notice.Notice, now time.Duration) (*event, uint64) {
	v := &o.coverage
	for i, e := range v.events {
		if e != nil && e.kind == n.Kind && e.seq == n.Seq {
			return e, 1 << i
		}
	}
	place := v.next % followed
	v.next++
	bit := uint64(1) << place
	if old := v.events[place]; old != nil {
		o.conclude(old)
		for _, c := range o.live {
			c.owed &^= bit
			c.read &^= bit
		}
	}
	e := &event{kind: n.Kind, seq: n.Seq, first: now, last: now, nodes: make(map[string]bool)}
	e.Events = 1
	v.events[place] = e
	v.kinds[n.Kind].Events++
	v.announce(n, now)
	return e, bit
}

// announce notes what an event says about windows.
func (v *coverage) announce(n notice.Notice, now time.Duration) {
	if opener, ok := n.Kind.Opener(); ok {
		v.span[opener].closed++
	}
	if _, ok := n.Kind.Closer(); !ok {
		return
	}
	s := &v.span[n.Kind]
	s.opened++
	length := unclosed
	if n.Kind != notice.SMigrating { // the one that announces no time
		length = max(0, n.Time) + grace
	}
	s.until = max(s.until, now+length)
}

// over reports whether every window that was announced is over: closed by as
// many notices, or past its time.
func (v *coverage) over(now time.Duration) bool {
	for _, s := range v.span {
		if s.closed < s.opened && now <= s.until {
			return false
		}
	}
	return true
}

// mayWait reports whether a notice that closes a window may wait unread on c,
// which was last used at an instant: one that others have read since, or, where
// nobody has, one that came before the announced time was over.
func (v *coverage) mayWait(c *connection, used time.Duration) bool {
	for i, e := range v.events {
		if e != nil && e.kind.Closes() && c.read&(1<<i) == 0 && used <= e.first {
			return true
		}
	}
	for _, s := range v.span {
		if s.closed < s.opened && used <= s.until {
			return true
		}
	}
	return false
}

// missedBy records that c ends without having read what it was owed; the
// observer's mutex is held. If the client ended it, it is no straggler: it was
// not there any more.
func (v *coverage) missedBy(c *connection, by string) {
	if by != ByClient {
		return
	}
	for owed := c.owed; owed != 0; owed &= owed - 1 {
		e := v.events[bits.TrailingZeros64(owed)]
		e.Ended++
		v.kinds[e.kind].Ended++
	}
}

// concludeAll writes the marks of the events that are still followed.
func (o *observer) concludeAll() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range followed {
		if e := o.coverage.events[(o.coverage.next+i)%followed]; e != nil {
			o.conclude(e)
		}
	}
}

// conclude writes an event's mark; the observer's mutex is held.
func (o *observer) conclude(e *event) {
	if e.concluded {
		return
	}
	e.concluded = true
	of := e.Owed - e.Ended
	o.marks.put(mark.Mark{At: e.first, Duration: e.last - e.first, Kind: mark.Coverage, Name: e.kind.String(), Seq: &e.seq,
		Count: e.Told, Of: of, Detail: fmt.Sprintf("read by %d of %d connections; %d more ended before", e.Told, of, e.Ended)})
}
