package experiment

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"schload/internal/race"
	"schload/telemetry"
	"schload/telemetry/record"
	"schload/workload"
)

// exportedMetric is a metric of an export as OTLP/JSON has it.
type exportedMetric struct {
	Name, Unit, Description string

	Sum *struct {
		IsMonotonic bool
		DataPoints  []exportedPoint
	}
	Gauge, Histogram, ExponentialHistogram *struct{ DataPoints []exportedPoint }
}

type exportedPoint struct {
	Attributes []struct{ Key string }
}

// kind returns the metric's kind as the list has it, and its points.
func (m exportedMetric) kind() (string, []exportedPoint) {
	switch {
	case m.Sum != nil && m.Sum.IsMonotonic:
		return record.Counter, m.Sum.DataPoints
	case m.Sum != nil:
		return record.UpDownCounter, m.Sum.DataPoints
	case m.Gauge != nil:
		return record.Gauge, m.Gauge.DataPoints
	case m.Histogram != nil: // explicit buckets: Redis' testing applications alone
		return record.Histogram, m.Histogram.DataPoints
	case m.ExponentialHistogram != nil:
		return record.Histogram, m.ExponentialHistogram.DataPoints
	}
	return "nothing", nil
}

// readMetrics calls each for every metric in a file of exports.
func readMetrics(t *testing.T, file string, each func(exportedMetric)) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var export struct {
			ResourceMetrics []struct {
				ScopeMetrics []struct{ Metrics []exportedMetric }
			}
		}
		if err := json.Unmarshal([]byte(line), &export); err != nil {
			t.Fatal(err)
		}
		for _, r := range export.ResourceMetrics {
			for _, s := range r.ScopeMetrics {
				for _, m := range s.Metrics {
					each(m)
				}
			}
		}
	}
}

// seldom are metrics that these runs need not export, and why.
var seldom = map[string]string{
	record.Pipelines:        "with autopipelining only, which is for finding the most that a target bears",
	record.PipelineCommands: "with autopipelining only",
}

// Law: docs/METRICS.md is what runs export. Every name, unit, kind and attribute
// that goes out is listed, and what is listed goes out: in a run with a ledger,
// messages and traces, or in one on a cluster.
func TestExportedIsListed(t *testing.T) {
	if race.Enabled {
		t.Skip("a run with messages moves connections, which go-redis does not under the detector: without it nothing is left to hold the list against")
	}
	listed := map[string]record.Metric{}
	for _, m := range slices.Concat(record.Metrics, telemetry.TestingAppMetrics()) {
		listed[m.Name] = m
	}
	seen := map[string]map[string]bool{} // attributes by metric
	for name, open := range map[string]func(t *testing.T) *bench{
		"messages": func(t *testing.T) *bench {
			b := newMessageBench(t, "endpoint-rebind", workload.Pool{Kind: workload.KindPubSub}, "on", "off")
			b.config.Ledger = 0.3
			return b
		},
		"cluster": func(t *testing.T) *bench { return newUpgradeBench(t, "oss-slot-shuffle") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := open(t)
				b.config.Info = []record.Attr{{Key: "client.version", Value: "v9"}, {Key: "config.hash", Value: "1"}, {Key: "mode", Value: "m"}, {Key: "seed", Value: "1"}}
				file := b.exportsWith(telemetry.Config{Marks: true, Traces: true, TestingApp: "go-x", Server: "10.0.0.1:12000"})
				b.run(t.Context())
				if err := b.config.Telemetry.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
				readMetrics(t, file, func(m exportedMetric) { wantListed(t, listed, seen, m) })
			})
		})
	}
	for _, name := range slices.Sorted(maps.Keys(listed)) {
		switch _, exported := seen[name]; {
		case !exported && seldom[name] == "":
			t.Errorf("%s is listed and no run exports it", name)
		case exported:
			for _, key := range listed[name].Attributes {
				if !seen[name][key] {
					t.Errorf("%s is listed with the attribute %s, and no run exports it with that", name, key)
				}
			}
		}
	}
}

// wantListed holds an exported metric against the list, and notes its attributes.
func wantListed(t *testing.T, listed map[string]record.Metric, seen map[string]map[string]bool, m exportedMetric) {
	t.Helper()
	kind, points := m.kind()
	want, ok := listed[m.Name]
	if seen[m.Name] == nil {
		seen[m.Name] = map[string]bool{}
		if !ok {
			t.Errorf("%s is exported and not listed", m.Name)
		} else if kind != want.Kind || m.Unit != want.Unit || m.Description != want.Description {
			t.Errorf("%s is a %s of %q, %q; listed is a %s of %q, %q", m.Name, kind, m.Unit, m.Description, want.Kind, want.Unit, want.Description)
		}
	}
	for _, p := range points {
		for _, a := range p.Attributes {
			if !seen[m.Name][a.Key] && !slices.Contains(want.Attributes, a.Key) {
				t.Errorf("%s is exported with the attribute %s, which is not listed", m.Name, a.Key)
			}
			seen[m.Name][a.Key] = true
		}
	}
}
