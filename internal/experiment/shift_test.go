package experiment

import (
	"testing"
	"testing/synctest"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/mark"
	"schload/telemetry/record"
	"schload/workload"
)

// Law: a shift is below the time between two operations of the slowest pool
// and below a second, differs from round to round, and follows from the seed.
func TestShift(t *testing.T) {
	pool := func(rate float64, pipeline int) workload.Pool {
		return workload.Pool{Pipeline: pipeline, Schedule: workload.Schedule{Rate: workload.Constant(rate)}}
	}
	for _, tt := range []struct {
		pools []workload.Pool
		below time.Duration
	}{
		{[]workload.Pool{pool(1000, 0), pool(20, 1)}, 50 * time.Millisecond},
		{[]workload.Pool{pool(100, 10)}, 100 * time.Millisecond},
		{[]workload.Pool{pool(0.1, 1)}, time.Second},
		{[]workload.Pool{{Schedule: workload.Schedule{Arrival: workload.ClosedLoop}}}, 1},
	} {
		r, again := &run{Config: Config{Pools: tt.pools, Seed: 7}}, &run{Config: Config{Pools: tt.pools, Seed: 7}}
		seen := map[time.Duration]bool{}
		for round := range 100 {
			shift := r.shift(round+1, 0)
			if shift < 0 || shift >= tt.below || shift != again.shift(round+1, 0) {
				t.Errorf("round %d: shift %v, want less than %v, and the same again", round+1, shift, tt.below)
			}
			seen[shift] = true
		}
		if tt.below > 1 && len(seen) < 99 {
			t.Errorf("below %v: %d shifts in 100 rounds", tt.below, len(seen))
		}
	}
}

// The maintenance begins where the mark says.
func TestShiftOnRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "endpoint-rebind")
		b.config.Rounds = 2
		b.config.Pools[0].Schedule.Rate = workload.Constant(20)
		result, _ := b.run(t.Context())
		files, err := bundle.Open(result.Dir)
		if err != nil {
			t.Fatal(err)
		}
		ends, begins := map[int]time.Duration{}, map[int]time.Duration{}
		for m, err := range files.Marks() {
			switch {
			case err != nil:
				t.Fatal(err)
			case m.Kind == mark.Harness && m.Name == "shift":
				ends[m.Round] = m.At + m.Duration
			case m.Kind == mark.Phase && m.Name == record.Maintenance.String():
				begins[m.Round] = m.At
			}
		}
		if len(begins) != 2 || ends[1] != begins[1] || ends[2] != begins[2] {
			t.Errorf("maintenance began at %v, the shifts say %v", begins, ends)
		}
	})
}
