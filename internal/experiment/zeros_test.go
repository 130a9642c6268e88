package experiment

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"schload/telemetry/record"
	"schload/workload"
)

// Law: what a run counts was exported at zero before the load, every series
// with the attributes it really has, but of metrics that are documented to come
// later.
func TestSeriesAreThereBeforeTheLoad(t *testing.T) {
	for name, make := range map[string]func(t *testing.T) *bench{
		"a ledger": func(t *testing.T) *bench { return newBench(t, "endpoint-rebind").audit("GET=0.5,SET=0.5") },
		"messages": func(t *testing.T) *bench {
			return newMessageBench(t, "endpoint-rebind", workload.Pool{Kind: workload.KindPubSub}, "on", "off")
		},
		"a cluster": func(t *testing.T) *bench { return newUpgradeBench(t, "oss-slot-shuffle") },
		"turns":     func(t *testing.T) *bench { return newBench(t, "endpoint-rebind").sequential(1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := make(t)
				var file bytes.Buffer
				b.exportsEvery(&file, time.Hour) // the zeros, and the end: the rest is not read
				b.leave()
				if err := b.config.Telemetry.Close(context.Background()); err != nil {
					t.Fatal(err)
				}
				first, later := appearances(t, &file)
				t.Logf("%d series before the load, %d later", len(first), len(later))
				if name != "messages" && !slices.ContainsFunc(slices.Collect(maps.Keys(first)), func(s string) bool {
					return strings.Contains(s, record.ClientNotifications+" ") && strings.Contains(s, record.AttrPeerPort)
				}) {
					t.Error("no notice is prepared")
				}
				for _, series := range slices.Sorted(maps.Keys(later)) {
					if name, _, _ := strings.Cut(series, " "); record.Later[name] == "" {
						t.Errorf("%s was not there before the load", series)
					}
				}
			})
		})
	}
}

// appearances are the counters and histograms that a source exported first, and
// those that came later, with source and attributes.
func appearances(t *testing.T, file *bytes.Buffer) (first, later map[string]bool) {
	t.Helper()
	first, later = map[string]bool{}, map[string]bool{}
	seen := map[string]bool{} // sources
	lines := slices.Collect(strings.Lines(file.String()))
	const sources = 3 // the run and two arms; what is cumulative is in the last lines, too
	for _, line := range slices.Concat(lines[:sources], lines[len(lines)-sources:]) {
		var points collectormetrics.ExportMetricsServiceRequest
		if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal([]byte(line), &points); err != nil {
			t.Fatal(err)
		}
		for _, rm := range points.ResourceMetrics {
			source := plain(rm.Resource.Attributes)["schload.arm"]
			for _, m := range rm.ScopeMetrics[0].Metrics {
				add := func(attrs []*common.KeyValue) {
					series := fmt.Sprintf("%s %s %v", m.Name, source, plain(attrs))
					if !seen[source] {
						first[series] = true
					} else if !first[series] {
						later[series] = true
					}
				}
				if m.GetSum().GetIsMonotonic() {
					for _, p := range m.GetSum().DataPoints {
						add(p.Attributes)
					}
				}
				for _, p := range m.GetExponentialHistogram().GetDataPoints() {
					add(p.Attributes)
				}
			}
			seen[source] = true
		}
	}
	if len(seen) != sources {
		t.Errorf("%d sources: %v", len(seen), seen)
	}
	return first, later
}
