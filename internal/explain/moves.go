package explain

import (
	"fmt"
	"slices"

	"schload/internal/bundle"
	"schload/telemetry/mark"
)

// neverTold: connections to a node that MOVING named were ended, or left,
// without having read it.
func neverTold(c Case) []Finding {
	var events, concerned, told uint64
	for _, n := range c.Arm.Attribution.Notices.Last {
		if n.Name == "MOVING" {
			events, concerned, told = events+1, concerned+n.Connections, told+n.Told
		}
	}
	untold := c.Arm.Attribution.Connections.ClosedUntold
	list := c.closedUntold()
	if !c.on() || told >= concerned && len(list) == 0 {
		return nil
	}
	f := Finding{ID: "never-told", Title: "Idle connections never read that they had to move", Severity: Note, Confidence: Certain,
		Cause:  "go-redis reads a connection only when a command uses it. A pool with more connections than the load needs keeps some cold; they are closed with the old node, and the next command on one of them meets a dead connection.",
		Fix:    "Harmless while retries are on. To have fewer, do not keep more idle connections than the load needs (PoolSize, MaxIdleConns).",
		Source: method + "What the handoffs did: who was told"}
	if events > 0 {
		f.Evidence = append(f.Evidence, fmt.Sprintf("of %s that MOVING concerned, in %s, %s read it", plural(concerned, "connection"), plural(events, "event"), bundle.Count(told)))
	}
	if untold > 0 {
		f.Evidence = append(f.Evidence, fmt.Sprintf("the server closed %s before they were told", bundle.Count(untold)))
	}
	if len(list) > 0 {
		f.Evidence = append(f.Evidence, "closed untold: "+named(list, endedAt))
	}
	if len(list) > 0 && c.errors("eof", "reset") > 0 {
		f.Severity, f.Confidence = Problem, Likely
		f.Evidence = append(f.Evidence, c.felt())
	}
	return []Finding{f}
}

// closedUntold returns the connections that were open when their node was
// announced to leave, had not read it, and were closed with it.
func (c Case) closedUntold() (list []*connection) {
	for _, one := range c.order {
		m, announced := c.leaving(one)
		if one.byServer() && announced && one.dialled <= m.at && !slices.ContainsFunc(one.notices, moving) {
			list = append(list, one)
		}
	}
	return list
}

// handoffsFailed: handoffs were begun and did not succeed, because the new
// address could not be dialled, or because the greeting there went wrong.
func handoffsFailed(c Case) []Finding {
	h, abandoned := c.Arm.Handoffs, c.Arm.Attribution.Handoffs.Abandoned
	if h.Failed == 0 && abandoned == 0 {
		return nil
	}
	figures := fmt.Sprintf("%s started, %s succeeded, %s failed, %s given up for good", bundle.Count(h.Started), bundle.Count(h.Succeeded), bundle.Count(h.Failed), plural(abandoned, "connection"))
	var undialled, broken []mark.Mark
	for _, m := range c.handoffs {
		switch {
		case m.Name != "failed":
		case m.Conn == 0:
			undialled = append(undialled, m)
		default:
			broken = append(broken, m)
		}
	}
	if len(undialled) == 0 && len(broken) > 0 {
		return c.handoffsBroken(figures, broken)
	}
	f := Finding{ID: "handoff-failed", Title: "Handoffs failed: the client could not take up the address that MOVING named", Severity: Problem, Confidence: Likely,
		Evidence: []string{figures},
		Cause:    "The named address cannot be reached from the client, or refuses it: an internal address named to a client outside, a firewall, a certificate for another name, or a new node that is not up yet.",
		Fix:      "From the client's machine, dial the address shown. Ask for addresses that it can reach (endpoint_type external-ip or external-fqdn; with TLS an fqdn), or open the network. A longer handoff_timeout helps where the node is late.",
		Source:   "go-redis, maintnotifications.EndpointType and HandoffTimeout; the breaker opens after 5 failures and does not close again (v9.23)"}
	f.Evidence = append(f.Evidence, failures(undialled)...)
	f.Evidence = append(f.Evidence, c.askedFor())
	if c.settings.EndpointType == "none" {
		f.Title = "Handoffs failed: the client could not reconnect to its configured address"
		f.Cause = "With endpoint_type none MOVING names no address: the client dials the configured one after half the announced time, and again where that fails. Its record still named the node that was leaving, or had left."
		f.Fix = "Let MOVING name the new node (any endpoint_type but none). Where only the name can be used, keep the record's TTL low and caches out of the way."
	}
	return []Finding{f}
}

// handoffsBroken is of handoffs that failed after the dial.
func (c Case) handoffsBroken(figures string, broken []mark.Mark) []Finding {
	f := Finding{ID: "handoff-broken", Title: "Handoffs broke off during the greeting on the new connection", Severity: Problem, Confidence: Likely,
		Evidence: append([]string{figures}, failures(broken)...),
		Cause:    "The new node accepted the connection, and HELLO, authentication or the opt-in did not come through: refused, closed, timed out, or (go-redis 9.17 to 9.23) crossed with a command.",
		Fix:      "See that the new node takes the same credentials and has client maintenance notifications on. For crossed greetings see crossed-replies.",
		Source:   findings + "1. During a handoff go-redis gives replies to the wrong commands; go-redis, handoff worker"}
	if !c.hurt() {
		f.Severity = Note
	}
	return []Finding{f}
}

