package observability

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// exemplar links a point of a histogram to a trace.
type exemplar struct {
	Labels map[string]string
	Value  string
}

// traced checks that what a run says beyond metrics has somewhere to go in the
// shipped stack: Prometheus keeps exemplars, the collector writes the spans that
// they lead to, and marks.
func (s *stack) traced(t *testing.T, r summary) {
	t.Helper()
	for _, metric := range []string{"schload_operation_response_time_seconds", "db_client_operation_duration_seconds"} {
		selector := fmt.Sprintf("%s{schload_run_id=%q}", metric, r.RunID)
		exemplars := s.exemplars(t, r, selector)
		if len(exemplars) == 0 {
			t.Errorf("Prometheus has no exemplar of %s", selector)
		}
		for _, x := range exemplars {
			trace, span := x.Labels["trace_id"], x.Labels["span_id"]
			if trace == "" || span == "" {
				t.Errorf("%s: exemplar %+v leads nowhere", selector, x)
				continue
			}
			s.collected(t, trace+" "+span)
		}
		t.Logf("%d exemplars of %s", len(exemplars), metric)
	}
	s.collected(t, "ResourceLog #0")
	if strings.Contains(r.stderr, "404 Not Found") || strings.Contains(r.stderr, "Unimplemented") || r.Harness.Exports.Failed > 0 {
		t.Errorf("something found no receiver: exports %+v\n%s", r.Harness.Exports, last(r.stderr, 2000))
	}
}

// exemplars asks for those of all series that the selector has in a run.
func (s *stack) exemplars(t *testing.T, r summary, selector string) (out []exemplar) {
	t.Helper()
	response, err := http.PostForm(s.prometheus+"/api/v1/query_exemplars", url.Values{"query": {selector}, "start": {stamp(r.from)}, "end": {stamp(r.to)}})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var a struct {
		Status, Error string
		Data          []struct{ Exemplars []exemplar }
	}
	if err := json.NewDecoder(response.Body).Decode(&a); err != nil || a.Status != "success" {
		t.Fatalf("%s: %s %s %v", selector, a.Status, a.Error, err)
	}
	for _, series := range a.Data {
		out = append(out, series.Exemplars...)
	}
	return out
}

// collected waits until the collector has written the words to its log.
func (s *stack) collected(t *testing.T, words string) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for tick := time.NewTicker(100 * time.Millisecond); ; <-tick.C {
		if strings.Contains(s.collector.said.String(), words) {
			tick.Stop()
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("the collector never wrote %q", words)
			return
		}
	}
}
