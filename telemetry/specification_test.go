package telemetry

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"schload/telemetry/record"
)

// Every metric of the specifications is exported as they say, or the lists of
// what is absent say why not; so is every attribute.
func TestSpecifications(t *testing.T) {
	for name, want := range map[string]int{"redis-client-metrics-v0.2.txt": 17, "semconv-db-client-v1.44.txt": 11} {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for line := range strings.Lines(string(text)) {
			if !strings.HasPrefix(line, "#") {
				seen++
				wantSpecified(t, line)
			}
		}
		if seen != want {
			t.Errorf("%s: %d metrics, want %d", name, seen, want)
		}
	}
}

// wantSpecified holds one line of a specification against the list of metrics.
func wantSpecified(t *testing.T, line string) {
	t.Helper()
	needed, others, _ := strings.Cut(line, "|")
	f := strings.Fields(needed)
	name, kind, unit, required := f[1], f[2], f[3], f[4:]
	d, exported := descriptors[name]
	if (absent[name] != "") == exported {
		t.Errorf("%s: exported %v, and absent because %q", name, exported, absent[name])
	}
	if !exported {
		return
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
	for _, key := range strings.Fields(others) {
		if !slices.Contains(d.Attributes, key) && reasonLacking(name, key) == "" {
			t.Errorf("%s lacks the attribute %s, and absentAttributes does not say why", name, key)
		}
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
