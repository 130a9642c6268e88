package compare

import (
	"strings"
	"testing"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/record"
	"schload/workload"
)

// carried is a saturating run of three seconds of baseline, with some
// thousands of successes in each, and a failure that counts for nothing.
func carried(t *testing.T, as bundle.Saturation, thousands ...uint64) Summary {
	p := startWith(t, "none", &as)
	p.phase(0, record.Warmup)
	p.carry(9000)
	p.second()
	p.phase(1, record.Baseline)
	for _, n := range thousands {
		p.carry(1000 * int(n))
		p.ends("on/main", time.Millisecond, workload.Reset)
		p.level("", record.HarnessCPU, 1.2)
		p.count("on", record.Pipelines, 100)
		p.count("on", record.PipelineCommands, 1000*n)
		p.second()
	}
	return p.finish(bundle.Final{Valid: true, Health: &bundle.Health{Length: bundle.Seconds(time.Second), Processors: 2}})
}

func (p *play) carry(n int) {
	p.sinks["on/main"].Due(p.now, n)
	p.sinks["on/main"].Done(workload.Sample{Intended: p.now, Sent: p.now, Done: p.now + time.Millisecond}, n)
}

// The ceiling is that of the seconds of the baseline, successes only.
func TestCeiling(t *testing.T) {
	s := carried(t, bundle.Saturation{Pipelining: "autopipeline", Workers: 256}, 4, 8, 5)
	if !s.Saturating() || s.Mode != "saturation" || s.Saturation == nil {
		t.Fatalf("mode %q, %+v", s.Mode, s.Saturation)
	}
	want := Saturation{Pipelining: "autopipeline", Workers: 256, Depth: 17000.0 / 300,
		Ceiling: Ceiling{Seconds: 3, Median: 5000, Min: 4000, Max: 8000}, Processor: bundle.Seconds(240 * time.Microsecond)}
	if *s.Saturation != want {
		t.Errorf("%+v, want %+v", *s.Saturation, want)
	}
	for _, w := range s.Warnings {
		if strings.Contains(w, "closed") {
			t.Errorf("warning %q: that is the mode", w)
		}
	}
}

func TestCeilingWithoutReading(t *testing.T) {
	s := carried(t, bundle.Saturation{Pipelining: "pipelines", Workers: 16, Depth: 64})
	if want := (Saturation{Pipelining: "pipelines", Workers: 16, Depth: 64}); s.Saturation == nil || *s.Saturation != want {
		t.Errorf("%+v, want %+v", s.Saturation, want)
	}
}

func TestNoCeiling(t *testing.T) {
	p := start(t)
	rolling(p)
	if s := p.finish(bundle.Final{Valid: true}); s.Saturating() || s.Saturation != nil {
		t.Errorf("a run at a rate has mode %q, %+v", s.Mode, s.Saturation)
	}
}
