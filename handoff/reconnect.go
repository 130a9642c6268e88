package handoff

import "time"

// mostBroken bounds the connections whose replacement is awaited.
const mostBroken = 4096

// broke notes that the client met the end of a connection that the server had
// ended; o.mu is held. A connection that another had taken over already needs
// no replacement.
func (o *observer) broke(r Connection) {
	if r.By != ByServer || r.Reason == reasonHandoff || r.Reason == reasonOverflow || len(o.broken) >= mostBroken {
		return
	}
	o.broken = append(o.broken, r.ClosedAt)
}

// replaced takes a dial that began at an instant for the replacement of the
// connection that broke first before it; o.mu is held. A pool does not say which
// one it is: in this order the sum of all spans is right, whichever it was.
func (o *observer) replaced(begun, took time.Duration, handoff bool) {
	if handoff || len(o.broken) == 0 || o.broken[0] > begun {
		return
	}
	o.lengths.record(&o.lengths.Reconnected, begun+took-o.broken[0])
	o.broken = o.broken[1:]
}

// opening notes how long the client took to open.
func (o *observer) opening(took time.Duration) {
	o.mu.Lock()
	o.lengths.record(&o.lengths.Opened, took)
	o.mu.Unlock()
}
