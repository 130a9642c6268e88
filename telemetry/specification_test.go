package telemetry

import (
	"bufio"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"schload/telemetry/record"
)

// absent says which metrics of Redis' specification schload does not export,
// and why. It must not name one that it does.
var absent = map[string]string{
	"redis.client.geofailover.failovers": "the client under test has no failover between regions",
	"redis.client.csc.requests":          "client-side caching is not used",
	"redis.client.csc.items":             "client-side caching is not used",
	"redis.client.csc.evictions":         "client-side caching is not used",
	"redis.client.csc.network_saved":     "client-side caching is not used",
	"redis.client.pubsub.messages":       "schload.messages says what became of each message at each receiver",
	"redis.client.stream.lag":            "no consumer groups; schload.message.delivery_time is measured from when a message was due",
}

// units that differ from the specification's, on purpose: 1 says what is
// counted no better than {handoff}, and Prometheus names both alike.
var units = map[string]string{record.ClientHandoffs: "{handoff}"}

// Every metric of Redis' specification is exported as it says, or it is stated
// here why not.
func TestRedisSpecification(t *testing.T) {
	file, err := os.Open("testdata/redis-client-metrics-v0.2.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	seen := 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		seen++
		f := strings.Fields(lines.Text())
		name, kind, unit, required := f[1], f[2], f[3], f[4:]
		d, exported := descriptors[name]
		if (absent[name] != "") == exported {
			t.Errorf("%s: exported %v, and absent because %q", name, exported, absent[name])
		}
		if !exported {
			continue
		}
		if other := units[name]; other != "" {
			unit = other
		}
		if d.Kind != kind || d.Unit != unit {
			t.Errorf("%s is a %s of %s, specified is a %s of %s", name, d.Kind, d.Unit, kind, unit)
		}
		for _, key := range required {
			if !slices.Contains(d.Attributes, key) {
				t.Errorf("%s lacks the required attribute %s", name, key)
			}
		}
	}
	if seen != 17 {
		t.Errorf("%d metrics in the specification, want 17", seen)
	}
}

// What the list says of client metrics is what is exported: each has the
// attributes listed, no more and no less.
func TestClientMetricsHaveTheirAttributes(t *testing.T) {
	s := newSource("on", base, new(health))
	s.library, s.server = "go-redis:v9.23.0", server{"db.example", 12000}
	own := map[string][]record.Attr{
		record.ClientNotifications: attrs(record.AttrNotice, "MOVING", record.AttrPeerAddress, "10.0.0.1", record.AttrPeerPort, "12000"), record.ClientClosed: attrs(record.AttrClosed, "handoff"),
		record.ClientRelaxed:     attrs(record.AttrNotice, "MIGRATING"),
		record.ClientConnections: attrs(record.AttrState, "idle"), record.ClientErrors: clientError("eof", categoryNetwork, "false", 0),
	}
	for _, m := range record.Metrics {
		if !strings.HasPrefix(m.Name, "redis.client.") && !strings.HasPrefix(m.Name, "db.client.connection.") {
			continue
		}
		var want []string
		for _, a := range m.Attributes {
			if a != record.AttrRound {
				want = append(want, a)
			}
		}
		set := s.newPoints(m.Name, s.placed(m.Name, own[m.Name], record.Maintenance, 1), false).attributes
		var got []string
		for _, kv := range set.ToSlice() {
			got = append(got, string(kv.Key))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s has %v, listed are %v", m.Name, got, want)
		}
	}
}

// Errors are counted by class and category, and those that the client dealt
// with itself apart; what succeeded is none.
func TestClientErrors(t *testing.T) {
	s := newSource("on", base, new(health))
	ended := func(outcome string, n uint64) record.Count {
		return record.Count{Name: record.Operations, Arm: "on", Attrs: attrs(record.AttrOperation, "GET", record.AttrOutcome, outcome, record.AttrPool, "main"), Value: n}
	}
	s.add(record.Interval{To: time.Second, Counts: []record.Count{ended("ok", 100), ended("eof", 3), ended("noauth", 2), ended("readonly", 1),
		{Name: record.AttemptsHidden, Arm: "on", Value: 5}}})
	s.add(record.Interval{To: 2 * time.Second, Counts: []record.Count{ended("eof", 4)}})
	got := values(t, collected(t, pull{s, Native})[record.ClientErrors])
	sum := 0.0
	for key, n := range got {
		sum += n
		for part, want := range map[string]float64{"error.type=eof": 7, "error.type=noauth": 2, "errors.category=server": 1, "errors.internal=true": 5} {
			if strings.Contains(key, part) && n != want {
				t.Errorf("%s: %v, want %v", key, n, want)
			}
		}
	}
	if sum != 15 {
		t.Errorf("%v errors in all, want 15: %v", sum, got)
	}
}
