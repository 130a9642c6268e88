package compare

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/mark"
	"schload/telemetry/record"
	"schload/workload"
)

// healthy is a run of 10 s in baseline with 100 operations of 5 ms service
// time a second for the arm on: half an operation in flight. Each second is
// told what else happened.
func healthy(t *testing.T, each func(p *play)) *play {
	p := start(t)
	p.phase(0, record.Warmup)
	for n := range 10 {
		if n == 1 {
			p.phase(1, record.Baseline)
		}
		p.sinks["on/main"].Due(p.now, 100)
		p.sinks["on/main"].Done(workload.Sample{Intended: p.now, Sent: p.now, Done: p.now + 5*time.Millisecond}, 100)
		each(p)
		p.second()
	}
	return p
}

func calm() bundle.Final {
	steal := bundle.Seconds(time.Second)
	return bundle.Final{Valid: true, Health: &bundle.Health{
		Length: bundle.Seconds(10 * time.Second), Processors: 2, Steal: &steal,
		SchedLatency: bundle.Spread{Count: 1000, P99: bundle.Seconds(2 * time.Millisecond)},
		GCPause:      bundle.Spread{Count: 10, Sum: bundle.Seconds(20 * time.Millisecond)},
		Files:        &bundle.Stock{Used: 100, Limit: 1000}, Ports: &bundle.Stock{Used: 3000, Limit: 28232},
	}}
}

// Each limit: one step before it nothing is said, beyond it the harness is
// saturated, for that reason alone.
func TestSaturation(t *testing.T) {
	with := func(change func(h *bundle.Health)) bundle.Final {
		f := calm()
		change(f.Health)
		return f
	}
	quiet := func(*play) {}
	ms := func(n int) bundle.Seconds { return bundle.Seconds(time.Duration(n) * time.Millisecond) }
	for _, tt := range []struct {
		name  string
		each  func(p *play)
		final bundle.Final
		want  string
	}{
		{"calm", quiet, calm(), ""},
		{"nothing known", quiet, bundle.Final{Valid: true}, ""},
		{"cpu", func(p *play) { p.level("", record.HarnessCPU, 1.75) }, calm(), ""},
		{"cpu", func(p *play) { p.level("", record.HarnessCPU, 1.85) }, calm(), "it used 1.85 of its 2 processors (limit 90 %)"},
		{"full", func(p *play) { p.level("on", record.HarnessQueue, 7); p.level("on", record.HarnessWorkersFull, 0.85) }, calm(), ""},
		{"full", func(p *play) { p.level("on", record.HarnessQueue, 7); p.level("on", record.HarnessWorkersFull, 0.95) }, calm(), "arm on, pool main: no worker was free for 95 % of the baseline"},
		{"sched", quiet, with(func(h *bundle.Health) { h.SchedLatency.P99 = ms(9) }), ""},
		{"sched", quiet, with(func(h *bundle.Health) { h.SchedLatency.P99 = ms(12) }), "waited up to 12ms for a processor at p99"},
		{"gc", quiet, with(func(h *bundle.Health) { h.GCPause.Sum = ms(99) }), ""},
		{"gc", quiet, with(func(h *bundle.Health) { h.GCPause.Sum = ms(150) }), "garbage collector paused it for 150ms"},
		{"steal", quiet, with(func(h *bundle.Health) { *h.Steal = ms(1900) }), ""},
		{"steal", quiet, with(func(h *bundle.Health) { *h.Steal = ms(2100) }), "the hypervisor gave 2.1s of processor time to others"},
		{"files", quiet, with(func(h *bundle.Health) { h.Files.Used = 960 }), "it had 960 of 1 000 file descriptors open"},
		{"stalls", func(p *play) {
			p.w.Mark(mark.Mark{Kind: mark.Harness, Name: "stall", At: p.now, Duration: 45 * time.Millisecond})
		}, calm(), ""},
		{"stalls", func(p *play) {
			p.w.Mark(mark.Mark{Kind: mark.Harness, Name: "stall", At: p.now, Duration: 60 * time.Millisecond})
		}, calm(), "it stood still for 540ms in all"},
		{"hidden", func(p *play) { p.level("on", record.HarnessInFlight, 0.6) }, calm(), ""},
		{"hidden", func(p *play) { p.level("on", record.HarnessInFlight, 0.8) }, calm(), "37 % is in no service time"},
		{"late", func(p *play) {
			p.sinks["on/main"].Due(p.now, 5)
			p.sinks["on/main"].Done(workload.Sample{Intended: p.now, Sent: p.now + 12*time.Millisecond, Done: p.now + 13*time.Millisecond}, 5)
		}, calm(), "arm on 12ms of 945; lower the rate"},
	} {
		s := healthy(t, tt.each).finish(tt.final)
		h := s.Harness
		if !s.Valid || h.Saturated != (tt.want != "") || h.SaturatedReasons == nil {
			t.Errorf("%s: valid %v, saturated %v: %q, want %q", tt.name, s.Valid, h.Saturated, h.SaturatedReasons, tt.want)
		} else if tt.want != "" && (len(h.SaturatedReasons) != 1 || !strings.Contains(h.SaturatedReasons[0], tt.want)) {
			t.Errorf("%s: reasons %q, want only %q", tt.name, h.SaturatedReasons, tt.want)
		}
	}
}

