package telemetry

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"schload/telemetry/record"
)

// absent says which metrics that one may look for schload does not export, and
// why: those of Redis' specification and of the semantic conventions, and names
// that other load generators have for what it calls otherwise. docs/METRICS.md
// lists them.
var absent = map[string]string{
	"redis.client.geofailover.failovers": "the client under test has no failover between regions",
	"redis.client.csc.requests":          "client-side caching is not used",
	"redis.client.csc.items":             "client-side caching is not used",
	"redis.client.csc.evictions":         "client-side caching is not used",
	"redis.client.csc.network_saved":     "client-side caching is not used",
	"redis.client.pubsub.messages":       "`schload.messages` says what became of each message at each receiver",
	"redis.client.stream.lag":            "`schload.message.delivery_time`, of consumer groups too, is measured from when a message was due; a lag would begin when the server took it",
	"db.client.connection.use_time":      "the client does not tell when a connection is taken and given back; `db.client.operation.duration` holds the wait for one, too",
	"db.client.response.returned_rows":   "replies of Redis have no rows",
	"schload.operations.scheduled":       "`schload.operations.due`",
	"schload.operations.dropped":         "`schload.operations.missed`, by reason",
	"schload.inflight":                   "`schload.harness.in_flight`, the mean of an interval; a reading of one instant says little",
	"schload.telemetry.export.failures":  "`schload.telemetry.exports` with result failed",
}

// lacking are attributes that the specifications name, of a metric that is
// exported without them.
type lacking struct {
	attribute string
	of        []string // metrics
	why       string
}

var absentAttributes = []lacking{
	{"db.namespace", []string{record.ServiceTime}, "one run loads one database: its number is in `run.json`"},
	{"db.operation.batch.size", []string{record.ServiceTime}, "a pipeline is one operation of its pool, which has one depth"},
	{"db.query.text", []string{record.ServiceTime}, "keys and values do not belong into labels"},
	{"db.response.status_code", []string{record.ServiceTime, record.ClientErrors}, "classes of outcomes are told apart, not the first words of replies: `schload.operations` by outcome, `redis.client.errors` by `error.type`"},
	{"db.stored_procedure.name", []string{record.ServiceTime}, "scripts have no name; `db.operation.name` EVAL tells them apart"},
	{record.AttrCategory, []string{record.ServiceTime}, "histograms tell ok from failed: one for each class would be 20 times the memory; `redis.client.errors` has it"},
	{record.AttrCategory, []string{record.ClientClosed}, "a close is told by the client's reason; `schload.connection.closes` adds the side that closed"},
	{record.AttrError, []string{record.ClientClosed}, "a close is told by the client's reason; `schload.connection.closes` adds the side that closed"},
	{record.AttrPeerAddress, []string{record.ServiceTime, record.ClientErrors}, "nodes multiply histograms and come and go; `schload.connections` and `redis.client.maintenance.notifications` tell them"},
	{record.AttrPeerPort, []string{record.ServiceTime, record.ClientErrors}, "as `network.peer.address`"},
	{"redis.client.connection.pubsub", []string{record.ClientConnections}, "receivers' connections are not told apart: open ones count as used"},
}

// different says what is exported under a specified name and differs from what
// the specification says, on purpose.
var different = map[string]string{
	record.ClientHandoffs:   "unit {handoff}, where Redis' specification has 1, which says less of what is counted; Prometheus names both alike",
	record.ClientCreateTime: "without the handshake of Redis, which the client makes when the connection is first used; `schload.client.init_time` holds both",
	record.ServiceTime:      "`error.type` is `_OTHER` on all failures: histograms tell ok from failed, the classes are the outcomes of `schload.operations` and the `error.type` of `redis.client.errors`",
	record.ClientErrors:     "`error.type` is a class of outcomes (read_timeout, eof, ...), a bounded list; of what the client dealt with itself it is `_OTHER`, because the client does not tell",
}

// units are those of different that the test of specifications finds.
var units = map[string]string{record.ClientHandoffs: "{handoff}"}

const absentHead = `
## Not exported, and why

| metric | why |
|---|---|
`

func renderAbsent() string {
	var b strings.Builder
	b.WriteString(absentHead)
	for _, name := range slices.Sorted(maps.Keys(absent)) {
		fmt.Fprintf(&b, "| `%s` | %s |\n", name, absent[name])
	}
	b.WriteString("\n| attribute | lacking in | why |\n|---|---|---|\n")
	for _, l := range absentAttributes {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", l.attribute, quoted(l.of), l.why)
	}
	b.WriteString("\n| exported otherwise than specified | how |\n|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(different)) {
		fmt.Fprintf(&b, "| `%s` | %s |\n", name, different[name])
	}
	return b.String()
}

// reasonLacking is why a metric has an attribute of its specification not;
// empty: nobody says.
func reasonLacking(metric, attribute string) string {
	for _, l := range absentAttributes {
		if l.attribute == attribute && slices.Contains(l.of, metric) {
			return l.why
		}
	}
	return ""
}

// What is exported is called neither absent nor lacking, and the reasons name
// metrics that are there.
func TestAbsentIsAbsent(t *testing.T) {
	for name := range absent {
		_, exported := descriptors[name]
		if exported || slices.ContainsFunc(contractMetrics, func(m contractMetric) bool { return m.name == name }) {
			t.Errorf("%s is called absent and is exported", name)
		}
	}
	for _, l := range absentAttributes {
		for _, name := range l.of {
			d, exported := descriptors[name]
			if !exported {
				t.Errorf("%s lacks %s and is not exported at all", name, l.attribute)
			}
			if slices.Contains(d.Attributes, l.attribute) {
				t.Errorf("%s is said to lack %s and has it", name, l.attribute)
			}
		}
	}
	for name := range different {
		if _, exported := descriptors[name]; !exported {
			t.Errorf("%s is said to differ and is not exported", name)
		}
	}
	for _, named := range namesIn(renderAbsent()) {
		_, exported := descriptors[named]
		if !exported && absent[named] == "" && !strings.HasPrefix(named, "network.") {
			t.Errorf("a reason names %s, which is no metric", named)
		}
	}
}

// The prose of docs/METRICS.md, which no list makes, calls nothing absent: the
// lists do.
func TestProseCallsNothingAbsent(t *testing.T) {
	for _, word := range []string{"not exported", "no attribute", "left out"} {
		if strings.Contains(metricsHead, word) {
			t.Errorf("the head of %s says %q: say what is absent in the list absent, which is checked", metricsDoc, word)
		}
	}
}

// namesIn are the dotted names of metrics that a text quotes in its last column.
func namesIn(text string) (names []string) {
	for line := range strings.Lines(text) {
		cells := strings.Split(line, "|")
		for i, part := range strings.Split(cells[max(0, len(cells)-2)], "`") {
			if i%2 == 1 && (strings.HasPrefix(part, "schload.") || strings.HasPrefix(part, "redis.client.") || strings.HasPrefix(part, "db.client.")) {
				names = append(names, part)
			}
		}
	}
	return names
}
