package explain

import (
	"fmt"
	"slices"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/telemetry/mark"
)

func moving(m mark.Mark) bool { return m.Name == "MOVING" }

// refusals are outcomes by which a server refuses a command for a while.
var refusals = []string{"loading", "readonly", "clusterdown", "masterdown", "tryagain"}

// serverRefused: commands were answered, with an error that passes.
func serverRefused(c Case) []Finding {
	counts := map[string]uint64{}
	for _, class := range refusals {
		counts[class] = c.errors(class)
	}
	if c.errors(refusals...) == 0 {
		return nil
	}
	return []Finding{{ID: "server-refused", Title: "The server refused commands while it was not ready", Severity: Expected, Confidence: Certain,
		Evidence: []string{"operations refused: " + classes(counts), c.felt()},
		Cause:    "A shard was loading its data, was no primary any more, or its cluster had no owner for the slot. Relaxed timeouts do nothing for a command that is answered with an error, and go-redis repeats it for a second or two at most.",
		Fix:      "Replicate the database, so that a replica takes over while a shard restarts. Repeat such commands in the application, for as long as a restart takes.",
		Source:   vendor + "Database Version Upgrades (only timeouts are reduced); docs/UPGRADES.md, version-upgrade-unreplicated"}}
}

// receivers: pools that block or subscribe lost messages or met errors while
// the rest was handed over.
func receivers(c Case) []Finding {
	if !c.on() {
		return nil
	}
	f := Finding{ID: "receivers-not-covered", Title: "Subscribers and blocking receivers were not handed over", Severity: Note, Confidence: Certain,
		Cause:  "Blocking commands and subscriptions are outside smart handoffs: their connections are closed with the node and made anew. What was published to a channel meanwhile is gone, for pub/sub keeps nothing.",
		Fix:    "Keep what must not be lost in a stream with a consumer group, and read it from where it was left. For pub/sub expect to subscribe again, and to miss what came between.",
		Source: vendor + "Limitations; Prerequisites, Notes"}
	for _, p := range c.Arm.Pools {
		d := p.Delivery
		errors := classes(d.ReceiverErrors)
		if d.Receivers == 0 || d.Lost == 0 && errors == "" && d.Resubscribed == 0 {
			continue
		}
		text := fmt.Sprintf("pool %s (%s): %s of %s deliveries lost", p.Name, p.Kind, bundle.Count(d.Lost), bundle.Count(d.Due))
		if d.Gaps.Count > 0 {
			text += fmt.Sprintf(" in %s, the longest of %s", plural(d.Gaps.Count, "gap"), plural(d.Gaps.Longest, "message"))
		}
		if errors != "" {
			text += "; errors that receivers got: " + errors
		}
		if d.Resubscribed > 0 {
			text += fmt.Sprintf("; %s confirmed once more", plural(d.Resubscribed, "subscription"))
		}
		if i := slices.IndexFunc(c.messages, func(m mark.Mark) bool { return m.Pool == p.Name }); i >= 0 {
			text += fmt.Sprintf("; the first %s at %s, %s long", c.messages[i].Name, instant(c.messages[i].At), length(c.messages[i].Duration))
		}
		f.Evidence = append(f.Evidence, text)
		if d.Lost > 0 || errors != "" {
			f.Severity = Expected
		}
	}
	if len(f.Evidence) == 0 {
		return nil
	}
	return []Finding{f}
}

// crossedReplies: the client gave replies to the wrong commands while it
// handed over.
func crossedReplies(c Case) []Finding {
	n := c.Arm.CrossedReplies
	if n == 0 {
		return nil
	}
	f := Finding{ID: "crossed-replies", Title: "The client gave replies to the wrong commands during handoffs", Severity: Problem, Confidence: Certain,
		Evidence: []string{fmt.Sprintf("%s crossed, %s wrong or crossed ones given as a value without an error; %s", bundle.Count(n), bundle.Count(c.Arm.SilentReplies), plural(c.Arm.Handoffs.Started, "handoff"))},
		Cause:    "A defect of go-redis (9.17 to 9.23, here " + orNone(c.Run.Versions.GoRedis) + "): while the handoff greets on the new connection, a command can take it and reads the greeting's reply, or another command's.",
		Fix:      "Nothing avoids it for sure in this version but handoffs off. What makes it rare: MaxActiveConns 0, PoolSize two to four times the operations in flight, DisableIdentity, neither client name nor database number.",
		Source:   findings + "1. During a handoff go-redis gives replies to the wrong commands"}
	f.Evidence = append(f.Evidence, quoted(c.replies, func(m mark.Mark) bool { return m.Name == "crossed_reply" })...)
	return []Finding{f}
}

// wrongReplies: replies that belong to no command, outside the client's own
// handoffs, and what the ledger found.
func wrongReplies(c Case) []Finding {
	var list []Finding
	if n := c.Arm.WrongReplies; n > 0 {
		f := Finding{ID: "wrong-replies", Title: "Replies that cannot belong to their command", Severity: Problem, Confidence: Certain,
			Evidence: []string{plural(n, "wrong reply mark")},
			Cause:    "Outside the client's own handoffs this is the server, a proxy, or another user of the same keys." + injected(c.Summary),
			Fix:      "See that nobody else writes schload's keys, then look at the marks wrong_reply of the bundle.", Source: method + "A reply that meets the wrong command"}
		f.Evidence[0] = bundle.Count(n) + " wrong replies"
		f.Evidence = append(f.Evidence, quoted(c.replies, func(m mark.Mark) bool { return m.Name != "crossed_reply" })...)
		list = append(list, f)
	}
	i := c.Arm.Integrity
	if n := i.LostAcknowledgedWrites + i.StaleReads + i.DuplicateApplications + i.OutOfOrder + i.Linearizable.Violations; n > 0 {
		list = append(list, Finding{ID: "integrity", Title: "The database did not keep what it had acknowledged", Severity: Problem, Confidence: Certain,
			Evidence: []string{"violations: " + classes(map[string]uint64{
				"acknowledged writes lost": i.LostAcknowledgedWrites, "stale reads": i.StaleReads, "applied more than once": i.DuplicateApplications,
				"out of order": i.OutOfOrder, "keys not linearizable": i.Linearizable.Violations})},
			Cause:  "Replication is asynchronous: a failover loses what the replica had not. A command that was tried again may be applied twice." + injected(c.Summary),
			Fix:    "Where it matters wait for replicas (WAIT), persist before acknowledging, and make commands safe to repeat. The marks integrity of the bundle name command, key and connection.",
			Source: method + "The ledger"})
	}
	return list
}

func injected(s compare.Summary) string {
	if len(s.Injections) == 0 {
		return ""
	}
	return " In this run faults were ordered of the simulator (--inject)."
}

// quoted gives the first marks as evidence.
func quoted(marks []mark.Mark, of func(mark.Mark) bool) (lines []string) {
	for _, m := range marks {
		if i := slices.Index([]int{0, 1, 2}, len(lines)); i < 0 {
			break
		}
		if of(m) {
			lines = append(lines, fmt.Sprintf("at %s, connection %d to %s: %s", instant(m.At), m.Conn, m.Node, m.Detail))
		}
	}
	return lines
}
