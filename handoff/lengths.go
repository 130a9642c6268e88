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
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	taken := c.o.lengths
	c.o.lengths = Lengths{}
	return taken
}
