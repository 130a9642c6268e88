package report

import (
	"strings"
	"testing"

	"schload/internal/bundle"
	"schload/internal/compare"
)

// calibrated is rolling with a third arm, without a client library.
func calibrated() compare.Summary {
	s := rolling()
	bare := s.Arms[1]
	bare.Name, bare.SCH = "raw", compare.SCH{Requested: compare.Raw, Effective: compare.NoneRaw, Connections: 16}
	bare.AttemptsHidden = 0
	bare.Phases.Baseline.ServiceTime = quantilesOf(9990, 0.1472, 0.32, 0.91, 11)
	s.Arms = append(s.Arms, bare)
	for i := range s.Arms {
		s.Arms[i].Little = compare.Little{Throughput: 1000, Mean: ms(0.2), InFlight: 0.2034, Missing: 0.0167}
	}
	s.Harness.CPU = compare.CPU{Processors: 2, Baseline: 0.21, Maintenance: 0.24, Peak: 0.61}
	return s
}

func saturatedRun() compare.Summary {
	s := calibrated()
	s.Harness.Saturated = true
	s.Harness.SaturatedReasons = []string{"it used 1.94 of its 2 processors (limit 90 %): lower the rate or add processors",
		"its goroutines waited up to 14ms for a processor at p99 of 5120 waits (limit 10ms): other programs, or too few processors"}
	return s
}

func TestTextOfHarness(t *testing.T) {
	golden(t, "raw", text(t, calibrated()))
	golden(t, "saturated", text(t, saturatedRun()))
}

// A saturated run says so first, and nowhere who did better.
func TestSaturatedHasNoVerdict(t *testing.T) {
	got := text(t, saturatedRun())
	if !strings.HasPrefix(got, "*** SATURATED: the harness was the bottleneck") {
		t.Errorf("it begins with %.80q", got)
	}
	for _, verdict := range []string{"requests failed", "p99 of the response time", "One round", "No arm failed", "Calibration"} {
		if strings.Contains(got, verdict) {
			t.Errorf("it says %q", verdict)
		}
	}
	if one := saturatedRun(); !strings.Contains(Saturated(one), "1.94 of its 2 processors") || Saturated(calibrated()) != "" {
		t.Errorf("%q, and of a run that is not %q", Saturated(one), Saturated(calibrated()))
	}
}

// Bare connections calibrate; no sentence compares them with handoffs.
func TestRawIsNotJudged(t *testing.T) {
	lines := words(calibrated())
	if len(lines) != 3 || strings.Contains(lines[0]+lines[1], "raw") {
		t.Errorf("%q: want outcome and p99 without raw, and the calibration", lines)
	}
	want := "Calibration: service time of the baseline, off less raw: p50 +6.20 µs (153 µs less 147 µs), p99 -10.4 µs (900 µs less 910 µs); " +
		"response time p50 0 s; of 9 990 and 9 990 successes. Two equal arms differ by as much: repeat it with other seeds."
	if lines[2] != want {
		t.Errorf("got %q, want %q", lines[2], want)
	}
	far := calibrated()
	far.Arms[2].Phases.Baseline.ServiceTime.P50 = ms(0.1)
	if got := calibration(far); !strings.HasSuffix(got, "That much is the client.") {
		t.Errorf("a difference of 53 µs: %q", got)
	}
	few := calibrated()
	few.Arms[2].Phases.Baseline.ServiceTime.Count = 99
	if got := calibration(few); got != "" {
		t.Errorf("from 99 samples: %q", got)
	}
	alone := calibrated()
	alone.Arms = alone.Arms[2:]
	if got := words(alone); len(got) != 0 {
		t.Errorf("raw alone: %q, want no verdict", got)
	}
}

// Of exports, what was lost is said where there is something.
func TestTextOfExports(t *testing.T) {
	for want, e := range map[string]bundle.Exports{
		"exports 60 sent, 0 failed": {Sent: 60},
		"exports 60 sent, 2 failed, 9 held back, 4 times a series beyond the bound was merged, 5 spans lost, 6 events of marks lost": {Sent: 60, Failed: 2, Held: 9, Overflowed: 4, SpansLost: 5, EventsLost: 6},
	} {
		s := rolling()
		s.Harness.Exports = e
		if got := harness(s); !strings.Contains(got, "; "+want+"\n") {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
