package telemetry

import (
	"context"
	"maps"
	"math"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// scope names the instrumentation.
var scope = instrumentation.Scope{Name: "schload/telemetry"}

// zeroThreshold is the lower edge of the first bucket, in seconds: what is
// faster is in the zero bucket.
var zeroThreshold = math.Ldexp(1, -20)

// push produces what is pushed by OTLP: each time a copy of the state as
// metrics. Every series begins at the run's base, and points have the time of
// the latest interval's end, so a push without a new interval repeats itself
// exactly.
type push struct {
	*source
	form Histograms
}

// Produce implements sdkmetric.Producer.
func (p push) Produce(context.Context) ([]metricdata.ScopeMetrics, error) {
	return p.produce(true, p.form), nil
}

// pull produces what is scraped. A scrape shows each series once, so births
// stay for the next push.
type pull struct {
	*source
	form Histograms
}

// Produce implements sdkmetric.Producer.
func (p pull) Produce(context.Context) ([]metricdata.ScopeMetrics, error) {
	return p.produce(false, p.form), nil
}

func (s *source) produce(pushed bool, form Histograms) []metricdata.ScopeMetrics {
	s.mu.Lock()
	defer s.mu.Unlock()
	metrics := slices.Concat(s.histograms(pushed), s.deliveryTimes(pushed), s.spreads(pushed), s.sums(pushed), s.gauges(), s.contracted())
	s.pushed = s.pushed || pushed
	if len(metrics) == 0 {
		return nil
	}
	if form == Classic {
		metrics = classic(metrics)
	}
	return []metricdata.ScopeMetrics{{Scope: scope, Metrics: metrics}}
}

func (s *source) histograms(pushed bool) []metricdata.Metrics {
	if len(s.operations.all) == 0 {
		return nil
	}
	var response, service, lateness []metricdata.ExponentialHistogramDataPoint[float64]
	state := func(o *operation, r, v, l *histogram.Histogram, at time.Time, links []exemplar) {
		response = append(response, linked(s.histogram(r, o.ours, at), links, ofResponse))
		service = append(service, linked(s.histogram(v, o.standard, at), links, ofService(0)))
		lateness = append(lateness, linked(s.histogram(l, o.ours, at), links, ofLateness))
	}
	var zero histogram.Histogram
	for _, o := range s.operations.all {
		if pushed && !o.birth.IsZero() {
			state(o, &zero, &zero, &zero, o.birth, nil)
			o.birth = time.Time{}
		}
		state(o, &o.response, &o.service, &o.lateness, s.now, o.exemplars)
		for i, a := range o.again {
			if a == nil {
				continue
			}
			if pushed && !a.birth.IsZero() {
				service = append(service, s.histogram(&zero, a.standard, a.birth))
				a.birth = time.Time{}
			}
			service = append(service, linked(s.histogram(&a.service, a.standard, s.now), o.exemplars, ofService(i+1)))
		}
	}
	return []metricdata.Metrics{
		metric(record.ResponseTime, exponential(response)),
		metric(record.ServiceTime, exponential(service)),
		metric(record.Lateness, exponential(lateness)),
	}
}

// spreads are the histograms of what is no operation.
func (s *source) spreads(pushed bool) []metricdata.Metrics {
	byName := map[string][]metricdata.ExponentialHistogramDataPoint[float64]{}
	var zero histogram.Histogram
	for _, d := range s.distributions.all {
		if pushed && !d.birth.IsZero() {
			byName[d.metric] = append(byName[d.metric], s.histogram(&zero, d.attributes, d.birth))
			d.birth = time.Time{}
		}
		byName[d.metric] = append(byName[d.metric], s.histogram(&d.times, d.attributes, s.now))
	}
	var out []metricdata.Metrics
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		out = append(out, metric(name, exponential(byName[name])))
	}
	return out
}

func exponential(points []metricdata.ExponentialHistogramDataPoint[float64]) metricdata.Aggregation {
	return metricdata.ExponentialHistogram[float64]{Temporality: metricdata.CumulativeTemporality, DataPoints: points}
}

// histogram copies one histogram, bucket by bucket. The count is that of the
// buckets copied, as receivers expect without checking.
func (s *source) histogram(h *histogram.Histogram, attrs attribute.Set, at time.Time) metricdata.ExponentialHistogramDataPoint[float64] {
	offset, counts := h.Buckets()
	p := metricdata.ExponentialHistogramDataPoint[float64]{
		Attributes:     attrs,
		StartTime:      s.start,
		Time:           at,
		Sum:            record.Seconds(h.Sum()),
		Scale:          histogram.Scale,
		ZeroCount:      h.Zero(),
		ZeroThreshold:  zeroThreshold,
		PositiveBucket: metricdata.ExponentialBucket{Offset: offset, Counts: counts},
		Count:          h.Zero(),
	}
	for _, n := range counts {
		p.Count += n
	}
	if p.Count > 0 {
		p.Min = metricdata.NewExtrema(record.Seconds(h.Min()))
		p.Max = metricdata.NewExtrema(record.Seconds(h.Max()))
	}
	return p
}

func (s *source) sums(pushed bool) []metricdata.Metrics {
	byName := map[string][]metricdata.DataPoint[int64]{}
	for _, c := range s.counts.all {
		point := metricdata.DataPoint[int64]{Attributes: c.attributes, StartTime: s.start, Time: s.now, Value: int64(c.value)}
		if pushed && !c.birth.IsZero() {
			zero := point
			zero.Time, zero.Value = c.birth, 0
			byName[c.metric] = append(byName[c.metric], zero)
			c.birth = time.Time{}
		}
		byName[c.metric] = append(byName[c.metric], point)
	}
	var out []metricdata.Metrics
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		out = append(out, metric(name, metricdata.Sum[int64]{
			Temporality: metricdata.CumulativeTemporality, IsMonotonic: true, DataPoints: byName[name]}))
	}
	return out
}

func (s *source) gauges() []metricdata.Metrics {
	byName := map[string][]metricdata.DataPoint[float64]{}
	for _, l := range s.levels.all {
		byName[l.metric] = append(byName[l.metric], metricdata.DataPoint[float64]{
			Attributes: l.attributes, StartTime: s.start, Time: s.now, Value: l.value})
	}
	var out []metricdata.Metrics
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		out = append(out, metric(name, gauge(name, byName[name])))
	}
	return out
}

// gauge is a gauge, or for a metric that is specified as an up-down counter
// the sum that such a counter comes to.
func gauge(name string, points []metricdata.DataPoint[float64]) metricdata.Aggregation {
	if described(name, record.Gauge, record.UpDownCounter).Kind == record.UpDownCounter {
		return metricdata.Sum[float64]{Temporality: metricdata.CumulativeTemporality, DataPoints: points}
	}
	return metricdata.Gauge[float64]{DataPoints: points}
}
