package main

import (
	"runtime"
	"strconv"
	"testing"
)

// Where the line is: the default run is no trouble for two processors, a rate
// beyond reach is for any number. What lies between depends on the machine and
// is told only.
func TestE2EWhereTheHarnessEnds(t *testing.T) {
	e2e(t)
	for _, tt := range []struct {
		processors, rate int
		saturated        string // yes, no, or "" where the machine decides
	}{
		{2, 1000, "no"}, {2, 5000, ""}, {2, 10_000, ""}, {2, 20_000, ""}, {2, 200_000, "yes"},
		{1, 1000, ""}, {1, 5000, ""}, {1, 10_000, ""}, {1, 20_000, ""}, {1, 200_000, "yes"},
	} {
		t.Run(strconv.Itoa(tt.processors)+"x"+strconv.Itoa(tt.rate), func(t *testing.T) {
			if runtime.NumCPU() < tt.processors {
				t.Skip("fewer processors here")
			}
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(tt.processors))
			s, _ := played(t, "--upgrade", "none", "--speed", "20", "--warmup", "1s", "--baseline", "5s", "--recovery", "500ms", "--rate", strconv.Itoa(tt.rate))
			h := s.Harness
			t.Logf("saturated %v; start lag p50 %v, p99 %v; %.2f of %d processors; workers %+v; little %+v; %q",
				h.Saturated, h.StartLag.P50.Duration(), h.StartLag.P99.Duration(), h.CPU.Baseline, h.CPU.Processors, h.Workers, s.Arms[0].Little, h.SaturatedReasons)
			if h.Saturated && tt.saturated == "no" || !h.Saturated && tt.saturated == "yes" {
				t.Errorf("saturated %v, want %s: %q", h.Saturated, tt.saturated, h.SaturatedReasons)
			}
		})
	}
}
