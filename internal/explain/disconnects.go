package explain

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/mark"
)

// nothingAnnounced: connections asked for notices, none came, and the arm was
// hurt without being disconnected. (Disconnects have rules of their own.)
func nothingAnnounced(c Case) []Finding {
	out := c.timedOutConnections()
	if !c.on() || c.notices() > 0 || len(c.unannounced()) > 0 || c.Arm.Outage.Windows == 0 && len(out) == 0 && c.errors(timeoutClasses...) == 0 {
		return nil
	}
	f := Finding{ID: "nothing-announced", Title: "The server announced nothing", Severity: Expected, Confidence: Likely,
		Evidence: []string{fmt.Sprintf("%s of %s connections opted in and read no notice", bundle.Count(c.Arm.SCH.OptedIn), bundle.Count(c.Arm.SCH.Connections))},
		Cause:    "Handoffs follow notices. Failures that nobody plans (a node, a network) come without; if this was planned, the server's switch or its endpoint policy keeps the notices back.",
		Fix:      "For a planned upgrade check that client maintenance notifications are on for cluster and database, and raise a ticket with the vendor. For failures rely on timeouts, retries and reconnects.",
		Source:   vendor + "SCH not triggering"}
	f.Evidence = append(f.Evidence, c.felt())
	if len(out) > 0 {
		f.Evidence = append(f.Evidence, plural(len(out), "connection")+" closed for want of a reply: "+named(out, endedAt))
	}
	return []Finding{f}
}

// felt says what the arm lost.
func (c Case) felt() string {
	o := c.Arm.Operations
	text := fmt.Sprintf("%s of %s operations failed, %s missed", bundle.Count(o.Failed), bundle.Count(o.Due), bundle.Count(o.Missed))
	if o.Failed > 0 {
		text += " (" + classes(c.Arm.Errors) + ")"
	}
	if w := c.Arm.Outage; w.Windows > 0 {
		text += fmt.Sprintf("; %s, the longest %s", plural(w.Windows, "outage"), length(w.Longest.Duration()))
		if len(c.outages) > 0 {
			text += ", the first at " + instant(c.outages[0].At)
		}
	}
	return text
}

// unannounced returns the connections that the server ended though no MOVING
// had named their node, and no SMIGRATED had its slots go elsewhere.
func (c Case) unannounced() (list []*connection) {
	for _, one := range c.order {
		if one.byServer() {
			if _, told := c.leaving(one); !told && !c.gaveSlots(one) {
				list = append(list, one)
			}
		}
	}
	return list
}

// disconnected: the server ended connections that opted in and announced no
// move. Whether the same node came back tells an upgrade in place from a node
// that was lost.
func disconnected(c Case) []Finding {
	list := c.unannounced()
	if !c.on() || len(list) == 0 {
		return nil
	}
	slices.SortStableFunc(list, byEnd)
	f := Finding{Severity: Expected, Confidence: Likely, Evidence: []string{
		fmt.Sprintf("the server closed %s without MOVING: %s", plural(len(list), "connection"), named(list, endedAt)),
		"notices read: " + orNone(classes(c.Arm.Notices)),
		c.felt(),
	}}
	back, down := c.cameBack(list)
	if down > 0 {
		f.Evidence = append(f.Evidence, fmt.Sprintf("%s accepted connections again %s after the first close", back.node, length(down)))
	}
	switch {
	case c.Summary.Upgrade.SCHSupport == "relaxed":
		f.ID, f.Title = "no-handoff-behind-one-address", "Behind PrivateLink or Private Service Connect there is no handoff"
		f.Cause = "One address stands before all proxies, so there is nothing to hand over to and no MOVING is sent; the proxy that leaves closes its connections."
		f.Fix = "Expect a short drop: keep retries on, and idempotent commands safe to repeat. Where possible connect without PrivateLink."
		f.Source = vendor + "Limitations"
	case down > 0:
		f.ID, f.Title = "in-place-disconnect", "Disconnects that handoffs cannot prevent: the processes were replaced in place"
		f.Cause = "The proxy stopped and came back at the same address. No other node took its place, so there was nothing to hand over to; handoffs can only relax timeouts meanwhile."
		f.Fix = "Use a rolling upgrade where drops matter. With in-place upgrades rely on reconnecting: retries on, commands safe to repeat."
		f.Source = vendor + "Disconnects during in-place upgrade; SCH Support, In-place upgrade"
	default:
		f.ID, f.Title = "unannounced-disconnect", "The server closed connections that it had not told to move"
		f.Cause = "Nobody announced that the node would leave: an unplanned failure; or an endpoint served by several proxies, of which one leaves and none joins, for then MOVING has no address to name; or a server whose switch is off."
		f.Fix = "If it was planned, check client maintenance notifications and the endpoint's proxy policy (single, all-master-shards, all-nodes). Beyond that only retries and reconnects help."
		f.Source = vendor + "SCH not triggering; Root Cause; docs/UPGRADES.md, maintenance-mode-multi-proxy and widening"
	}
	if !c.hurt() {
		f.Severity = Note // retries hid it
	}
	return []Finding{f}
}

