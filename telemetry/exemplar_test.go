package telemetry

import (
	"bytes"
	"encoding/hex"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"

	"schload/telemetry/record"
	operations "schload/telemetry/trace"
	"schload/workload"
)

// seriesWith is a series that holds these operations among others.
func seriesWith(list []operations.Operation) record.Series {
	s := seriesOf("on", "GET", "failed", record.Maintenance, 2, 3)
	for _, o := range list {
		s.Response.Record(o.ResponseTime())
		s.Service.Record(o.ServiceTime())
		s.Lateness.Record(o.Lateness())
	}
	return s
}

// manyGets are failed GETs, all different.
func manyGets(n int) (list []operations.Operation) {
	for i := range n {
		o := failedGet()
		o.Outcome.Attempts = 1
		o.Sample = workload.Sample{Intended: time.Second, Sent: time.Second + time.Duration(i)*ms, Done: 2*time.Second + time.Duration(i*i)*ms, Outcome: o.Outcome}
		list = append(list, o)
	}
	return list
}

// filled says that a value lies in a bucket of the point that holds something.
func filled(p *metrics.ExponentialHistogramDataPoint, value float64) bool {
	if value <= p.ZeroThreshold {
		return p.ZeroCount > 0
	}
	index := int(math.Ceil(math.Log2(value)*math.Exp2(float64(p.Scale)))) - 1 - int(p.Positive.Offset)
	return index >= 0 && index < len(p.Positive.BucketCounts) && p.Positive.BucketCounts[index] > 0
}

// The exemplars of each histogram belong to spans that arrived, that lasted as
// long as they say, and that are in a bucket of the point.
func TestExemplarsLinkToSpans(t *testing.T) {
	both(t, func(t *testing.T, protocol string) {
		spans, r := openSpans(t, protocol, nil), open(t, protocol, nil)
		e := started(t, Config{Endpoint: r.url, TracesEndpoint: spans.url})
		list := manyGets(5)
		e.Traced(list)
		e.Interval(record.Interval{To: 4 * time.Second, Series: []record.Series{seriesWith(list), seriesOf("off", "GET", "ok", record.Maintenance, 2, 4)}})
		arrivals := flushed(t, e, r)
		lasted := map[string]float64{}
		for _, s := range spans.spans() {
			lasted[string(s.TraceId)+string(s.SpanId)] = float64(s.EndTimeUnixNano-s.StartTimeUnixNano) / 1e9
		}
		checked := 0
		for _, name := range []string{record.ResponseTime, record.ServiceTime, record.Lateness} {
			for _, p := range exponentials(arrivals["on"], name) {
				if p.Count == 0 {
					continue // what it was before
				}
				if len(p.Exemplars) != 5 {
					t.Errorf("%s: %d exemplars, want 5", name, len(p.Exemplars))
				}
				for _, x := range p.Exemplars {
					checked++
					length, arrived := lasted[string(x.TraceId)+string(x.SpanId)]
					if value := x.GetAsDouble(); !arrived || !filled(p, value) || name != record.Lateness && math.Abs(length-value) > 1e-8 {
						t.Errorf("%s: exemplar of %v s: its span arrived %v and lasted %v s; in a bucket %v", name, value, arrived, length, filled(p, value))
					}
				}
			}
		}
		if checked != 15 {
			t.Errorf("%d exemplars checked, want 15", checked)
		}
		for _, p := range exponentials(arrivals["off"], record.ResponseTime) {
			if len(p.Exemplars) > 0 {
				t.Error("the other arm has exemplars")
			}
		}
	})
}

func exponentials(in received, name string) []*metrics.ExponentialHistogramDataPoint {
	for _, scope := range in.request.ResourceMetrics[0].ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Name == name {
				return m.GetExponentialHistogram().DataPoints
			}
		}
	}
	return nil
}

// A series has a few exemplars, the latest; they stay until others come, so
// that an export which fails loses none.
func TestExemplarsAreBounded(t *testing.T) {
	var file bytes.Buffer
	e := started(t, Config{Traces: true, File: Stdout, Console: &file})
	s := e.sources[1]
	counts := func() (n int, first time.Time) {
		for _, p := range s.operations.all {
			n += len(p.exemplars)
			if len(p.exemplars) > 0 {
				first = p.exemplars[0].at
			}
		}
		return n, first
	}
	list := manyGets(20)
	e.Traced(list)
	e.Interval(record.Interval{To: 4 * time.Second, Series: []record.Series{seriesWith(list)}})
	want := base.Add(list[12].Done)
	for range 2 {
		if n, first := counts(); n != mostExemplars || !first.Equal(want) {
			t.Errorf("%d exemplars from %v, want %d from %v", n, first, mostExemplars, want)
		}
		e.Interval(record.Interval{To: 5 * time.Second})
	}
	e.Traced(list[:1])
	e.Interval(record.Interval{To: 6 * time.Second, Series: []record.Series{seriesWith(list[:1])}})
	if n, _ := counts(); n != 1 || len(s.exemplars) != 0 {
		t.Errorf("%d exemplars and %d that wait, want the new one", n, len(s.exemplars))
	}
}

// Scraped histograms have exemplars: native ones in the protobuf format, in
// which alone they travel, classic ones in OpenMetrics text as well.
func TestExemplarsAreScraped(t *testing.T) {
	for _, form := range []Histograms{Native, Classic} {
		spans := openSpans(t, HTTP, nil)
		e := started(t, Config{TracesEndpoint: spans.url, Prometheus: "127.0.0.1:0", Histograms: form})
		list := manyGets(1)
		e.Traced(list)
		e.Interval(record.Interval{To: 4 * time.Second, Series: []record.Series{seriesWith(list)}})
		if err := e.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		id := hex.EncodeToString(spans.spans()[0].TraceId)
		h := scrape(t, e.ScrapeAddress())["schload_operation_response_time_seconds"].Metric[0].Histogram
		if got := exemplarsOf(h); len(got) != 1 || got[0] != id {
			t.Errorf("%s: exemplars of traces %v, want %s", form, got, id)
		}
		if form == Native {
			continue
		}
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+e.ScrapeAddress()+"/metrics", nil)
		request.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		http.DefaultClient.CloseIdleConnections()
		if !strings.Contains(string(body), `trace_id="`+id+`"`) {
			t.Errorf("%s: OpenMetrics without the exemplar", form)
		}
	}
}

func exemplarsOf(h *dto.Histogram) (traces []string) {
	add := func(x *dto.Exemplar) {
		for _, l := range x.GetLabel() {
			if l.GetName() == "trace_id" {
				traces = append(traces, l.GetValue())
			}
		}
	}
	for _, x := range h.Exemplars {
		add(x)
	}
	if len(h.Exemplars) == 0 {
		for _, b := range h.Bucket {
			add(b.Exemplar)
		}
	}
	return traces
}

// Without exemplars spans are exported all the same.
func TestExemplarsAreOff(t *testing.T) {
	spans, r := openSpans(t, HTTP, nil), open(t, HTTP, nil)
	e := started(t, Config{Endpoint: r.url, TracesEndpoint: spans.url, Getenv: variables{exemplarFilter: "always_off"}.get})
	list := manyGets(2)
	e.Traced(list)
	e.Interval(record.Interval{To: 4 * time.Second, Series: []record.Series{seriesWith(list)}})
	for _, p := range exponentials(flushed(t, e, r)["on"], record.ResponseTime) {
		if len(p.Exemplars) > 0 {
			t.Errorf("%d exemplars", len(p.Exemplars))
		}
	}
	if n := len(spans.spans()); n != 4 {
		t.Errorf("%d spans, want 4", n)
	}
}
