// Package remote asks a Prometheus that runs somewhere else, over its HTTP API,
// and answers as package engine does.
package remote

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"

	"schload/dashboards/test/engine"
)

// Prometheus is a server that is asked. Its methods may be called concurrently.
type Prometheus struct{ api v1.API }

// Open names the server by its base URL, http://127.0.0.1:9090. Nothing is
// asked yet.
func Open(address string) (*Prometheus, error) {
	if u, err := url.Parse(address); err != nil || u.Host == "" {
		return nil, fmt.Errorf("%q: want the URL of a Prometheus such as http://127.0.0.1:9090", address)
	}
	client, err := api.NewClient(api.Config{Address: address})
	if err != nil {
		return nil, err
	}
	return &Prometheus{v1.NewAPI(client)}, nil
}

// Instant asks for the values at an instant. A warning is an error, a remark
// is not.
func (p *Prometheus) Instant(ctx context.Context, expr string, at time.Time) ([]engine.Sample, error) {
	value, warnings, _, err := p.api.Query(ctx, expr, at)
	if err != nil || len(warnings) > 0 {
		return nil, fmt.Errorf("%s: %v, warnings %v", expr, err, warnings)
	}
	vector, ok := value.(model.Vector)
	if !ok {
		return nil, fmt.Errorf("%s: answered with a %s, want a vector", expr, value.Type())
	}
	out := make([]engine.Sample, 0, len(vector))
	for _, s := range vector {
		out = append(out, engine.Sample{Metric: named(s.Metric), T: int64(s.Timestamp), F: float64(s.Value), H: shape(s.Histogram)})
	}
	return out, nil
}

// Range asks for a value each step of a time range. A warning is an error.
func (p *Prometheus) Range(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]engine.Line, error) {
	value, warnings, _, err := p.api.QueryRange(ctx, expr, v1.Range{Start: from, End: to, Step: step})
	if err != nil || len(warnings) > 0 {
		return nil, fmt.Errorf("%s: %v, warnings %v", expr, err, warnings)
	}
	matrix, ok := value.(model.Matrix)
	if !ok {
		return nil, fmt.Errorf("%s: answered with a %s, want a matrix", expr, value.Type())
	}
	out := make([]engine.Line, 0, len(matrix))
	for _, series := range matrix {
		line := engine.Line{Labels: named(series.Metric)}
		for _, s := range series.Values {
			line.Samples = append(line.Samples, engine.Sample{T: int64(s.Timestamp), F: float64(s.Value)})
		}
		for _, s := range series.Histograms {
			line.Samples = append(line.Samples, engine.Sample{T: int64(s.Timestamp), H: shape(s.Histogram)})
		}
		out = append(out, line)
	}
	return out, nil
}

func named(metric model.Metric) labels.Labels {
	all := make(map[string]string, len(metric))
	for name, value := range metric {
		all[string(name)] = string(value)
	}
	return labels.FromMap(all)
}

// shape makes a histogram of the buckets that an answer lists. Their bounds are
// given as numbers, so it has bounds of its own; buckets below zero are left
// out: nothing here is negative.
func shape(h *model.SampleHistogram) *histogram.FloatHistogram {
	if h == nil {
		return nil
	}
	out := &histogram.FloatHistogram{Schema: histogram.CustomBucketsSchema, Count: float64(h.Count), Sum: float64(h.Sum)}
	buckets := slices.Clone(h.Buckets)
	slices.SortFunc(buckets, func(a, b *model.HistogramBucket) int {
		return cmp.Compare(a.Upper, b.Upper)
	})
	add := func(upper, count float64) {
		out.CustomValues = append(out.CustomValues, upper)
		out.PositiveBuckets = append(out.PositiveBuckets, count)
	}
	for _, b := range buckets {
		if b.Upper <= 0 {
			continue
		}
		if n := len(out.CustomValues); float64(b.Lower) > 0 && (n == 0 || out.CustomValues[n-1] < float64(b.Lower)) {
			add(float64(b.Lower), 0) // nothing lies between it and the one before
		}
		add(float64(b.Upper), float64(b.Count))
	}
	if n := len(out.PositiveBuckets); n > 0 {
		out.PositiveSpans = []histogram.Span{{Length: uint32(n)}}
	}
	return out
}