// cameBack returns a connection that was made to a node after it had closed
// those of the list, and how long after; 0 if none was.
func (c Case) cameBack(list []*connection) (*connection, time.Duration) {
	first := map[string]time.Duration{}
	for _, one := range list {
		if at, ok := first[one.node]; !ok || one.ended < at {
			first[one.node] = one.ended
		}
	}
	var found *connection
	for _, one := range c.order {
		if at, ok := first[one.node]; ok && one.dialled > at && (found == nil || one.dialled < found.dialled) {
			found = one
		}
	}
	if found == nil {
		return nil, 0
	}
	return found, found.dialled + found.dialTook - first[found.node]
}

// landedOnLeavingNode: connections were made to a node after it had been
// announced to leave, and the server ended them with it.
func landedOnLeavingNode(c Case) []Finding {
	var list []*connection
	nodes := map[string]bool{}
	before := 0
	for _, one := range c.order {
		m, told := c.leaving(one)
		if !one.byServer() || !told {
			continue
		}
		if one.dialled <= m.at {
			before++
			continue
		}
		list = append(list, one)
		nodes[one.node] = true
	}
	if len(list) == 0 {
		return nil
	}
	f := Finding{ID: "landed-on-leaving-node", Title: "Reconnects landed on the node that was about to leave", Severity: Problem, Confidence: Certain,
		Evidence: []string{
			fmt.Sprintf("%s dialled after MOVING had named their node: %s", plural(len(list), "connection"), named(list, dialledAt)),
			fmt.Sprintf("the server closed them with the node (%s): %s", joined(nodes), named(list, endedAt)),
		},
		Cause:  "The client dialled the address that it was configured with. The record behind it, or a cached copy, still named the old node; each connection so made is disconnected a second time.",
		Fix:    "Let MOVING name the new node (any endpoint_type but none), so that connections are handed to it directly. Where only the name can be used, reconnect no sooner than the record has moved: a TTL of some seconds, no cache in between.",
		Source: vendor + "FAQs, auto-reconnect and DNS refresh; measured, StackExchange.Redis #3202: the record moves 4 to 10 s after the endpoint"}
	if d := c.first("dns", list[0].dialled); d != "" {
		f.Evidence = append(f.Evidence, d)
	}
	if c.on() && c.settings.EndpointType != "none" {
		f.Cause = "Handoffs move connections that are there. Those dialled meanwhile, because the pool grew, replaced one or found none free, go to the configured address, which still leads to the old node; they are disconnected with it unless they are told and moved in time."
		f.Fix = "Have the connections open before maintenance begins (MinIdleConns, PoolSize two to four times the operations in flight), and none bounded (MaxActiveConns 0), so that no command has to dial meanwhile."
		f.Source = findings + "3. A busy pool dials the old address while it moves"
	}
	if !c.hurt() {
		f.Severity = Note // retries hid it
	}
	return []Finding{f}
}

