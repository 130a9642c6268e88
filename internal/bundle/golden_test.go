package bundle

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	colmetricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"schload/telemetry/histogram"
	"schload/telemetry/mark"
	"schload/telemetry/record"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func goldenInterval() record.Interval {
	response, service, lateness := &histogram.Histogram{}, &histogram.Histogram{}, &histogram.Histogram{}
	for _, d := range []time.Duration{1500 * time.Microsecond, 1510 * time.Microsecond, 1600 * time.Microsecond, 1700 * time.Microsecond} {
		response.Record(d)
		service.Record(d - 100*time.Microsecond)
		lateness.Record(500)
	}
	return record.Interval{
		From: time.Second, To: 2 * time.Second,
		Series: []record.Series{{
			Key:      record.Key{Arm: "on", Pool: "main", Operation: "GET", Outcome: "ok", Phase: record.Maintenance, Round: 1},
			Response: response, Service: service, Lateness: lateness,
		}},
		Counts: []record.Count{{Name: "schload.handoffs", Arm: "on", Attrs: []record.Attr{{Key: "result", Value: "succeeded"}}, Value: 16}},
		Levels: []record.Level{{Name: "schload.connections.relaxed", Arm: "on", Value: 16}},
	}
}

// The files of a small bundle, byte for byte: what docs/BUNDLE.md describes.
func TestGoldenFiles(t *testing.T) {
	w := create(t, testRun())
	seq := int64(7)
	w.Mark(mark.Mark{At: 1500 * time.Millisecond, Kind: mark.Notice, Name: "MOVING", Source: "arm", Arm: "on", Conn: 1, Node: "127.0.0.2:6379", Seq: &seq})
	if err := w.Interval(goldenInterval()); err != nil {
		t.Fatal(err)
	}
	if err := w.Finish(Final{Ended: started.Add(2 * time.Second), Valid: true}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{runFile, metricsFile, marksFile} {
		got, err := os.ReadFile(filepath.Join(w.Dir(), name))
		if err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join("testdata", "bundle", name)
		if *update {
			if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from %s (run with -update and read the diff):\n%s", name, golden, got)
		}
	}
}

// A line is the body of a request to a collector's /v1/metrics.
func TestLineIsExportRequest(t *testing.T) {
	line, err := newEncoder(testRun()).line(goldenInterval())
	if err != nil {
		t.Fatal(err)
	}
	var request colmetricspb.ExportMetricsServiceRequest
	if err := protojson.Unmarshal(line, &request); err != nil {
		t.Fatal(err)
	}
	if got := len(request.GetResourceMetrics()); got != 2 {
		t.Errorf("%d resources, want the run's own and that of arm on", got)
	}
}
