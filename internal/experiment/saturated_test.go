package experiment

import (
	"maps"
	"slices"
	"testing"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/record"
)

// Each phase counts for itself and warm-up for nothing, an arm's pool in the
// intervals in which it says so, and busy workers of a closed loop are no sign.
func TestStrain(t *testing.T) {
	const processors = 2
	type reading struct {
		phase     record.Phase
		cpu, full float64
	}
	for _, tt := range []struct {
		name     string
		readings []reading
		closed   bool
		want     []string
	}{
		{name: "at ease", readings: []reading{{record.Baseline, 0.5, 0.1}, {record.Maintenance, 1, 0.5}}},
		{name: "warm-up", readings: []reading{{record.Warmup, 2, 1}, {record.Baseline, 0.5, 0}}},
		{name: "baseline", readings: []reading{{record.Baseline, 1.9, 0}}, want: []string{bundle.ReasonCPU}},
		{name: "maintenance", readings: []reading{{record.Baseline, 0.5, 0}, {record.Maintenance, 1.9, 0}}, want: []string{bundle.ReasonCPU}},
		{name: "mean of a phase", readings: []reading{{record.Baseline, 2, 1}, {record.Baseline, 1, 0.5}}},
		{name: "workers", readings: []reading{{record.Baseline, 0.5, 0.95}}, want: []string{bundle.ReasonFull}},
		{name: "workers of a closed loop", readings: []reading{{record.Baseline, 0.5, 1}}, closed: true},
		{name: "workers in maintenance", readings: []reading{{record.Baseline, 0.5, 0}, {record.Maintenance, 0.5, 1}}},
	} {
		var s strain
		for i, r := range tt.readings {
			s.phase = r.phase.String()
			s.add(record.Interval{From: time.Duration(i) * time.Second, To: time.Duration(i+1) * time.Second, Levels: []record.Level{
				{Name: record.HarnessCPU, Value: r.cpu},
				{Name: record.HarnessWorkersFull, Arm: "on", Attrs: []record.Attr{{Key: record.AttrPool, Value: "main"}}, Value: r.full},
			}})
		}
		if got := slices.Sorted(maps.Keys(s.beyond(processors, tt.closed))); !slices.Equal(got, tt.want) {
			t.Errorf("%s: beyond %q, want %q", tt.name, got, tt.want)
		}
	}
}
