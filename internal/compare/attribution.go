package compare

import (
	"cmp"
	"slices"

	"schload/internal/bundle"
	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// Attribution says what handoffs, relaxed timeouts and retries did for an arm,
// warm-up left out. METHODOLOGY.md ("What the handoffs did") defines each
// number by what stands in the bundle.
type Attribution struct {
	Saved       Saved       `json:"saved"`
	Connections Leaving     `json:"connections"`
	Notices     Coverage    `json:"notices"`
	Dials       Storm       `json:"dials"`
	Handoffs    HandoffTime `json:"handoffs"`
	Relaxed     Relaxed     `json:"relaxed"`
}

// Saved are operations that succeeded only because of one thing.
type Saved struct {
	ByRelaxedTimeouts uint64 `json:"by_relaxed_timeouts"` // first try, slower than the arm's read timeout
	ByRetries         uint64 `json:"by_retries"`          // a try before had failed
}

// Leaving are connections that MOVING concerned, by how they ended.
type Leaving struct {
	HandedOver   uint64 `json:"handed_over"`   // saved: another had taken over before the server ended them
	ClosedTold   uint64 `json:"closed_told"`   // by the server, although they had read MOVING
	ClosedUntold uint64 `json:"closed_untold"` // by the server, before they read what others of the arm had read
	GivenUp      uint64 `json:"given_up"`      // by the client, without a successor
}

// Coverage says how many connections the events reached.
type Coverage struct {
	Events      uint64        `json:"events"`
	Connections uint64        `json:"connections"` // that they were to reach, each event counted
	Told        uint64        `json:"told"`
	Stragglers  uint64        `json:"stragglers"`         // never read it
	Delay       Quantiles     `json:"delay_s"`            // after the first connection of an event, of those open then; max is the longest spread
	Last        []NoticeEvent `json:"last,omitempty"`     // events, the newest last
	LeftOut     uint64        `json:"left_out,omitempty"` // of the list
}

// NoticeEvent is one event as the arm's connections read of it.
type NoticeEvent struct {
	Name        string         `json:"name"` // of the notice
	Seq         *int64         `json:"seq"`
	At          bundle.Seconds `json:"at_s"` // when the first connection read it
	Connections uint64         `json:"connections"`
	Told        uint64         `json:"told"`
	Spread      bundle.Seconds `json:"spread_s"`
}

// mostEvents bounds the list of events.
const mostEvents = 32

// Storm is the shape of the dials.
type Storm struct {
	Peak     uint64         `json:"peak"`            // most within 100 ms
	At       bundle.Seconds `json:"at_s"`            // when these began
	Nodes    []NodePeak     `json:"nodes,omitempty"` // the busiest first
	Surplus  uint64         `json:"surplus"`         // that gave the client no connection to keep, of these:
	Failed   uint64         `json:"failed"`
	Overflow uint64         `json:"overflow"`
	Unused   uint64         `json:"unused"`
	Leaving  uint64         `json:"leaving"` // to a node that MOVING had announced to leave
}

// NodePeak is the busiest 100 ms of dials to one node.
type NodePeak struct {
	Node string         `json:"node"`
	Peak uint64         `json:"peak"`
	At   bundle.Seconds `json:"at_s"`
}

// HandoffTime is how long handoffs that succeeded took, and how many
// connections gave theirs up.
type HandoffTime struct {
	SinceDial   Quantiles `json:"since_dial_s"`
	SinceNotice Quantiles `json:"since_notice_s"`
	Abandoned   uint64    `json:"abandoned"`
}

// Relaxed are windows in which a connection had relaxed timeouts.
type Relaxed struct {
	Windows     uint64         `json:"windows"`
	Total       bundle.Seconds `json:"total_s"` // of their lengths
	Longest     bundle.Seconds `json:"longest_s"`
	Open        uint64         `json:"open"`         // still so at the end of the load
	NeverClosed uint64         `json:"never_closed"` // of these, past all that could keep them so
}

// attribution computes it for an arm.
func attribution(arm string, s *sums, t timeline) Attribution {
	saved := s.counter(arm, record.OperationsSaved, record.AttrBy)
	ended := s.counter(arm, record.ConnectionsLeaving, record.AttrResult)
	windows := s.counter(arm, record.RelaxedWindows, record.AttrResult)
	lengths := s.lengths(arm, record.RelaxedDuration, "")
	return Attribution{
		Saved:       Saved{saved["relaxed_timeouts"], saved["retries"]},
		Connections: Leaving{ended["handed_over"], ended["closed_told"], ended["closed_untold"], ended["given_up"]},
		Notices:     s.coverage(arm, t),
		Dials:       s.storm(arm),
		Handoffs: HandoffTime{
			SinceDial:   quantiles(s.lengths(arm, record.HandoffDuration, "dial")),
			SinceNotice: quantiles(s.lengths(arm, record.HandoffDuration, "notice")),
			Abandoned:   s.counter(arm, record.Handoffs, record.AttrResult)["abandoned"],
		},
		Relaxed: Relaxed{
			Windows: windows["begun"], Open: windows["open"], NeverClosed: windows["never_closed"],
			Total: bundle.Seconds(lengths.Sum()), Longest: bundle.Seconds(lengths.Max()),
		},
	}
}

// coverage adds up the events of all kinds. Of the list it has the events whose
// first connection was told after warm-up.
func (s *sums) coverage(arm string, t timeline) Coverage {
	told := s.counter(arm, record.NoticeConnections, record.AttrResult)
	c := Coverage{
		Events:      total(s.counter(arm, record.NoticeEvents, record.AttrNotice)),
		Connections: told["owed"] - min(told["owed"], told["ended"]), Told: told["told"],
		Delay: quantiles(s.lengths(arm, record.NoticeDelay, "")),
	}
	c.Stragglers = c.Connections - min(c.Connections, c.Told)
	for _, m := range t.coverage {
		if m.Arm != arm || t.warmup(m.At) {
			continue
		}
		c.Last = append(c.Last, NoticeEvent{m.Name, m.Seq, bundle.Seconds(m.At), m.Of, m.Count, bundle.Seconds(m.Duration)})
	}
	slices.SortStableFunc(c.Last, func(a, b NoticeEvent) int { return cmp.Compare(a.At, b.At) })
	if over := len(c.Last) - mostEvents; over > 0 {
		c.Last, c.LeftOut = c.Last[over:], uint64(over)
	}
	return c
}

// storm takes the shape of the dials from the gauges and counters.
func (s *sums) storm(arm string) Storm {
	surplus := s.counter(arm, record.DialsSurplus, record.AttrReason)
	storm := Storm{
		Failed: surplus["failed"], Overflow: surplus["overflow"], Unused: surplus["unused"], Surplus: total(surplus),
		Leaving: total(s.counter(arm, record.DialsLeaving, record.AttrResult)),
	}
	for node, peak := range s.peaks[arm] {
		if node == allNodes {
			storm.Peak, storm.At = peak.Peak, peak.At
			continue
		}
		peak.Node = node
		storm.Nodes = append(storm.Nodes, peak)
	}
	slices.SortFunc(storm.Nodes, func(a, b NodePeak) int {
		return cmp.Or(cmp.Compare(b.Peak, a.Peak), cmp.Compare(a.At, b.At), cmp.Compare(a.Node, b.Node))
	})
	return storm
}

// allNodes is the node of the gauges that count dials to all nodes.
const allNodes = "all"

// peaks are the busiest 100 ms by arm and node.
type peaks map[string]map[string]NodePeak

// add takes the gauges of one interval. Those 100 ms count that began outside
// warm-up: a reading may tell of what came before it.
func (p *peaks) add(iv record.Interval, t timeline) {
	type of struct{ arm, node string }
	at := map[of]bundle.Seconds{}
	for _, l := range iv.Levels {
		if l.Name == record.DialsPeakAt {
			at[of{l.Arm, levelAttr(l, record.AttrNode)}] = seconds(l.Value)
		}
	}
	for _, l := range iv.Levels {
		node := levelAttr(l, record.AttrNode)
		began := at[of{l.Arm, node}]
		if l.Name != record.DialsPeak || l.Value < 1 || t.warmup(began.Duration()) {
			continue
		}
		if *p == nil {
			*p = peaks{}
		}
		if (*p)[l.Arm] == nil {
			(*p)[l.Arm] = map[string]NodePeak{}
		}
		if n := uint64(l.Value); n > (*p)[l.Arm][node].Peak {
			(*p)[l.Arm][node] = NodePeak{Peak: n, At: began}
		}
	}
}

// seconds returns what a gauge in seconds says, to the nanosecond; 0 where it
// says more than a duration holds.
func seconds(value float64) bundle.Seconds {
	d, _ := bundle.FromSeconds(value)
	return bundle.Seconds(d)
}

// lengths adds up an arm's distribution of that name, one by its only
// attribute's value or all.
func (s *sums) lengths(arm, name, value string) *histogram.Histogram {
	var sum histogram.Histogram
	for _, d := range s.after.Distributions() {
		if d.Arm == arm && d.Name == name && (value == "" || len(d.Attrs) == 1 && d.Attrs[0].Value == value) {
			sum.Merge(d.Times)
		}
	}
	return &sum
}
