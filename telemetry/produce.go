package telemetry

import (
	"context"
	"maps"
	"math"
	"slices"

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

// Produce implements sdkmetric.Producer: a copy of the state as metrics.
// Every series begins at the run's base and ends with the latest interval, so
// an export without a new interval repeats itself exactly.
func (s *source) Produce(context.Context) ([]metricdata.ScopeMetrics, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.arm == "" {
		s.stateExports()
	}
	metrics := slices.Concat(s.histograms(), s.sums(), s.gauges())
	if len(metrics) == 0 {
		return nil, nil
	}
	return []metricdata.ScopeMetrics{{Scope: scope, Metrics: metrics}}, nil
}

// stateExports makes the health of the export part of the export.
func (s *source) stateExports() {
	stats := s.health.stats()
	s.count(record.TelemetryExports, []record.Attr{{Key: record.AttrResult, Value: succeeded}}).value = stats.Sent
	s.count(record.TelemetryExports, []record.Attr{{Key: record.AttrResult, Value: failed}}).value = stats.Failed
}

func (s *source) histograms() []metricdata.Metrics {
	if len(s.operations.all) == 0 {
		return nil
	}
	var response, service, lateness []metricdata.ExponentialHistogramDataPoint[float64]
	for _, o := range s.operations.all {
		response = append(response, s.histogram(&o.response, o.ours))
		service = append(service, s.histogram(&o.service, o.standard))
		lateness = append(lateness, s.histogram(&o.lateness, o.ours))
	}
	return []metricdata.Metrics{
		metric(record.ResponseTime, exponential(response)),
		metric(record.ServiceTime, exponential(service)),
		metric(record.Lateness, exponential(lateness)),
	}
}

func exponential(points []metricdata.ExponentialHistogramDataPoint[float64]) metricdata.Aggregation {
	return metricdata.ExponentialHistogram[float64]{Temporality: metricdata.CumulativeTemporality, DataPoints: points}
}

// histogram copies one histogram, bucket by bucket. The count is that of the
// buckets copied, as receivers expect without checking.
func (s *source) histogram(h *histogram.Histogram, attrs attribute.Set) metricdata.ExponentialHistogramDataPoint[float64] {
	offset, counts := h.Buckets()
	p := metricdata.ExponentialHistogramDataPoint[float64]{
		Attributes:     attrs,
		StartTime:      s.start,
		Time:           s.now,
		Sum:            h.Sum().Seconds(),
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
		p.Min = metricdata.NewExtrema(h.Min().Seconds())
		p.Max = metricdata.NewExtrema(h.Max().Seconds())
	}
	return p
}

func (s *source) sums() []metricdata.Metrics {
	byName := map[string][]metricdata.DataPoint[int64]{}
	for _, c := range s.counts.all {
		byName[c.metric] = append(byName[c.metric], metricdata.DataPoint[int64]{
			Attributes: c.attributes, StartTime: s.start, Time: s.now, Value: int64(c.value)})
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
	if descriptors[name].Kind == record.UpDownCounter {
		return metricdata.Sum[float64]{Temporality: metricdata.CumulativeTemporality, DataPoints: points}
	}
	return metricdata.Gauge[float64]{DataPoints: points}
}