// first says when the stage first did something after that instant.
func (c Case) first(step string, after time.Duration) string {
	for _, m := range c.steps {
		if m.Name == step && m.At >= after {
			return fmt.Sprintf("the %s step came at %s: %s", step, instant(m.At), m.Detail)
		}
	}
	return ""
}

// staleAddress: the arm dialled in vain, and came back on another node than it
// had been on.
func staleAddress(c Case) []Finding {
	left, failed, back := c.lostAndFound()
	if back == nil || left == nil || back.node == left.node {
		return nil
	}
	kinds, names := map[string]uint64{}, map[string]bool{}
	for _, m := range failed {
		kinds[m.Name]++
		names[m.Node] = true
	}
	again := back.dialled + back.dialTook
	f := Finding{ID: "stale-address", Title: "Reconnects went to a node that had left", Severity: Problem, Confidence: Likely,
		Evidence: []string{
			fmt.Sprintf("%s in vain to %s (%s) %s", plural(len(failed), "dial"), joined(names), classes(kinds), between(failed[0].At, failed[len(failed)-1].At)),
			fmt.Sprintf("before that connected to %s, and again at %s to %s: %s after the first dial that failed", left.node, instant(again), back.node, length(again-failed[0].At)),
		},
		Cause:  "The address that the arm was configured with led to the old node until its record moved. Without a handoff a client cannot know the new node before that.",
		Fix:    "With handoffs MOVING names the new node ahead of time. Otherwise keep the record's TTL low and caches out of the way, and retry for longer than the record takes.",
		Source: vendor + "FAQs, auto-reconnect and DNS refresh; How SCH Works"}
	var closed []*connection
	for _, one := range c.order {
		if one.byServer() && one.node == left.node {
			closed = append(closed, one)
		}
	}
	if len(closed) > 0 {
		f.Evidence = append(f.Evidence, fmt.Sprintf("the server closed %s to %s: %s", plural(len(closed), "connection"), left.node, named(closed, endedAt)))
	}
	if d := c.first("dns", failed[0].At); d != "" {
		f.Evidence = append(f.Evidence, d)
	}
	if n := len(c.vain()); n > len(failed) {
		f.Evidence = append(f.Evidence, fmt.Sprintf("that is the first time; in the whole run %s dials failed", bundle.Count(n)))
	}
	f.Evidence = append(f.Evidence, c.felt())
	if !c.hurt() {
		f.Severity = Note // retries hid it
	}
	return []Finding{f}
}

// vain returns the dials that failed in the rounds, without those of handoffs,
// which go to another address.
func (c Case) vain() []mark.Mark {
	return slices.DeleteFunc(slices.Clone(c.failedDials), func(m mark.Mark) bool { return m.Round == 0 || m.Detail != "" })
}

// lostAndFound returns the last connection that was made before dials began to
// fail, the dials that failed until one was made again, and that one.
func (c Case) lostAndFound() (left *connection, failed []mark.Mark, back *connection) {
	vain := c.vain()
	if len(vain) == 0 {
		return nil, nil, nil
	}
	for _, one := range c.order {
		switch {
		case one.handoff || one.dialled < 0:
		case one.dialled <= vain[0].At && (left == nil || one.dialled > left.dialled):
			left = one
		case one.dialled > vain[0].At && (back == nil || one.dialled < back.dialled):
			back = one
		}
	}
	for _, m := range vain {
		if back != nil && m.At <= back.dialled+back.dialTook {
			failed = append(failed, m)
		}
	}
	return left, failed, back
}

func joined(names map[string]bool) string {
	list := slices.Sorted(maps.Keys(names))
	if len(list) > mostNamed {
		return fmt.Sprintf("%v and %d more", list[:mostNamed], len(list)-mostNamed)
	}
	text := ""
	for i, name := range list {
		if i > 0 {
			text += ", "
		}
		text += name
	}
	return text
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}
