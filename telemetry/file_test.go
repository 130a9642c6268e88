package telemetry

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	collector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"schload/telemetry/record"
)

// The file holds what a receiver would have got, a line for each export.
func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	for range 2 { // it is appended to
		e := started(t, Config{File: path})
		e.Interval(record.Interval{To: time.Second, Series: []record.Series{seriesOf("on", "GET", "ok", record.Baseline, 1, 7)}})
		if err := e.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s := e.Stats(); s.Sent != 3 || s.Failed != 0 {
			t.Errorf("%+v", s)
		}
		_ = e.Close(t.Context())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := seriesOf("on", "GET", "ok", record.Baseline, 1, 7).Response
	lines, found := 0, 0
	for s := bufio.NewScanner(bytes.NewReader(data)); s.Scan(); lines++ {
		request := new(collector.ExportMetricsServiceRequest)
		if err := protojson.Unmarshal(s.Bytes(), request); err != nil {
			t.Fatalf("line %d: %v", lines+1, err)
		}
		if pairs(request.ResourceMetrics[0].Resource.Attributes)["schload.arm"] == "on" {
			found++
			if got := decoded(t, received{request: request}, record.ResponseTime); !got.Equal(want) {
				t.Error("the response times in the file are not those recorded")
			}
		}
	}
	if lines < 12 || found < 4 { // each of three sources, flushed and closed, twice
		t.Errorf("%d lines, %d of the arm on", lines, found)
	}
}

// Resource attributes that cannot be read are ignored, although the SDK reads
// them by itself and takes them: no export could hold some.
func TestResourceThatIsNoText(t *testing.T) {
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "a=%ff,b=%zz,c=\x20%C3%BC,novalue")
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	e := started(t, Config{File: path, Getenv: os.Getenv})
	if err := e.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if s := e.Stats(); s.Sent != 3 || s.Failed+s.Errors != 0 {
		t.Errorf("%+v", s)
	}
	_ = e.Close(t.Context())
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	request := new(collector.ExportMetricsServiceRequest)
	if err := protojson.Unmarshal(line, request); err != nil {
		t.Fatal(err)
	}
	if got := pairs(request.ResourceMetrics[0].Resource.Attributes); got["a"] != "" || got["b"] != "" || got["c"] != "ü" {
		t.Errorf("resource %q, want c alone of the environment's", got)
	}

	for _, name := range []string{"OTEL_RESOURCE_ATTRIBUTES", "OTEL_SERVICE_NAME"} {
		_, err := Start(t.Context(), Config{File: path, Getenv: variables{name: "\xff=x"}.get})
		if err == nil || !strings.Contains(err.Error(), name+`="\xff=x" is not UTF-8`) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A file that cannot be written is a failed export with its own cause.
func TestFileThatFails(t *testing.T) {
	var log strings.Builder
	e := started(t, Config{File: Stdout, Console: full{}, Log: textLogger(&log)})
	if err := e.Flush(t.Context()); err == nil {
		t.Error("Flush reports success")
	}
	if s := e.Stats(); s.Causes[Disk] != 3 || strings.Count(log.String(), "cause=disk") != 1 {
		t.Errorf("%+v\n%s", s, log.String())
	}
}

// full is a device without room.
type full struct{}

func (full) Write([]byte) (int, error) {
	return 0, &fs.PathError{Op: "write", Path: "/dev/full", Err: errors.New("no space left on device")}
}

// Classic buckets have every operation, each at or above its own bound, and
// above it by one recorded bucket at most.
func TestClassic(t *testing.T) {
	s := newSource("on", base, new(health))
	series := seriesOf("on", "GET", "ok", record.Baseline, 1, 5)
	s.add(record.Interval{To: time.Second, Series: []record.Series{series}})
	native := collected(t, pull{s, Native})[record.ResponseTime]
	got := collected(t, pull{s, Classic})[record.ResponseTime]
	p := classicOf(t, got)
	n := pointOf(t, native, p.Attributes.ToSlice()...)
	if p.Count != n.Count || p.Sum != n.Sum || p.Min != n.Min || p.Max != n.Max {
		t.Errorf("%d, %v, %v, %v; native has %d, %v, %v, %v", p.Count, p.Sum, p.Min, p.Max, n.Count, n.Sum, n.Min, n.Max)
	}
	sum := uint64(0)
	for i, c := range p.BucketCounts[:len(ClassicBounds)] {
		sum += c
		bound := time.Duration(math.Round(ClassicBounds[i] * 1e9))
		// The recorded bucket that the bound divides counts above it.
		least := n.Count - series.Response.Above(time.Duration(float64(bound)/math.Exp2(1.0/64)))
		most := n.Count - series.Response.Above(bound)
		if sum < least || sum > most {
			t.Errorf("%d up to %v, want %d to %d", sum, bound, least, most)
		}
	}
}

// One bound is exactly an edge: it belongs below.
func TestClassicEdges(t *testing.T) {
	for value, want := range map[float64]int{0.00005: 0, 0.0001: 0, 1: 12, 1.0001: 13, 60: 17, 61: 18} {
		if got := below(ClassicBounds, value); got != want {
			t.Errorf("%v is within %d, want %d", value, got, want)
		}
	}
}

func classicOf(t *testing.T, m metricdata.Metrics) metricdata.HistogramDataPoint[float64] {
	t.Helper()
	data, ok := m.Data.(metricdata.Histogram[float64])
	if !ok || data.Temporality != metricdata.CumulativeTemporality || len(data.DataPoints) != 1 {
		t.Fatalf("%s is a %T of temporality %v", m.Name, m.Data, data.Temporality)
	}
	return data.DataPoints[0]
}

// Thousands of addresses fill their own metric and no other; it is said once,
// and what is merged is added up.
func TestCardinalityBomb(t *testing.T) {
	var log strings.Builder
	h := &health{log: textLogger(&log)}
	s := newSource("on", base, h)
	var levels []record.Level
	const nodes = 5000
	for i := range nodes {
		node := record.Attr{Key: record.AttrNode, Value: fmt.Sprintf("10.0.%d.%d:6379", i/250, i%250)}
		levels = append(levels, record.Level{Name: record.Connections, Arm: "on", Attrs: []record.Attr{node}, Value: 1},
			record.Level{Name: record.DialsPeakAt, Arm: "on", Attrs: []record.Attr{node}, Value: 7})
	}
	for second := range 3 {
		s.add(record.Interval{To: time.Duration(second+1) * time.Second, Levels: levels})
	}
	s.add(record.Interval{To: 4 * time.Second, Counts: []record.Count{{Name: record.Redirects, Arm: "on", Attrs: attrs("result", "moved"), Value: 3}}})
	metrics := collected(t, pull{s, Native})
	got := values(t, metrics[record.Connections])
	if len(got) != maxPoints+1 || got["otel.metric.overflow=true"] != nodes-maxPoints {
		t.Errorf("%d series, %v in the overflow, want %d and %d", len(got), got["otel.metric.overflow=true"], maxPoints+1, nodes-maxPoints)
	}
	if at := values(t, metrics[record.DialsPeakAt])["otel.metric.overflow=true"]; at != 7 {
		t.Errorf("instants were added up to %v", at)
	}
	if got := values(t, metrics[record.Redirects]); got["result=moved,schload.phase=warmup"] != 3 {
		t.Errorf("another metric has no room: %v", got)
	}
	if n := strings.Count(log.String(), "\n"); n != 2 {
		t.Errorf("%d lines for two metrics:\n%s", n, log.String())
	}
}
