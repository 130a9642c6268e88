package explain

import (
	"cmp"
	"time"

	"schload/telemetry/mark"
)

// connection is what the marks tell of one connection. Instants are -1 where
// nobody told.
type connection struct {
	number   uint64
	node     string // of the far end
	dialled  time.Duration
	dialTook time.Duration
	handoff  bool          // dialled for one
	joined   time.Duration // took another's place, in a handoff
	ended    time.Duration
	by       string // who ended it: server or client
	why      string
	round    int // in which it ended; 0 in warm-up

	notices []mark.Mark
	relaxed []mark.Mark
}

func byEnd(a, b *connection) int { return cmp.Compare(a.ended, b.ended) }

// byServer says whether the server ended it while the rounds were on.
func (c *connection) byServer() bool { return c.by == "server" && c.round > 0 }

// timedOut says whether a command on it got no reply in time.
func (c *connection) timedOut() bool { return c.why == "timeout" && c.round > 0 }

// lastNotice returns the last one read on it before that instant.
func (c *connection) lastNotice(before time.Duration) (last mark.Mark, ok bool) {
	for _, m := range c.notices {
		if m.At <= before {
			last, ok = m, true
		}
	}
	return last, ok
}

// relaxedAt returns when the window of relaxed timeouts began that was open at
// that instant. The window after a handoff is filed under the connection that
// was replaced; of the one that replaced it, the settings say how long it is.
func (c *connection) relaxedAt(at time.Duration, after duration) (since time.Duration, ok bool) {
	for _, m := range c.relaxed {
		if m.At <= at && at <= m.At+m.Duration+relaxedPoll {
			return m.At, true
		}
	}
	if c.joined >= 0 && c.joined <= at && at <= c.joined+time.Duration(after) {
		return c.joined, true
	}
	return 0, false
}

// relaxedPoll is how much later than its end a window may be found closed.
const relaxedPoll = 100 * time.Millisecond
