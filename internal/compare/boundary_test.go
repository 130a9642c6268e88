package compare

import (
	"testing"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/mark"
	"schload/telemetry/record"
)

// The reading at the end of warm-up comes a little after it, and yet its dials are warm-up's.
func TestDialsOfWarmup(t *testing.T) {
	p := start(t)
	p.w.Mark(mark.Mark{At: 1500 * time.Millisecond, Kind: mark.Phase, Name: "baseline", Round: 1})
	dials := []record.Count{{Name: record.ConnectionDials, Arm: "on", Attrs: []record.Attr{{Key: record.AttrResult, Value: "ok"}}, Value: 7}}
	for _, iv := range []record.Interval{
		{To: time.Second},
		{From: time.Second, To: 1500*time.Millisecond + 200*time.Microsecond, Counts: dials},
		{From: 1500*time.Millisecond + 200*time.Microsecond, To: 3 * time.Second},
	} {
		if err := p.w.Interval(iv); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.w.Finish(bundle.Final{Valid: true}); err != nil {
		t.Fatal(err)
	}
	b, _ := bundle.Open(p.w.Dir())
	s, err := Summarize(b)
	if err != nil {
		t.Fatal(err)
	}
	if a, _ := s.Arm("on"); a.Connections.Dials != 0 {
		t.Errorf("%d dials of warm-up are counted", a.Connections.Dials)
	}
}
