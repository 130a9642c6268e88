package telemetry

import (
	"maps"
	"slices"
	"testing"
	"time"

	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// peerNotice are the attributes that a notice is counted with.
func peerNotice(address, kind string) []record.Attr {
	return attrs(record.AttrPeerAddress, address, record.AttrPeerPort, "12000", record.AttrNotice, kind)
}

// eventful is an interval in which everything happens that counts, with the
// attributes that it has in a run.
func eventful() record.Interval {
	took := func(name string, pairs ...string) record.Distribution {
		h := new(histogram.Histogram)
		h.Record(3 * time.Millisecond)
		return record.Distribution{Name: name, Arm: "on", Attrs: attrs(pairs...), Times: h}
	}
	count := func(name string, pairs ...string) record.Count {
		return record.Count{Name: name, Arm: "on", Value: 3, Attrs: attrs(pairs...)}
	}
	return record.Interval{To: time.Second, Phase: record.Maintenance, Round: 2,
		Series: []record.Series{seriesOf("on", "SET", "failed", record.Recovery, 2, 1)},
		Counts: []record.Count{
			count(record.Operations, "db.operation.name", "GET", "outcome", "read_timeout", "pool", "main", "schload.phase", "maintenance", "schload.round", "2"),
			count(record.OperationsDue, "pool", "main", "schload.phase", "maintenance"),
			count(record.OperationsLate, "pool", "main", "schload.phase", "maintenance"),
			count(record.OperationsMissed, "pool", "main", "reason", "queue_full", "schload.phase", "maintenance"),
			count(record.OperationsSaved, "by", "retries"),
			{Name: record.ClientNotifications, Arm: "on", Value: 3, Attrs: peerNotice("10.0.0.1", "MOVING")},
			count(record.ClientClosed, "redis.client.connection.close.reason", "handoff"),
			count(record.ConnectionCloses, "by", "client", "reason", "handoff"),
			count(record.ConnectionDials, "result", "dial_timeout"),
			count(record.ConnectionsLeaving, "result", "closed_told"),
			count(record.ConnectionsProved, "opted_in", "true", "protocol", "3"),
			count(record.DialsLeaving, "result", "ok"),
			count(record.DialsSurplus, "reason", "unused"),
			count(record.Handoffs, "result", "failed"),
			count(record.NoticeConnections, "redis.client.connection.notification", "MOVING", "result", "told"),
			count(record.NoticeEvents, "redis.client.connection.notification", "MOVING"),
			count(record.Redirects, "result", "moved"),
			count(record.RelaxedWindows, "result", "open"),
			count(record.AttemptsHidden), count(record.ClientHandoffs), count(record.ClientTimeouts), count(record.RepliesSilent), count(record.SlotMapReads),
			count(record.IntegrityViolations, "pool", "main", "type", "stale_read", "schload.round", "2"),
		},
		Distributions: []record.Distribution{
			took(record.ClientCreateTime), took(record.ClientWaitTime), took(record.ClientInitTime), took(record.ReconnectionTime), took(record.RelaxedDuration),
			took(record.HandoffDuration, "from", "dial"), took(record.HandoffDuration, "from", "notice"),
			took(record.NoticeDelay, "redis.client.connection.notification", "MOVING"),
		},
	}
}

// besides are the counts that depend on the run of eventful.
var besides = []record.Count{
	{Name: record.ClientNotifications, Arm: "on", Attrs: peerNotice("10.0.0.1", "MOVING")},
	{Name: record.ClientClosed, Arm: "on", Attrs: attrs(record.AttrClosed, "handoff")},
	{Name: record.ConnectionCloses, Arm: "on", Attrs: attrs(record.AttrBy, "client", record.AttrReason, "handoff")},
	{Name: record.IntegrityViolations, Arm: "on", Attrs: attrs(record.AttrPool, "main", record.AttrType, "stale_read", record.AttrRound, "0"), Value: 9},
	{Name: record.IntegrityViolations, Arm: "off", Attrs: attrs(record.AttrPool, "main", record.AttrType, "of_another_arm", record.AttrRound, "0")},
}

// keysOf are the series that a source has.
func keysOf(s *source) map[string]bool {
	keys := map[string]bool{}
	for k := range s.counts.index {
		keys[k.metric+" "+k.labels] = true
	}
	for k := range s.distributions.index {
		keys[k.metric+" "+k.labels] = true
	}
	return keys
}

// Whatever happens was there at zero before: no series of a run's own first
// appears during the load.
func TestPreparedIsComplete(t *testing.T) {
	s := newSource("on", base, new(health))
	s.prepare(arms, besides)
	operations, before := len(s.operations.all), keysOf(s)
	if operations != 2*2*record.Phases {
		t.Errorf("%d operations prepared, want 2 commands x 2 outcomes x %d phases", operations, record.Phases)
	}
	for _, c := range s.counts.all {
		if c.value != 0 || !c.birth.IsZero() {
			t.Errorf("%s is prepared with %d, born at %v", c.metric, c.value, c.birth)
		}
	}
	s.add(eventful())
	if n := len(s.operations.all); n != operations {
		t.Errorf("%d operations after an interval, %d prepared", n, operations)
	}
	for _, key := range slices.Sorted(maps.Keys(keysOf(s))) {
		if !before[key] {
			t.Errorf("%q was not prepared", key)
		}
	}
	zeros := values(t, collected(t, pull{s, Native})[record.Operations])
	if want := 2 * 23 * record.Phases; len(zeros) != want {
		t.Errorf("%d series of operations, want %d", len(zeros), want)
	}
}

// A notice has the node that sent it: a zero without one would be another
// series, beside which the real one appears with its first value.
func TestNoticeOfUnknownNodeIsNotPrepared(t *testing.T) {
	s := newSource("on", base, new(health))
	s.prepare(arms, besides)
	before := len(s.counts.all)
	s.add(record.Interval{To: time.Second, Counts: []record.Count{{Name: record.ClientNotifications, Arm: "on", Value: 1, Attrs: peerNotice("10.0.0.2", "MOVING")}}})
	if n := len(s.counts.all) - before; n != 1 {
		t.Errorf("%d series for the notice of another node, want 1", n)
	}
	for _, c := range s.counts.all {
		if _, has := c.attributes.Value(record.AttrPeerAddress); c.metric == record.ClientNotifications && !has {
			t.Errorf("a series of notices without a node: %v", c.attributes.ToSlice())
		}
	}
}

// What may appear later is counted or distributed, and said why.
func TestLater(t *testing.T) {
	for name, why := range record.Later {
		if kind := descriptors[name].Kind; kind != record.Counter && kind != record.Histogram || why == "" {
			t.Errorf("%s, a %q, is to appear later: %q", name, kind, why)
		}
	}
}
