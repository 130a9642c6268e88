package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/mark"
)

// push is a notice, whoever reads it.
type push struct {
	name string
	seq  int64
}

// gift is a node that gave slots away: what SMIGRATED says.
type gift struct {
	node  string
	at    time.Duration
	until time.Duration // when the node was given slots itself; forever if it never was
}

const forever = time.Duration(1<<63 - 1)

// pushed finds when each notice was first known to be out, and who gave slots
// away.
func (e *Evidence) pushed() {
	e.sent = map[push]time.Duration{}
	given := map[string][]time.Duration{} // when a node was given slots
	note := func(m mark.Mark) {
		if m.Seq == nil {
			return
		}
		key := push{m.Name, *m.Seq}
		if at, known := e.sent[key]; !known || m.At < at {
			e.sent[key] = m.At
		}
	}
	for _, m := range e.steps {
		if m.Source == "sim" {
			note(m)
		}
	}
	for _, c := range e.cases {
		for _, one := range c.connections {
			for _, m := range one.notices {
				note(m)
				for from, to := range transfers(m) {
					e.gifts = append(e.gifts, gift{node: from, at: m.At, until: forever})
					given[to] = append(given[to], m.At)
				}
			}
		}
	}
	for i, g := range e.gifts {
		for _, at := range given[g.node] {
			if at > g.at {
				e.gifts[i].until = min(e.gifts[i].until, at)
			}
		}
	}
}

// transfers are the nodes that a notice says slots went from and to.
func transfers(m mark.Mark) func(yield func(from, to string) bool) {
	return func(yield func(from, to string) bool) {
		if m.Name != "SMIGRATED" {
			return
		}
		for word := range strings.FieldsSeq(m.Detail) {
			if from, to, ok := strings.Cut(word, "->"); ok && !yield(from, to) {
				return
			}
		}
	}
}

// gaveSlots says whether the connection's node had been announced to give slots
// away while it was open: clients have no business there any more.
func (e *Evidence) gaveSlots(one *connection) bool {
	return slices.ContainsFunc(e.gifts, func(g gift) bool {
		return g.node == one.node && g.at <= one.ended && one.dialled <= g.until
	})
}

// A connection read a push late that was out for lain before, and in the moment
// in which it was found dead.
const (
	lain   = time.Second
	moment = 100 * time.Millisecond
)

// unreadUntilDead returns the push that lay unread on a connection until a
// command was given it and met the server's close behind the push.
func (c Case) unreadUntilDead(one *connection) (mark.Mark, bool) {
	if !one.byServer() || one.why != "eof" && one.why != "reset" {
		return mark.Mark{}, false
	}
	for _, m := range one.notices {
		if m.Seq == nil || m.At > one.ended || m.At < one.ended-moment {
			continue
		}
		if at, known := c.sent[push{m.Name, *m.Seq}]; known && at <= m.At-lain && one.dialled <= at {
			return m, true
		}
	}
	return mark.Mark{}, false
}

// pushHidClose: commands were given connections that the server had closed,
// because a push lay unread before the close.
func pushHidClose(c Case) []Finding {
	var list []*connection
	var first mark.Mark
	for _, one := range c.order {
		if m, ok := c.unreadUntilDead(one); ok {
			list = append(list, one)
			if first.Conn == 0 || m.At < first.At {
				first = m
			}
		}
	}
	if len(list) == 0 {
		return nil
	}
	slices.SortStableFunc(list, byEnd)
	f := Finding{ID: "push-hid-close", Title: "An unread push hid from the client that the server had closed the connection", Severity: Problem, Confidence: Likely,
		Evidence: []string{
			fmt.Sprintf("commands were given %s that the server had closed: %s", plural(len(list), "connection"), named(list, endedAt)),
			fmt.Sprintf("connection %d read %s at %s, %s after it was out, and met the close", first.Conn, first.Name, instant(first.At), length(first.At-c.sent[push{first.Name, *first.Seq}])),
			c.felt(),
		},
		Cause:  "go-redis looks into an idle connection before it gives it to a command. A push that nobody has read lies before the server's close: it finds the push, and takes the connection for a healthy one. Without handoffs there is no push, and it finds the close.",
		Fix:    "Keep retries on (MaxRetries, on a cluster MaxRedirects), commands safe to repeat. To meet it less often keep no more idle connections than the load needs (PoolSize, MaxIdleConns), or for less long (ConnMaxIdleTime).",
		Source: findings + "7. An unread push hides the server's close"}
	if c.errors("eof", "reset") == 0 {
		f.Severity = Note // retries hid it
	}
	return []Finding{f}
}

// redirectNotFollowed: another node was to answer, and the arm does not ask it.
func redirectNotFollowed(c Case) []Finding {
	n := c.errors("redirect")
	if n == 0 || c.settings.MaxRetries != -1 {
		return nil
	}
	return []Finding{{ID: "redirect-not-followed", Title: "Commands were sent to another node and the client did not follow", Severity: Problem, Confidence: Certain,
		Evidence: []string{
			fmt.Sprintf("%s failed with MOVED or ASK; max_retries is -1", plural(n, "operation")),
			fmt.Sprintf("redirects in all: %s MOVED, %s ASK", bundle.Count(c.Arm.Redirects.Moved), bundle.Count(c.Arm.Redirects.Ask)),
		},
		Cause:  "Slots moved, and the old node answers with the new one. To go-redis following that is a retry (MaxRedirects); without any the application gets the redirect as an error. It was not executed. Handoffs do not prevent it: slots flip before SMIGRATED.",
		Fix:    "Let clients of a cluster follow redirects: MaxRedirects 1 or more (max_retries).",
		Source: method + "An arm on a cluster"}}
}
