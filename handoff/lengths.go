package handoff

import (
	"time"

	"schload/handoff/notice"
	"schload/telemetry/histogram"
)

// Lengths are how long things took that an arm's client did, each recorded
// exactly. Nil is none.
type Lengths struct {
	Dialled     *histogram.Histogram               // of dials that succeeded, TLS included and handshake not
	Handoff     *histogram.Histogram               // of handoffs that succeeded, from the dial to the takeover
	SinceNotice *histogram.Histogram               // of the same, from reading MOVING
	Waited      *histogram.Histogram               // of operations for their turn at the pool, those that did not have to wait included
	Opened      *histogram.Histogram               // of the client: until one connection was opened and checked
	Reconnected *histogram.Histogram               // from when the client met the end of a connection that the server had ended, to the end of the dial in its place
	Relaxed     *histogram.Histogram               // of windows of relaxed timeouts
	Notices     [notice.Kinds]*histogram.Histogram // from the first connection that reads an event's notice to each that was open then
}

func (*Lengths) record(h **histogram.Histogram, d time.Duration) {
	if *h == nil {
		*h = new(histogram.Histogram)
	}
	(*h).Record(d)
}

// TakeLengths returns what was recorded since it was called last.
func (c *Client) TakeLengths() Lengths {
	waited := c.o.waits.take()
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	taken := c.o.lengths
	taken.Waited = waited
	c.o.lengths = Lengths{}
	return taken
}