// The processors used: means weighted by length, and the whole reading with
// most, of warm-up and recovery none.
func TestCPU(t *testing.T) {
	p := start(t)
	for _, r := range []struct {
		phase  record.Phase
		length time.Duration
		cpu    float64
	}{
		{record.Warmup, time.Second, 1.9},
		{record.Baseline, time.Second, 0.2}, {record.Baseline, 500 * time.Millisecond, 0.8}, {record.Baseline, 499 * time.Millisecond, 1.7},
		{record.Maintenance, time.Second, 0.5},
		{record.Recovery, time.Second, 1.8},
	} {
		p.phase(1, r.phase)
		p.level("", record.HarnessCPU, r.cpu)
		p.passes(r.length)
	}
	c := p.finish(calm()).Harness.CPU
	if mean := (0.2 + 0.5*0.8 + 0.499*1.7) / 1.999; c.Processors != 2 || math.Abs(c.Baseline-mean) > 1e-9 || c.Maintenance != 0.5 || c.Peak != 0.8 {
		t.Errorf("%+v, want %.3f in the baseline, 0.5 in maintenance, 0.8 at most", c, mean)
	}
}

// What is near an end is a warning.
func TestHealthWarnings(t *testing.T) {
	f := calm()
	f.Health.Files.Used, f.Health.Ports.Used, f.Health.TimeWait = 850, 24000, 20000
	f.Health.ClockSteps, f.Health.ClockStep, f.MarksDropped = 2, bundle.Seconds(-time.Second), 3
	s := healthy(t, func(*play) {}).finish(f)
	wantWarnings(t, s, "850 of 1 000 file descriptors", "up to 24 000 TCP ports were in use, 20 000 of them in TIME_WAIT, of 28 232",
		"the clock was set 2 times, by up to -1s", "3 marks were dropped")
	if s.Harness.Saturated {
		t.Errorf("saturated: %q", s.Harness.SaturatedReasons)
	}
	if w := healthy(t, func(*play) {}).finish(calm()).Warnings; slices.ContainsFunc(w, func(w string) bool { return strings.Contains(w, "ports") || strings.Contains(w, "clock") }) {
		t.Errorf("a calm run warns: %q", w)
	}
}

// Little's law holds where both sides count right; a count that is wrong on
// either side is found.
func TestLittle(t *testing.T) {
	right := healthy(t, func(p *play) { p.level("on", record.HarnessInFlight, 0.505) }).finish(calm())
	l := right.Arms[0].Little
	if !right.Valid || math.Abs(l.Missing-0.0099) > 1e-4 || l.Throughput != 100 || l.Mean != bundle.Seconds(5*time.Millisecond) || math.Abs(l.InFlight-0.505) > 1e-9 {
		t.Errorf("valid %v, %+v: want 100 a second x 5 ms, 1 %% missing of 0.505", right.Valid, l)
	}
	if off := right.Arms[1].Little; off != (Little{}) {
		t.Errorf("arm off, of which the engine said nothing: %+v", off)
	}
	// The recorder counts every operation twice.
	double := healthy(t, func(p *play) {
		p.level("on", record.HarnessInFlight, 0.505)
		p.sinks["on/main"].Due(p.now, 100)
		p.sinks["on/main"].Done(workload.Sample{Intended: p.now, Sent: p.now, Done: p.now + 5*time.Millisecond}, 100)
	}).finish(calm())
	wantReasons(t, double, "200.0 operations a second x 5ms is 1.000 in flight, the engine counted 0.505: more was recorded")
	// The engine saw operations that the recorder did not.
	lost := healthy(t, func(p *play) { p.level("on", record.HarnessInFlight, 1) }).finish(calm())
	if !lost.Harness.Saturated || !strings.Contains(fmt.Sprint(lost.Harness.SaturatedReasons), "50 % is in no service time") {
		t.Errorf("half of the time is missing: %q", lost.Harness.SaturatedReasons)
	}
	if killed := healthy(t, func(p *play) { p.level("on", record.HarnessInFlight, 0.505) }).kill(); math.Abs(killed.Arms[0].Little.Missing-0.0099) > 1e-4 {
		t.Errorf("a killed run: %+v", killed.Arms[0].Little)
	}
}

// A closed loop keeps its workers busy by design.
func TestClosedLoopIsFull(t *testing.T) {
	s := Summary{ClosedLoop: true, Harness: Harness{Workers: []Workers{{Arm: "on", Pool: "main", Full: 1}}}}
	if reasons := s.saturation(timeline{}, time.Minute); len(reasons) != 0 {
		t.Errorf("saturated: %q", reasons)
	}
}

// Bare connections are what they are, with and without the proof at the end.
func TestRawArm(t *testing.T) {
	raw := bundle.Arm{Name: "raw", Requested: Raw}
	var s sums
	if got := sch(raw, nil, &s); got.Effective != "unknown" {
		t.Errorf("%+v, want unknown", got)
	}
	s.whole.Add(record.Interval{Counts: []record.Count{{Name: record.ConnectionsProved, Arm: "raw", Value: 4,
		Attrs: []record.Attr{{Key: record.AttrOptedIn, Value: "false"}, {Key: record.AttrProtocol, Value: "3"}}}}})
	if got := sch(raw, nil, &s); got != (SCH{Raw, NoneRaw, 4, 0}) {
		t.Errorf("%+v, want none (raw)", got)
	}
	if reasons := unproved(Arm{Name: "raw", SCH: SCH{Raw, "on", 4, 4}}); len(reasons) != 1 {
		t.Errorf("bare connections that opted in: %q", reasons)
	}
}
