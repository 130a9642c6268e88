package record

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"schload/telemetry/histogram"
	"schload/workload"
)

// The sum of a run's intervals is what one interval over the whole run is.
func TestCumulativeIsWhole(t *testing.T) {
	parts, whole := oneArm(Config{}), oneArm(Config{})
	var inParts, atOnce Cumulative
	var sinks []workload.Sink
	for _, r := range []*Recorder{parts, whole} {
		r.Begin(1, Baseline, 500*ms)
		sinks = append(sinks, r.Sink("on", "main"))
	}
	for i := range 3000 {
		at := time.Duration(i) * ms
		for _, s := range sinks {
			s.Due(at, 1)
			s.Done(sample(i%2, at, at+time.Duration(i%7)*ms, at+time.Duration(i%251)*ms, workload.Class(i%4)), 1)
		}
		if i%333 == 0 {
			inParts.Add(parts.Collect(at))
		}
	}
	inParts.Add(parts.Finish(3 * time.Second))
	atOnce.Add(whole.Finish(3 * time.Second))
	if diff := cmp.Diff(atOnce.Series(), inParts.Series()); diff != "" {
		t.Errorf("series (-at once +in parts):\n%s", diff)
	}
	if diff := cmp.Diff(atOnce.Counts(), inParts.Counts()); diff != "" {
		t.Errorf("counts (-at once +in parts):\n%s", diff)
	}
	if diff := cmp.Diff(atOnce.Levels(), inParts.Levels(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("levels (-at once +in parts):\n%s", diff)
	}
	if inParts.From != 0 || inParts.To != 3*time.Second {
		t.Errorf("covers %v to %v, want 0s to 3s", inParts.From, inParts.To)
	}
}

// Distributions add up by name, arm and attributes, and keep nothing of the
// interval either.
func TestCumulativeDistributions(t *testing.T) {
	var c Cumulative
	for i := range 6 {
		h := new(histogram.Histogram)
		h.Record(time.Duration(i+1) * ms)
		from := []Attr{{AttrFrom, []string{"dial", "notice"}[i%2]}}
		iv := Interval{From: 0, To: time.Second, Distributions: []Distribution{{Name: HandoffDuration, Arm: "on", Attrs: from, Times: h}}}
		c.Add(iv)
		h.Record(time.Hour)
	}
	got := c.Distributions()
	if len(got) != 2 || got[0].Times.Count() != 3 || got[0].Times.Max() != 5*ms || got[1].Times.Sum() != (2+4+6)*ms {
		t.Errorf("%+v, want two of three each", got)
	}
}

// Add keeps nothing of the interval: its owner may reuse it.
func TestCumulativeKeepsNothing(t *testing.T) {
	h := new(histogram.Histogram)
	h.Record(ms)
	i := Interval{
		From: time.Second, To: 2 * time.Second,
		Series: []Series{{Key: Key{Arm: "on"}, Response: h}},
		Counts: []Count{{Name: Operations, Arm: "on", Attrs: []Attr{{AttrPool, "main"}}, Value: 3}},
		Levels: []Level{{Name: Connections, Arm: "on", Attrs: []Attr{{AttrNode, "a"}}, Value: 7}},
	}
	var c Cumulative
	c.Add(i)
	h.Record(ms)
	i.Counts[0].Attrs[0].Value = "other"
	i.Levels[0].Attrs[0].Value = "other"
	if n := c.Series()[0].Response.Count(); n != 1 {
		t.Errorf("count %d after the interval's own histogram changed, want 1", n)
	}
	if s := c.Series()[0]; s.Service.Count() != 0 || s.Lateness.Count() != 0 {
		t.Error("a histogram that was missing is not empty")
	}
	if got := c.Counts()[0].Attrs[0].Value; got != "main" {
		t.Errorf("attribute %q after the interval's own changed, want main", got)
	}
	if got := c.Levels()[0].Attrs[0].Value; got != "a" {
		t.Errorf("attribute %q after the interval's own changed, want a", got)
	}
}

// Counts add up by name, arm and attributes; a level is the latest.
func TestCumulativeAdds(t *testing.T) {
	interval := func(from time.Duration, arm string, n uint64, level float64) Interval {
		attrs := []Attr{{AttrResult, "ok"}}
		return Interval{From: from, To: from + time.Second,
			Counts: []Count{{Name: ConnectionDials, Arm: arm, Attrs: attrs, Value: n}, {Name: ConnectionDials, Arm: arm, Value: 1}},
			Levels: []Level{{Name: ConnectionsRelaxed, Arm: arm, Value: level}},
		}
	}
	var c Cumulative
	c.Add(interval(5*time.Second, "on", 2, 4))
	c.Add(interval(6*time.Second, "on", 3, 1))
	c.Add(interval(4*time.Second, "off", 10, 0))
	want := []Count{
		{Name: ConnectionDials, Arm: "off", Value: 1},
		{Name: ConnectionDials, Arm: "off", Attrs: []Attr{{AttrResult, "ok"}}, Value: 10},
		{Name: ConnectionDials, Arm: "on", Value: 2},
		{Name: ConnectionDials, Arm: "on", Attrs: []Attr{{AttrResult, "ok"}}, Value: 5},
	}
	if diff := cmp.Diff(want, c.Counts(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	wantLevels := []Level{{Name: ConnectionsRelaxed, Arm: "off"}, {Name: ConnectionsRelaxed, Arm: "on", Value: 1}}
	if diff := cmp.Diff(wantLevels, c.Levels()); diff != "" {
		t.Errorf("levels (-want +got):\n%s", diff)
	}
	if c.From != 4*time.Second || c.To != 7*time.Second {
		t.Errorf("covers %v to %v, want 4s to 7s", c.From, c.To)
	}
}

// Nothing added is nothing, without a panic.
func TestCumulativeZero(t *testing.T) {
	var c Cumulative
	if len(c.Series())+len(c.Counts())+len(c.Levels()) != 0 {
		t.Error("the zero value holds something")
	}
	c.Add(Interval{})
	c.Add(Interval{Counts: []Count{{Name: Handoffs, Value: 1}}})
	if len(c.Counts()) != 1 {
		t.Errorf("%d counts, want 1", len(c.Counts()))
	}
}
