package experiment

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"schload/telemetry/mark"
	"schload/telemetry/record"
)

// A notice that many connections of many arms get is one event; an act is one
// event each time.
func TestEvents(t *testing.T) {
	var l Timeline
	seq := func(n int64) *int64 { return &n }
	for _, m := range []mark.Mark{
		{Kind: mark.Step, Name: "MOVING"},
		{Kind: mark.Notice, Name: "MOVING", Arm: "on", Conn: 1, Seq: seq(0)},
		{Kind: mark.Notice, Name: "MOVING", Arm: "on", Conn: 2, Seq: seq(0)},
		{Kind: mark.Notice, Name: "MOVING", Arm: "auto", Conn: 1, Seq: seq(0)},
		{Kind: mark.Notice, Name: "MIGRATING", Arm: "on", Conn: 1, Seq: seq(1)},
		{Kind: mark.Notice, Name: "MOVING", Arm: "on", Conn: 1, Seq: seq(2)},
		{Kind: mark.Step, Name: "close"}, {Kind: mark.Step, Name: "close"},
		{Kind: mark.Dial, Name: "ok"},
	} {
		l.Mark(m)
	}
	count := func(source, name string, n uint64) record.Count {
		return record.Count{Name: record.MaintenanceEvents, Value: n, Attrs: []record.Attr{{Key: "source", Value: source}, {Key: "type", Value: name}}}
	}
	want := []record.Count{
		count("push", "MIGRATING", 1), count("push", "MOVING", 2),
		count("stage", "MOVING", 1), count("stage", "close", 2),
	}
	if diff := cmp.Diff(want, l.takeEvents()); diff != "" {
		t.Error(diff)
	}
	if again := l.takeEvents(); again != nil {
		t.Errorf("taken twice: %v", again)
	}
}

// Marks from before the bundle exists are kept, in order, up to a bound.
func TestEarlyMarks(t *testing.T) {
	var l Timeline
	for range mostEarly + 3 {
		l.Mark(mark.Mark{Kind: mark.Dial})
	}
	n := 0
	l.attach(func(mark.Mark) { n++ })
	l.Mark(mark.Mark{Kind: mark.Dial})
	if n != mostEarly+1 || l.lost() != 3 {
		t.Errorf("%d marks arrived and %d were lost, want %d and 3", n, l.lost(), mostEarly+1)
	}
}
