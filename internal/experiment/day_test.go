package experiment

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"schload/internal/report"
	"schload/telemetry"
	"schload/workload"
)

// A day and a little more of rounds of some 5 minutes, in which the endpoint
// moves 295 times. What was recorded is read every 5 s: every second it would be
// a bundle of 3 GB, and memory does not depend on it.
const (
	dayRounds   = 295
	dayBaseline = 4*time.Minute + 25*time.Second
	dayInterval = 5 * time.Second
)

// The bounds of the day: what the whole program, simulator, both clients, ledger
// and exporter included, may hold more at any later hour than after the first.
const (
	dayHeap       = 2 << 20
	dayGoroutines = 20
)

// A day of load on both arms, exported and checked against the ledger: memory,
// goroutines, the series of a bundle's line and those of an export stay where
// they were after the first hour.
func TestE2EDay(t *testing.T) {
	if os.Getenv("E2E") == "" {
		t.Skip("set E2E=1, or run make e2e: a day of virtual time takes minutes of real time")
	}
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "endpoint-rebind")
		file := filepath.Join(t.TempDir(), "exports.jsonl")
		exporter, err := telemetry.Start(t.Context(), telemetry.Config{
			File: file, Interval: time.Minute, RunID: "day", Upgrade: "endpoint-rebind", Arms: []string{"on", "off"}, Base: b.config.Base, Getenv: func(string) string { return "" },
		})
		if err != nil {
			t.Fatal(err)
		}
		b.config.Telemetry, b.config.Rounds, b.config.Baseline, b.config.Interval = exporter, dayRounds, dayBaseline, dayInterval
		b.config.Ledger = 1.0 / 16
		b.config.Pools[0].Schedule.Rate = workload.Constant(5)
		var seen []footprint
		b.config.Progress = func(p report.Progress) {
			if p.Elapsed >= time.Duration(len(seen)+1)*time.Hour {
				seen = append(seen, measure(p.Elapsed))
			}
		}
		result, s := b.run(t.Context())
		if err := exporter.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if on := arm2(t, s, "on"); !s.Valid || on.Operations.Due < 24*60*60*4 || on.Handoffs.Succeeded < dayRounds || on.Integrity.Checked() < 10000 {
			t.Errorf("valid %v %q, on %+v, %+v", s.Valid, s.InvalidReasons, on.Operations, on.Handoffs)
		}
		flat(t, seen)
		if first, last := lineSeries(t, result.Dir); last > first+first/4 {
			t.Errorf("a line of the last tenth has %d series, one of the first tenth %d: want a quarter more at most", last, first)
		} else {
			t.Logf("series of a line: at most %d in the first tenth, %d in the last", first, last)
		}
		exports := exported(t, file)
		if n := len(exports); n < 24*60 || exports[n-1] > exports[60] {
			t.Errorf("%d exports, after an hour of %d points, at the end of %d: want no more", n, exports[60], exports[n-1])
		} else {
			t.Logf("points of an export: %d after an hour, %d after a day", exports[60], exports[n-1])
		}
	})
}

// flat wants 24 measurements, of which none is above the first by more than the
// bounds of the day.
func flat(t *testing.T, seen []footprint) {
	t.Helper()
	for _, f := range seen {
		t.Logf("%v: heap %.2f MB, %d goroutines", f.at, float64(f.heap)/1e6, f.goroutines)
	}
	if len(seen) < 24 {
		t.Fatalf("measured %d times: want 24, a day", len(seen))
	}
	for _, f := range seen[1:] {
		if f.heap > seen[0].heap+dayHeap {
			t.Errorf("the heap grew from %d bytes at %v to %d at %v: want no more than %d more", seen[0].heap, seen[0].at, f.heap, f.at, dayHeap)
		}
		if f.goroutines > seen[0].goroutines+dayGoroutines {
			t.Errorf("%d goroutines at %v, %d at %v", f.goroutines, f.at, seen[0].goroutines, seen[0].at)
		}
	}
}

// exported is how many points each export of a file has.
func exported(t *testing.T, file string) (points []int) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var export struct {
			ResourceMetrics []struct {
				ScopeMetrics []struct {
					Metrics []map[string]json.RawMessage
				}
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &export); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, resource := range export.ResourceMetrics {
			for _, scope := range resource.ScopeMetrics {
				for _, metric := range scope.Metrics {
					for _, kind := range []string{"sum", "gauge", "histogram", "exponentialHistogram"} {
						var data struct{ DataPoints []json.RawMessage }
						if metric[kind] != nil && json.Unmarshal(metric[kind], &data) == nil {
							n += len(data.DataPoints)
						}
					}
				}
			}
		}
		points = append(points, n)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return points
}