// failures says when handoffs first failed, where to, and why.
func failures(list []mark.Mark) []string {
	if len(list) == 0 {
		return nil
	}
	why, nodes := map[string]uint64{}, map[string]bool{}
	for _, m := range list {
		why[m.Detail]++
		nodes[m.Node] = true
	}
	return []string{"the first at " + instant(list[0].At) + " after " + length(list[0].Duration), "to " + joined(nodes) + ": " + classes(why)}
}

// overflowDials: during handoffs commands dialled for themselves, more often
// than connections were handed over.
func overflowDials(c Case) []Finding {
	d, started := c.Arm.Attribution.Dials, c.Arm.Handoffs.Started
	if d.Overflow == 0 || d.Overflow <= started {
		return nil
	}
	f := Finding{ID: "overflow-dials", Title: "A storm of dials while connections were handed over", Severity: Problem, Confidence: Certain,
		Evidence: []string{
			fmt.Sprintf("%s dials for a single command each, for %s: %.1f for each", bundle.Count(d.Overflow), plural(started, "handoff"), ratio(d.Overflow, started)),
			fmt.Sprintf("at most %s dials within 100 ms, at %s", bundle.Count(d.Peak), instant(d.At.Duration())),
		},
		Cause:  "A connection that is being handed over cannot be used. A command that finds none free dials one for itself, to the configured address, which is the old node, and throws it away. Slow or failing handoffs make it as many as there are commands.",
		Fix:    "Have more connections than operations in flight (PoolSize two to four times), and make handoffs quick: reachable addresses, a quick handshake, no work in OnConnect. Watch ephemeral ports and the server's limit of clients.",
		Source: findings + "3. A busy pool dials the old address while it moves"}
	if d.Leaving > 0 {
		f.Evidence = append(f.Evidence, fmt.Sprintf("%s dials went to a node that was about to leave", bundle.Count(d.Leaving)))
	}
	for i, n := range d.Nodes {
		if i < 2 {
			f.Evidence = append(f.Evidence, fmt.Sprintf("%s: at most %s within 100 ms, at %s", n.Node, bundle.Count(n.Peak), instant(n.At.Duration())))
		}
	}
	return []Finding{f}
}

func ratio(n, of uint64) float64 {
	if of == 0 {
		return float64(n)
	}
	return float64(n) / float64(of)
}

// poolExhausted: commands failed because the pool may not dial.
func poolExhausted(c Case) []Finding {
	n := c.errors("pool_exhausted")
	if n == 0 {
		return nil
	}
	f := Finding{ID: "pool-exhausted", Title: "The bound on connections turned handoffs into errors", Severity: Problem, Confidence: Certain,
		Evidence: []string{fmt.Sprintf("%s failed with pool exhausted, of %s due", plural(n, "operation"), bundle.Count(c.Arm.Operations.Due))},
		Cause:    "Connections that are being handed over count as open and cannot be used. With MaxActiveConns reached the pool may not dial, and the command fails at once, without waiting and without a retry.",
		Fix:      "Leave MaxActiveConns at 0; bound with PoolSize, which lets a command dial instead. If it must be bounded, leave room: twice PoolSize or more.",
		Source:   findings + "2. A bound on connections turns a handoff into errors"}
	if c.settings.MaxActiveConns > 0 {
		f.Evidence = append(f.Evidence, fmt.Sprintf("max_active_conns is %d, pool_size %d", c.settings.MaxActiveConns, c.settings.PoolSize))
	}
	if c.Arm.Handoffs.Started == 0 {
		f.Title, f.Confidence = "The bound on connections was reached", Likely
		f.Cause = "The pool had no free connection and may not dial another one. No handoff was under way: the bound is below what the load, or its reconnects, need."
	} else {
		f.Evidence = append(f.Evidence, fmt.Sprintf("%s started", plural(c.Arm.Handoffs.Started, "handoff")))
	}
	return []Finding{f}
}

// relaxationLeaked: windows of relaxed timeouts that nothing keeps open.
func relaxationLeaked(c Case) []Finding {
	r := c.Arm.Attribution.Relaxed
	if r.NeverClosed == 0 {
		return nil
	}
	return []Finding{{ID: "relaxation-leaked", Title: "Relaxed timeouts were never taken back", Severity: Problem, Confidence: Certain,
		Evidence: []string{
			fmt.Sprintf("%s of %s still open at the end though every announced maintenance was over", bundle.Count(r.NeverClosed), plural(r.Windows, "window")),
			"the longest was open for " + length(r.Longest.Duration()),
		},
		Cause:  "go-redis counts openings and closings on each connection and gives a notice's window no limit. A connection that moves, or misses the closing notice, stays relaxed for good: a dead server is then noticed after the relaxed timeout instead of the read timeout.",
		Fix:    "Give connections an end: ConnMaxLifetime (conn_max_lifetime) of some minutes replaces them. Keep RelaxedTimeout no longer than a hung command may hang.",
		Source: method + "What the handoffs did, never closed"}}
}
