package experiment

import (
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	"schload/handoff"
	"schload/handoff/notice"
	"schload/telemetry/record"
	"schload/workload"
)

// counts returns what an arm's client has seen since the reading before, under
// the names of the metric list. Counts of zero are kept where a reader needs
// to see that nothing happened (dials, handoffs), and left out elsewhere.
func counts(arm string, before, now handoff.Observation) []record.Count {
	var out []record.Count
	add := func(name string, n uint64, attrs ...record.Attr) {
		out = append(out, record.Count{Name: name, Arm: arm, Attrs: attrs, Value: n})
	}
	some := func(name string, n uint64, attrs ...record.Attr) {
		if n > 0 {
			add(name, n, attrs...)
		}
	}
	result := func(v string) record.Attr { return record.Attr{Key: record.AttrResult, Value: v} }

	add(record.AttemptsHidden, now.Retries.Attempts-before.Retries.Attempts)
	add(record.ConnectionDials, now.Dials.OK-before.Dials.OK, result("ok"))
	for class := range workload.Class(workload.Classes) {
		some(record.ConnectionDials, now.Dials.Failures[class]-before.Dials.Failures[class], result(class.String()))
	}
	for _, c := range sortedCloses(now) {
		some(record.ConnectionCloses, now.Closes[c]-before.Closes[c],
			record.Attr{Key: record.AttrBy, Value: c.By}, record.Attr{Key: record.AttrReason, Value: c.Reason})
		some(record.ClientClosed, now.Closes[c]-before.Closes[c], record.Attr{Key: record.AttrClosed, Value: c.Reason})
	}
	some(record.ClientTimeouts, now.Pool.Timeouts-before.Pool.Timeouts)
	some(record.Redirects, now.Redirects.Moved-before.Redirects.Moved, result("moved"))
	some(record.Redirects, now.Redirects.Ask-before.Redirects.Ask, result("ask"))
	some(record.Pipelines, now.Pipelines.Sent-before.Pipelines.Sent)
	some(record.PipelineCommands, now.Pipelines.Commands-before.Pipelines.Commands)
	some(record.SlotMapReads, now.SlotMaps-before.SlotMaps)
	some(record.RepliesSilent, now.SilentReplies-before.SilentReplies)
	add(record.Handoffs, now.Handoff.Started-before.Handoff.Started, result("started"))
	add(record.Handoffs, now.Handoff.Succeeded-before.Handoff.Succeeded, result("succeeded"))
	add(record.Handoffs, now.Handoff.Failed-before.Handoff.Failed, result("failed"))
	add(record.ClientHandoffs, now.Handoff.Succeeded-before.Handoff.Succeeded)
	for _, n := range slices.SortedFunc(maps.Keys(now.Notices.From), handoff.Notified.Compare) {
		some(record.ClientNotifications, now.Notices.From[n]-before.Notices.From[n], append(peer(n.Node), record.Attr{Key: record.AttrNotice, Value: n.Kind.String()})...)
	}
	return out
}

// peer are the attributes of a node.
func peer(node string) []record.Attr {
	host, port, err := net.SplitHostPort(node)
	if err != nil {
		return []record.Attr{{Key: record.AttrPeerAddress, Value: node}} // other
	}
	return []record.Attr{{Key: record.AttrPeerAddress, Value: host}, {Key: record.AttrPeerPort, Value: port}}
}

// proved counts the connections that were proved since the reading before:
// those that opted in, and those that carried operations without. A connection
// still in its handshake is neither yet.
func proved(arm string, before, now handoff.Proof) []record.Count {
	var out []record.Count
	add := func(optedIn bool, protocol string, n uint64) {
		if n > 0 {
			out = append(out, record.Count{Name: record.ConnectionsProved, Arm: arm, Value: n, Attrs: []record.Attr{
				{Key: record.AttrOptedIn, Value: strconv.FormatBool(optedIn)}, {Key: record.AttrProtocol, Value: protocol}}})
		}
	}
	protocol := "3"
	if now.Protocols[2] > 0 {
		protocol = "2"
	}
	add(false, protocol, without(now)-min(without(now), without(before)))
	add(true, "3", now.OptedIn-before.OptedIn) // only RESP3 carries notices
	return out
}

// without is how many connections carried operations without having opted in.
func without(p handoff.Proof) uint64 { return p.Used - min(p.Used, p.OptedIn) }

// levels returns the arm's gauges.
func levels(arm string, now handoff.Observation) []record.Level {
	out := []record.Level{
		{Name: record.ConnectionsRelaxed, Arm: arm, Value: float64(now.Relaxed.Now)},
		{Name: record.ClientConnections, Arm: arm, Attrs: []record.Attr{{Key: record.AttrState, Value: "idle"}}, Value: float64(now.Pool.Idle)},
		{Name: record.ClientConnections, Arm: arm, Attrs: []record.Attr{{Key: record.AttrState, Value: "used"}}, Value: float64(max(0, now.Connections-now.Pool.Idle))},
	}
	out = append(out, relaxedBy(arm, now.Relaxed)...)
	out = append(out, record.Level{Name: record.ClientPending, Arm: arm, Value: float64(now.Pool.Pending)})
	if now.Pool.Max > 0 {
		out = append(out,
			record.Level{Name: record.ClientMost, Arm: arm, Value: float64(now.Pool.Max)},
			record.Level{Name: record.ClientMostIdle, Arm: arm, Value: float64(now.Pool.MaxIdle)},
			record.Level{Name: record.ClientLeastIdle, Arm: arm, Value: float64(now.Pool.MinIdle)})
	}
	for _, node := range slices.Sorted(maps.Keys(now.Nodes)) {
		out = append(out, record.Level{Name: record.Connections, Arm: arm,
			Attrs: []record.Attr{{Key: record.AttrNode, Value: node}}, Value: float64(now.Nodes[node])})
	}
	return out
}

// relaxedBy tells the relaxed connections apart by what relaxed them, as the
// client does: a notice, or a handoff. What usually does is stated at 0, too.
func relaxedBy(arm string, relaxed handoff.Relaxations) []record.Level {
	level := func(why string, n int) record.Level {
		return record.Level{Name: record.ClientRelaxed, Arm: arm, Attrs: []record.Attr{{Key: record.AttrNotice, Value: why}}, Value: float64(n)}
	}
	var out []record.Level
	rest := relaxed.Now
	for i, n := range relaxed.By {
		switch kind := notice.Kind(i); {
		case n > 0, kind == notice.Migrating, kind == notice.FailingOver, kind == notice.SMigrating:
			out = append(out, level(kind.String(), n))
		}
		rest -= n
	}
	return append(out, level("HANDOFF", rest))
}

func sortedCloses(o handoff.Observation) []handoff.Close {
	return slices.SortedFunc(maps.Keys(o.Closes), func(a, b handoff.Close) int {
		return strings.Compare(a.By+a.Reason, b.By+b.Reason)
	})
}

func join(reasons []string) string { return strings.Join(reasons, "; ") }
