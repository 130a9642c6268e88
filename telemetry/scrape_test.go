package telemetry

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"schload/telemetry/record"
)

// scrape asks for the protobuf format, in which native histograms travel.
func scrape(t *testing.T, address string) map[string]*dto.MetricFamily {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	format := expfmt.NewFormat(expfmt.TypeProtoDelim)
	request.Header.Set("Accept", string(format))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	out := map[string]*dto.MetricFamily{}
	for decoder := expfmt.NewDecoder(response.Body, format); ; {
		family := new(dto.MetricFamily)
		if err := decoder.Decode(family); err == io.EOF {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		out[family.GetName()] = family
	}
}

func labels(m *dto.Metric) map[string]string {
	out := map[string]string{}
	for _, l := range m.Label {
		out[l.GetName()] = l.GetValue()
	}
	return out
}

// Scraping shows the arms side by side, with the names that the same metrics
// have over OTLP, and histograms as recorded.
func TestScrape(t *testing.T) {
	e := started(t, Config{Prometheus: "127.0.0.1:0"})
	series := seriesOf("on", "GET", "ok", record.Maintenance, 1, 5)
	e.Interval(record.Interval{To: time.Second,
		Series: []record.Series{series, seriesOf("off", "GET", "ok", record.Maintenance, 1, 6)},
		Counts: []record.Count{{Name: record.OperationsDue, Arm: "off", Attrs: attrs("pool", "main"), Value: 4}},
		Levels: []record.Level{{Name: record.MaintenanceActive, Attrs: attrs("type", "MOVING"), Value: 1}}})
	families := scrape(t, e.ScrapeAddress())
	response := families["schload_operation_response_time_seconds"]
	if response == nil || len(response.Metric) != 2 {
		t.Fatalf("response times of two arms expected, got %v", response)
	}
	for _, m := range response.Metric {
		if labels(m)["schload_arm"] == "on" {
			checkNative(t, m, series)
		}
	}
	due := families["schload_operations_due_total"].Metric[0]
	want := map[string]string{"pool": "main", "schload_arm": "off", "schload_phase": "warmup", "schload_run_id": "run-1", "schload_upgrade": "failover"}
	if diff := cmp.Diff(want, labels(due)); diff != "" || due.Counter.GetValue() != 4 {
		t.Errorf("value %v, labels (-want +got):\n%s", due.Counter.GetValue(), diff)
	}
	if families["schload_maintenance_active"].Metric[0].Gauge.GetValue() != 1 {
		t.Error("the run's own gauge is missing")
	}
}

func checkNative(t *testing.T, m *dto.Metric, series record.Series) {
	t.Helper()
	want := map[string]string{"pool": "main", "db_operation_name": "GET", "outcome": "ok", "schload_phase": "maintenance",
		"schload_arm": "on", "schload_run_id": "run-1", "schload_upgrade": "failover"}
	if diff := cmp.Diff(want, labels(m)); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	h := m.Histogram
	var counts []uint64
	var running int64
	for _, delta := range h.PositiveDelta {
		running += delta
		counts = append(counts, uint64(running))
	}
	var inBuckets uint64
	for _, n := range counts {
		inBuckets += n
	}
	if h.GetSchema() != 6 || h.GetSampleCount() != series.Response.Count() || inBuckets+h.GetZeroCount() != h.GetSampleCount() {
		t.Errorf("schema %d, %d samples, %d in buckets, want 6, %d", h.GetSchema(), h.GetSampleCount(), inBuckets, series.Response.Count())
	}
}
