package bundle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// reference turns intervals into lines by way of OTLP's types and protojson: the
// layout that encoder writes is this one, byte by byte.
type reference struct {
	run  Run
	arms []string // "" for the run itself, then the arms in their order
}

func newReference(run Run) *reference {
	e := &reference{run: run, arms: []string{""}}
	for _, a := range run.Arms {
		e.arms = append(e.arms, a.Name)
	}
	return e
}

func (e *reference) line(iv record.Interval) ([]byte, error) {
	if iv.From < 0 || iv.To < iv.From {
		return nil, fmt.Errorf("interval from %v to %v: want 0 <= from <= to", iv.From, iv.To)
	}
	data, err := e.data(iv)
	if err != nil {
		return nil, fmt.Errorf("interval from %v to %v: %w", iv.From, iv.To, err)
	}
	text, err := protojson.MarshalOptions{UseEnumNumbers: true}.Marshal(data)
	if err != nil {
		return nil, err
	}
	// protojson puts spaces at random so that nobody relies on its layout.
	var b bytes.Buffer
	b.Grow(len(text) + 1)
	if err := json.Compact(&b, text); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

func (e *reference) data(iv record.Interval) (*metricspb.MetricsData, error) {
	for _, s := range iv.Series {
		e.know(s.Arm)
	}
	for _, c := range iv.Counts {
		e.know(c.Arm)
	}
	for _, l := range iv.Levels {
		e.know(l.Arm)
	}
	for _, d := range iv.Distributions {
		e.know(d.Arm)
	}
	data := &metricspb.MetricsData{}
	for _, arm := range e.arms {
		p := points{
			start: uint64(e.run.Started.Add(iv.From).UnixNano()),
			end:   uint64(e.run.Started.Add(iv.To).UnixNano()),
			at:    map[string]int{},
		}
		if arm == "" {
			p.level(record.Level{Name: intervalName, Value: record.Seconds(iv.To - iv.From)})
		}
		if err := p.addAll(arm, iv); err != nil {
			return nil, err
		}
		if len(p.metrics) > 0 {
			data.ResourceMetrics = append(data.ResourceMetrics, &metricspb.ResourceMetrics{
				Resource: &resourcepb.Resource{Attributes: e.resource(arm)},
				ScopeMetrics: []*metricspb.ScopeMetrics{{
					Scope:   &commonpb.InstrumentationScope{Name: "schload", Version: e.run.Versions.Schload},
					Metrics: p.metrics,
				}},
			})
		}
	}
	return data, nil
}

func (e *reference) know(arm string) {
	if !slices.Contains(e.arms, arm) {
		e.arms = append(e.arms, arm)
	}
}

func (e *reference) resource(arm string) []*commonpb.KeyValue {
	attrs := []record.Attr{{Key: attrService, Value: "schload"}}
	for _, a := range []record.Attr{
		{Key: attrVersion, Value: e.run.Versions.Schload},
		{Key: attrRun, Value: e.run.ID},
		{Key: attrUpgrade, Value: e.run.Upgrade.Name},
		{Key: attrArm, Value: arm},
	} {
		if a.Value != "" {
			attrs = append(attrs, a)
		}
	}
	return keyValues(attrs)
}

// points collects the metrics of one arm, each name once, in the order of
// their first point.
type points struct {
	start, end uint64
	metrics    []*metricspb.Metric
	at         map[string]int // name -> index in metrics
}

func (p *points) addAll(arm string, iv record.Interval) error {
	for _, s := range iv.Series {
		if s.Arm == arm {
			p.series(s)
		}
	}
	for _, d := range iv.Distributions {
		if d.Arm == arm {
			p.exponential(d.Name, keyValues(d.Attrs), d.Times)
		}
	}
	for _, c := range iv.Counts {
		if c.Arm != arm {
			continue
		}
		if c.Value > math.MaxInt64 {
			return fmt.Errorf("counter %s: %d exceeds OTLP's 64-bit signed integer", c.Name, c.Value)
		}
		if err := p.count(c); err != nil {
			return err
		}
	}
	for _, l := range iv.Levels {
		if l.Arm == arm {
			if l.Name == intervalName {
				return fmt.Errorf("gauge %s: the name is taken", l.Name)
			}
			if err := p.level(l); err != nil {
				return err
			}
		}
	}
	return nil
}

// metric returns the metric of that name, made by fresh if it is the first
// point.
func (p *points) metric(name string, fresh func(*metricspb.Metric)) *metricspb.Metric {
	i, ok := p.at[name]
	if !ok {
		i = len(p.metrics)
		p.at[name] = i
		m := &metricspb.Metric{Name: name, Unit: units[name]}
		fresh(m)
		p.metrics = append(p.metrics, m)
	}
	return p.metrics[i]
}

func (p *points) series(s record.Series) {
	if s.Delivery != nil {
		p.exponential(record.MessageDeliveryTime, keyValues([]record.Attr{
			{Key: record.AttrPhase, Value: s.Phase.String()},
			{Key: record.AttrRound, Value: strconv.Itoa(s.Round)},
			{Key: record.AttrPool, Value: s.Pool},
		}), s.Delivery)
	}
	attrs := keyValues([]record.Attr{
		{Key: record.AttrOperation, Value: s.Operation},
		{Key: record.AttrOutcome, Value: s.Outcome},
		{Key: record.AttrPhase, Value: s.Phase.String()},
		{Key: record.AttrRound, Value: strconv.Itoa(s.Round)},
		{Key: record.AttrPool, Value: s.Pool},
	})
	for _, h := range [...]struct {
		name  string
		attrs []*commonpb.KeyValue
		h     *histogram.Histogram
	}{
		{record.ResponseTime, attrs, s.Response},
		{record.ServiceTime, append(dbSystem(), attrs...), s.Service},
		{record.Lateness, attrs, s.Lateness},
	} {
		if h.h != nil {
			p.exponential(h.name, h.attrs, h.h)
		}
	}
}

func (p *points) exponential(name string, attrs []*commonpb.KeyValue, h *histogram.Histogram) {
	m := p.metric(name, func(m *metricspb.Metric) {
		m.Data = &metricspb.Metric_ExponentialHistogram{ExponentialHistogram: &metricspb.ExponentialHistogram{
			AggregationTemporality: metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA,
		}}
	}).GetExponentialHistogram()
	m.DataPoints = append(m.DataPoints, p.point(attrs, h))
}

func (p *points) point(attrs []*commonpb.KeyValue, h *histogram.Histogram) *metricspb.ExponentialHistogramDataPoint {
	offset, counts := h.Buckets()
	sum, low, high := record.Seconds(h.Sum()), record.Seconds(h.Min()), record.Seconds(h.Max())
	point := &metricspb.ExponentialHistogramDataPoint{
		Attributes:        attrs,
		StartTimeUnixNano: p.start,
		TimeUnixNano:      p.end,
		Count:             h.Count(),
		Sum:               &sum,
		Scale:             scale,
		ZeroCount:         h.Zero(),
		ZeroThreshold:     zeroThreshold,
		Positive:          &metricspb.ExponentialHistogramDataPoint_Buckets{Offset: offset, BucketCounts: counts},
	}
	if point.Count > 0 {
		point.Min, point.Max = &low, &high
	}
	return point
}

func (p *points) count(c record.Count) error {
	sum := p.metric(c.Name, func(m *metricspb.Metric) {
		m.Data = &metricspb.Metric_Sum{Sum: &metricspb.Sum{
			AggregationTemporality: metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA,
			IsMonotonic:            true,
		}}
	}).GetSum()
	if sum == nil {
		return fmt.Errorf("counter %s: another kind of metric has this name", c.Name)
	}
	sum.DataPoints = append(sum.DataPoints, &metricspb.NumberDataPoint{
		Attributes: keyValues(c.Attrs), StartTimeUnixNano: p.start, TimeUnixNano: p.end,
		Value: &metricspb.NumberDataPoint_AsInt{AsInt: int64(c.Value)},
	})
	return nil
}

func (p *points) level(l record.Level) error {
	gauge := p.metric(l.Name, func(m *metricspb.Metric) {
		m.Data = &metricspb.Metric_Gauge{Gauge: &metricspb.Gauge{}}
	}).GetGauge()
	if gauge == nil {
		return fmt.Errorf("gauge %s: another kind of metric has this name", l.Name)
	}
	gauge.DataPoints = append(gauge.DataPoints, &metricspb.NumberDataPoint{
		Attributes: keyValues(l.Attrs), StartTimeUnixNano: p.start, TimeUnixNano: p.end,
		Value: &metricspb.NumberDataPoint_AsDouble{AsDouble: l.Value},
	})
	return nil
}

// dbSystem is the attribute the semantic conventions require of their metric.
func dbSystem() []*commonpb.KeyValue {
	return keyValues([]record.Attr{{Key: record.AttrSystem, Value: "redis"}})
}
