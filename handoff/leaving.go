package handoff

import (
	"maps"
	"slices"
	"time"

	"schload/handoff/notice"
)

// leaving is a node that MOVING says is about to go.
type leaving struct{ since, until time.Duration }

// announceLeaving records that c has read MOVING; the observer's mutex is held.
func (o *observer) announceLeaving(c *connection, n notice.Notice, now time.Duration) {
	if target := o.leaving[n.Endpoint]; target != nil {
		target.until = min(target.until, now) // it is back
	}
	if n.Endpoint == c.node {
		return
	}
	until := now + max(0, n.Time) + grace
	if l := o.leaving[c.node]; l != nil && now < l.until {
		l.until = max(l.until, until)
		return
	}
	if o.leaving[c.node] == nil && len(o.leaving) >= maxNodes {
		oldest := slices.MinFunc(slices.Collect(maps.Keys(o.leaving)), func(a, b string) int {
			return int(o.leaving[a].until - o.leaving[b].until)
		})
		delete(o.leaving, oldest)
	}
	o.leaving[c.node] = &leaving{now, until}
}

// parted counts how a connection ended that MOVING concerned; the observer's
// mutex is held. One dialled for a single command has nothing to lose.
func (o *observer) parted(c *connection, r Connection) {
	switch {
	case r.By == ByServer && c.told:
		o.parts.ClosedTold++
	case r.By == ByServer:
		if l := o.leaving[r.Node]; l != nil && r.Dialled < l.until && r.ClosedAt >= l.since && r.Proof.OptedIn() {
			o.parts.ClosedUntold++
		}
	case !c.told, r.Reason == reasonShutdown, r.Reason == reasonOverflow:
	case r.Reason == reasonHandoff:
		o.parts.HandedOver++
	default:
		o.parts.GivenUp++
	}
}

// dialledLeaving counts a dial to a node that was to leave when it began; the
// observer's mutex is held.
func (o *observer) dialledLeaving(node string, begun time.Duration, handoff bool, count *uint64) {
	if l := o.leaving[node]; l != nil && !handoff && begun >= l.since && begun < l.until {
		*count++
	}
}
