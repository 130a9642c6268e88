package prometheus

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"schload/telemetry/record"
)

func TestParse(t *testing.T) {
	got, err := Parse("prometheuss://metrics.example/prefix/?run=a&run=b&since=48h&timeout=1m")
	if err != nil || len(got) != 2 || got[0] != (Source{"a", "https://metrics.example/prefix", 48 * time.Hour, time.Minute}) || got[1].Run != "b" {
		t.Errorf("%v, error %v", got, err)
	}
	got, err = Parse("prometheus://[::1]:9090?run=a")
	if err != nil || got[0] != (Source{"a", "http://[::1]:9090", defaultSince, defaultTimeout}) {
		t.Errorf("%v, error %v", got, err)
	}
	for text, want := range map[string]string{
		"prometheus://h:9090":                   "which run?",
		"prometheus://h:9090?run=":              "run is empty",
		"prometheus://h:9090?run=a&sinse=4h":    "sinse is not known: it is run, since or timeout",
		"prometheus://h:9090?run=a&since=4":     `since "4"`,
		"prometheus://h:9090?run=a&since=-4h":   "a duration of 1m0s or more",
		"prometheus://h:9090?run=a&timeout=0s":  "a duration of 1ms or more",
		"prometheus://?run=a":                   "the host is missing",
		"prometheus://:9090?run=a":              "the host is missing",
		"prometheus://anna:geheim@h:9090?run=a": envToken,
		"prometheus://geheim^ %zz?run=a":        "is no URL",
		"prometheus://h:9090?run=a;b":           "behind the question mark",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: error %v, want one with %q", text, err, want)
		}
	}
	for text, want := range map[string]bool{"prometheus://h": true, "prometheuss://h": true, "runs/a": false, "http://h": false} {
		if Is(text) != want {
			t.Errorf("%s: %v", text, !want)
		}
	}
}

// Arms that do not end together, that several exported, or that have no name are
// no run to be read.
func TestExtent(t *testing.T) {
	series := func(arm, instance string, seconds ...float64) *model.SampleStream {
		s := &model.SampleStream{Metric: model.Metric{labelArm: model.LabelValue(arm), "job": "schload", "instance": model.LabelValue(instance)}}
		for _, at := range seconds {
			s.Values = append(s.Values, model.SamplePair{Timestamp: model.TimeFromUnixNano(int64(at * 1e9))})
		}
		return s
	}
	for want, list := range map[string][]*model.SampleStream{
		"":                              {series("on", "a", 1, 2), series("off", "b", 1, 2.3), series("on", "a", 1)},
		"an export of one of them":      {series("on", "a", 1, 2), series("off", "b", 1, 2.6)},
		"of schload/a and of schload/b": {series("on", "a", 1, 2), series("on", "b", 1, 2)},
	} {
		e := extent{arms: map[string]*armExtent{}}
		var err error
		for _, s := range list {
			err = errors.Join(err, e.add(s))
		}
		err = errors.Join(err, e.together())
		if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
		if want == "" && (e.arms["on"].last.Unix() != 2 || len(e.names()) != 2) {
			t.Errorf("%+v", e.arms["on"])
		}
	}
}

// A series that was merged from too many, and one that is there twice.
func TestTake(t *testing.T) {
	of := func(labels model.Metric) *model.Sample {
		m := model.Metric{"db_operation_name": "GET", "outcome": "ok", "pool": "main", "schload_phase": "baseline"}
		for k, v := range labels {
			m[k] = v
		}
		return &model.Sample{Metric: m, Histogram: &model.SampleHistogram{}}
	}
	r := reading{series: map[record.Key]*record.Series{}}
	if err := r.take("on", record.ResponseTime, of(model.Metric{"replica": "a"})); err != nil {
		t.Fatal(err)
	}
	for want, labels := range map[string]model.Metric{
		"so one is a copy":              {"replica": "b"},
		"more series than are exported": {"otel_metric_overflow": "true"},
		"which operation and outcome":   {"db_operation_name": ""},
		"phase":                         {"schload_phase": "lunch"},
	} {
		if err := r.take("on", record.ResponseTime, of(labels)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error %v, want %q", labels, err, want)
		}
	}
	// Service times come apart by how often an operation was tried again.
	retried := func(times string) *model.Sample {
		return of(model.Metric{"redis_client_operation_retry_attempts": model.LabelValue(times)})
	}
	for _, line := range []*model.Sample{of(nil), retried("1"), retried("3")} {
		line.Histogram.Count, line.Histogram.Sum = 2, 4e-9
		line.Histogram.Buckets = model.HistogramBuckets{{Boundaries: closed, Lower: -zeroThreshold, Upper: zeroThreshold, Count: 2}}
		if err := r.take("on", record.ServiceTime, line); err != nil {
			t.Error(err)
		}
	}
	if err := r.take("on", record.ServiceTime, retried("3")); err == nil || !strings.Contains(err.Error(), "so one is a copy") {
		t.Errorf("error %v", err)
	}
	for _, s := range r.series {
		if s.Service.Count() != 6 {
			t.Errorf("%d service times, want the 6 of three series", s.Service.Count())
		}
	}
	count := &model.Sample{Metric: model.Metric{"pool": "main", "schload_phase": "baseline"}, Value: 7}
	if err := r.take("on", record.OperationsDue, count); err != nil {
		t.Error(err)
	}
	if err := r.take("on", record.OperationsDue, count); err == nil || !strings.Contains(err.Error(), "so one is a copy") {
		t.Errorf("error %v", err)
	}
}
