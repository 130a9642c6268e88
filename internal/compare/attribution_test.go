package compare

import (
	"testing"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/histogram"
	"schload/telemetry/mark"
	"schload/telemetry/record"
)

// peak sets the gauges of the busiest 100 ms.
func (p *play) peak(arm, node string, dials int, at time.Duration) {
	attrs := []record.Attr{{Key: record.AttrNode, Value: node}}
	p.levels = append(p.levels, record.Level{Name: record.DialsPeak, Arm: arm, Attrs: attrs, Value: float64(dials)},
		record.Level{Name: record.DialsPeakAt, Arm: arm, Attrs: attrs, Value: at.Seconds()})
}

func (p *play) times(arm, name string, attrs []record.Attr, of ...time.Duration) {
	h := new(histogram.Histogram)
	for _, d := range of {
		h.Record(d)
	}
	p.lengths = append(p.lengths, record.Distribution{Name: name, Arm: arm, Attrs: attrs, Times: h})
}

// What the bundle holds of warm-up is left out, the rest adds up over
// intervals, and the busiest 100 ms is the busiest of all.
func TestAttribution(t *testing.T) {
	p := start(t)
	moving := []string{record.AttrNotice, "MOVING"}
	happen := func(times uint64) {
		p.count("on", record.OperationsSaved, 3*times, record.AttrBy, "relaxed_timeouts")
		p.count("on", record.OperationsSaved, 5*times, record.AttrBy, "retries")
		for i, result := range []string{"handed_over", "closed_told", "closed_untold", "given_up"} {
			p.count("on", record.ConnectionsLeaving, uint64(i+1)*times, record.AttrResult, result)
		}
		p.count("on", record.NoticeEvents, times, moving...)
		for result, n := range map[string]uint64{"owed": 10, "told": 6, "ended": 1} {
			p.count("on", record.NoticeConnections, n*times, append(moving, record.AttrResult, result)...)
		}
		for i, reason := range []string{"failed", "overflow", "unused"} {
			p.count("on", record.DialsSurplus, uint64(i+1)*times, record.AttrReason, reason)
		}
		p.count("on", record.DialsLeaving, 2*times, record.AttrResult, "ok")
		p.count("on", record.DialsLeaving, 7*times, record.AttrResult, "failed")
		p.count("on", record.Handoffs, 4*times, record.AttrResult, "abandoned")
		for result, n := range map[string]uint64{"begun": 9, "open": 3, "never_closed": 2} {
			p.count("on", record.RelaxedWindows, n*times, record.AttrResult, result)
		}
	}
	p.phase(0, record.Warmup)
	happen(100)
	p.times("on", record.RelaxedDuration, nil, time.Hour)
	p.peak("on", "all", 99, 900*time.Millisecond)
	p.peak("on", "b:1", 99, 900*time.Millisecond)
	p.w.Mark(mark.Mark{At: time.Millisecond, Kind: mark.Coverage, Name: "MIGRATING", Arm: "on", Count: 1, Of: 1})
	p.second()
	p.phase(1, record.Maintenance)
	happen(1)
	p.times("on", record.RelaxedDuration, nil, time.Second, 3*time.Second)
	p.times("on", record.HandoffDuration, []record.Attr{{Key: record.AttrFrom, Value: "dial"}}, 2*time.Millisecond)
	p.times("on", record.HandoffDuration, []record.Attr{{Key: record.AttrFrom, Value: "notice"}}, 5*time.Millisecond, 7*time.Millisecond)
	p.times("on", record.NoticeDelay, []record.Attr{{Key: record.AttrNotice, Value: "MOVING"}}, 0, time.Second)
	p.peak("on", "all", 50, 900*time.Millisecond) // of a bin that warm-up has part of
	p.peak("on", "a:1", 20, 1100*time.Millisecond)
	p.peak("on", "b:1", 30, 1200*time.Millisecond)
	p.second()
	happen(1)
	p.peak("on", "all", 40, 2300*time.Millisecond)
	p.peak("on", "a:1", 25, 2300*time.Millisecond)
	for seq := range int64(mostEvents + 2) {
		p.w.Mark(mark.Mark{At: 2*time.Second + time.Duration(seq), Duration: time.Second, Kind: mark.Coverage, Name: "MOVING", Arm: "on", Seq: &seq, Count: 8, Of: 9})
	}
	p.second()
	s := p.finish(bundle.Final{Valid: true})
	got, sec := s.Arms[0].Attribution, func(d time.Duration) bundle.Seconds { return bundle.Seconds(d) }
	if got.Saved != (Saved{6, 10}) || got.Connections != (Leaving{2, 4, 6, 8}) {
		t.Errorf("%+v, %+v", got.Saved, got.Connections)
	}
	n := got.Notices
	if n.Events != 2 || n.Connections != 18 || n.Told != 12 || n.Stragglers != 6 || n.Delay.Count != 2 || n.Delay.Max != sec(time.Second) {
		t.Errorf("%+v", n)
	}
	if len(n.Last) != mostEvents || n.LeftOut != 2 || *n.Last[0].Seq != 2 || n.Last[0].Connections != 9 || n.Last[0].Told != 8 || n.Last[0].Spread != sec(time.Second) {
		t.Errorf("%d events, %d left out: %+v", len(n.Last), n.LeftOut, n.Last[0])
	}
	d := got.Dials
	if d.Surplus != 12 || d.Failed != 2 || d.Overflow != 4 || d.Unused != 6 || d.Leaving != 18 || d.Peak != 40 || d.At != sec(2300*time.Millisecond) ||
		len(d.Nodes) != 2 || d.Nodes[0] != (NodePeak{"b:1", 30, sec(1200 * time.Millisecond)}) || d.Nodes[1] != (NodePeak{"a:1", 25, sec(2300 * time.Millisecond)}) {
		t.Errorf("%+v", d)
	}
	if h := got.Handoffs; h.SinceDial.Max != sec(2*time.Millisecond) || h.SinceNotice.Count != 2 || h.SinceNotice.P50 != sec(5*time.Millisecond) || h.Abandoned != 8 {
		t.Errorf("%+v", h)
	}
	if got.Relaxed != (Relaxed{18, sec(4 * time.Second), sec(3 * time.Second), 6, 4}) {
		t.Errorf("%+v", got.Relaxed)
	}
	if off := s.Arms[1].Attribution; off.Notices.Last != nil || off.Saved != (Saved{}) {
		t.Errorf("off: %+v", off)
	}
}
