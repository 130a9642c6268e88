package bundle

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// decoder turns one line back into the interval. Metrics and attributes it
// does not know are left out, so a line that went through a collector (which
// may have added resource attributes) reads alike.
type decoder struct {
	started time.Time
	iv      record.Interval
	at      map[record.Key]int // index in iv.Series
	bounds  bool               // iv.From and iv.To are known
}

func decodeLine(line []byte, started time.Time) (record.Interval, error) {
	return newCanonical().decode(line, started)
}

// decode reads a line, and keeps what later lines are likely to repeat.
func (c *canonical) decode(line []byte, started time.Time) (record.Interval, error) {
	if iv, ok := c.read(line, started); ok {
		return iv, nil
	}
	return decodeAny(line, started)
}

// decodeAny reads a line of any layout.
func decodeAny(line []byte, started time.Time) (record.Interval, error) {
	data := &metricspb.MetricsData{}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(line, data); err != nil {
		return record.Interval{}, err
	}
	d := decoder{started: started, at: map[record.Key]int{}}
	for _, rm := range data.GetResourceMetrics() {
		arm := value(rm.GetResource().GetAttributes(), attrArm)
		for _, sm := range rm.GetScopeMetrics() {
			for _, m := range sm.GetMetrics() {
				if err := d.metric(arm, m); err != nil {
					return record.Interval{}, fmt.Errorf("metric %s: %w", m.GetName(), err)
				}
			}
		}
	}
	if !d.bounds {
		return record.Interval{}, errors.New("it holds no data point, so no interval")
	}
	d.sort()
	return d.iv, nil
}

// begin makes the decoder ready for another line of a file, whose lists it uses
// again.
func (d *decoder) begin(started time.Time) {
	d.started, d.bounds = started, false
	d.iv.Series, d.iv.Counts = d.iv.Series[:0], d.iv.Counts[:0]
	d.iv.Levels, d.iv.Distributions = d.iv.Levels[:0], d.iv.Distributions[:0]
}

// sort restores the order in which package record hands intervals out.
func (d *decoder) sort() {
	slices.SortFunc(d.iv.Series, compareSeries)
	slices.SortStableFunc(d.iv.Counts, compareCounts)
	slices.SortStableFunc(d.iv.Distributions, compareDistributions)
	slices.SortStableFunc(d.iv.Levels, compareLevels)
}

func (d *decoder) metric(arm string, m *metricspb.Metric) error {
	switch data := m.GetData().(type) {
	case *metricspb.Metric_ExponentialHistogram:
		h := data.ExponentialHistogram
		if len(h.GetDataPoints()) > 0 && h.GetAggregationTemporality() != delta {
			return errNotDelta
		}
		for _, p := range h.GetDataPoints() {
			if err := d.series(arm, m.GetName(), p); err != nil {
				return err
			}
		}
	case *metricspb.Metric_Sum:
		s := data.Sum
		if !s.GetIsMonotonic() {
			return nil
		}
		if len(s.GetDataPoints()) > 0 && s.GetAggregationTemporality() != delta {
			return errNotDelta
		}
		for _, p := range s.GetDataPoints() {
			if err := d.count(arm, m.GetName(), p); err != nil {
				return err
			}
		}
	case *metricspb.Metric_Gauge:
		for _, p := range data.Gauge.GetDataPoints() {
			if err := d.level(arm, m.GetName(), p); err != nil {
				return err
			}
		}
	}
	return nil
}

const delta = metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA

var errNotDelta = errors.New("its temporality is not delta, which a bundle needs: intervals are added up")

func (d *decoder) series(arm, name string, p *metricspb.ExponentialHistogramDataPoint) error {
	place := placeOf(name)
	if place == nil {
		return d.distribution(arm, name, p)
	}
	if err := d.bound(p.GetStartTimeUnixNano(), p.GetTimeUnixNano()); err != nil {
		return err
	}
	key, err := keyOf(arm, p.GetAttributes())
	if err != nil {
		return err
	}
	h, err := toHistogram(p)
	if err != nil {
		return err
	}
	i, ok := d.at[key]
	if !ok {
		i = len(d.iv.Series)
		d.at[key] = i
		d.iv.Series = append(d.iv.Series, record.Series{Key: key})
	}
	into := place(&d.iv.Series[i])
	if *into != nil {
		return fmt.Errorf("two points for %+v", key)
	}
	*into = h
	return nil
}

// placeOf says which of a series' histograms has that name, nil if none has.
func placeOf(name string) func(*record.Series) **histogram.Histogram {
	switch name {
	case record.ResponseTime:
		return func(s *record.Series) **histogram.Histogram { return &s.Response }
	case record.ServiceTime:
		return func(s *record.Series) **histogram.Histogram { return &s.Service }
	case record.Lateness:
		return func(s *record.Series) **histogram.Histogram { return &s.Lateness }
	case record.MessageDeliveryTime:
		return func(s *record.Series) **histogram.Histogram { return &s.Delivery }
	}
	return nil
}

// distribution takes a histogram that is not one of operations. One of a name
// that is not ours is left out.
func (d *decoder) distribution(arm, name string, p *metricspb.ExponentialHistogramDataPoint) error {
	if units[name] == "" {
		return nil
	}
	if err := d.bound(p.GetStartTimeUnixNano(), p.GetTimeUnixNano()); err != nil {
		return err
	}
	h, err := toHistogram(p)
	if err != nil {
		return err
	}
	d.iv.Distributions = append(d.iv.Distributions, record.Distribution{Name: name, Arm: arm, Attrs: attributes(p.GetAttributes()), Times: h})
	return nil
}

func keyOf(arm string, attrs []*commonpb.KeyValue) (record.Key, error) {
	key := record.Key{
		Arm:       arm,
		Pool:      value(attrs, record.AttrPool),
		Operation: value(attrs, record.AttrOperation),
		Outcome:   value(attrs, record.AttrOutcome),
	}
	if err := key.Phase.UnmarshalText([]byte(value(attrs, record.AttrPhase))); err != nil {
		return key, err
	}
	round, err := strconv.Atoi(value(attrs, record.AttrRound))
	if err != nil || round < 0 {
		return key, fmt.Errorf("%s %q is not a round (0, 1, ...)", record.AttrRound, value(attrs, record.AttrRound))
	}
	key.Round = round
	return key, nil
}

func toHistogram(p *metricspb.ExponentialHistogramDataPoint) (*histogram.Histogram, error) {
	if p.GetScale() != scale {
		return nil, fmt.Errorf("scale %d, want %d: buckets of another width cannot be added", p.GetScale(), scale)
	}
	if p.GetZeroThreshold() != zeroThreshold {
		return nil, fmt.Errorf("zero threshold %v, want %v", p.GetZeroThreshold(), zeroThreshold)
	}
	if len(p.GetNegative().GetBucketCounts()) > 0 {
		return nil, errors.New("it has negative buckets, durations have none")
	}
	sum, err1 := FromSeconds(p.GetSum())
	low, err2 := FromSeconds(p.GetMin())
	high, err3 := FromSeconds(p.GetMax())
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	h, err := histogram.FromBuckets(p.GetPositive().GetOffset(), p.GetPositive().GetBucketCounts(), p.GetZeroCount(), sum, low, high)
	if err != nil {
		return nil, err
	}
	if h.Count() != p.GetCount() {
		return nil, fmt.Errorf("count %d, but the buckets hold %d", p.GetCount(), h.Count())
	}
	return h, nil
}

func (d *decoder) count(arm, name string, p *metricspb.NumberDataPoint) error {
	if err := d.bound(p.GetStartTimeUnixNano(), p.GetTimeUnixNano()); err != nil {
		return err
	}
	v, ok := p.GetValue().(*metricspb.NumberDataPoint_AsInt)
	if !ok || v.AsInt < 0 {
		return fmt.Errorf("value %v is not a count", p.GetValue())
	}
	d.iv.Counts = append(d.iv.Counts, record.Count{
		Name: name, Arm: arm, Attrs: attributes(p.GetAttributes()), Value: uint64(v.AsInt),
	})
	return nil
}

func (d *decoder) level(arm, name string, p *metricspb.NumberDataPoint) error {
	if err := d.bound(p.GetStartTimeUnixNano(), p.GetTimeUnixNano()); err != nil {
		return err
	}
	v := levelOf(p)
	if err := checkLevel(name, v); err != nil {
		return err
	}
	if name == intervalName { // its points' own bounds say it, to the nanosecond
		return nil
	}
	d.iv.Levels = append(d.iv.Levels, record.Level{Name: name, Arm: arm, Attrs: attributes(p.GetAttributes()), Value: v})
	return nil
}

// bound takes the interval's bounds from its first point and holds the others
// against them.
func (d *decoder) bound(start, end uint64) error {
	from, err := since(d.started, start)
	if err != nil {
		return err
	}
	to, err := since(d.started, end)
	if err != nil {
		return err
	}
	if d.bounds && (from != d.iv.From || to != d.iv.To) {
		return fmt.Errorf("a point from %v to %v in the interval from %v to %v", from, to, d.iv.From, d.iv.To)
	}
	if from < 0 || to < from {
		return fmt.Errorf("a point from %v to %v since the run's base: want 0 <= from <= to", from, to)
	}
	d.iv.From, d.iv.To, d.bounds = from, to, true
	return nil
}

// value returns the string value of an attribute, "" if it is absent.
func value(attrs []*commonpb.KeyValue, key string) string {
	for _, a := range attrs {
		if a.GetKey() == key {
			return text(a.GetValue())
		}
	}
	return ""
}

func attributes(kvs []*commonpb.KeyValue) []record.Attr {
	var attrs []record.Attr
	for _, kv := range kvs {
		attrs = append(attrs, record.Attr{Key: kv.GetKey(), Value: text(kv.GetValue())})
	}
	return attrs
}

// text returns a scalar attribute value as a string; a collector may have
// turned the round into an integer.
func text(v *commonpb.AnyValue) string {
	switch v := v.GetValue().(type) {
	case *commonpb.AnyValue_StringValue:
		return v.StringValue
	case *commonpb.AnyValue_IntValue:
		return strconv.FormatInt(v.IntValue, 10)
	case *commonpb.AnyValue_BoolValue:
		return strconv.FormatBool(v.BoolValue)
	}
	return ""
}

func keyValues(attrs []record.Attr) []*commonpb.KeyValue {
	var kvs []*commonpb.KeyValue
	for _, a := range attrs {
		kvs = append(kvs, &commonpb.KeyValue{
			Key:   a.Key,
			Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: a.Value}},
		})
	}
	return kvs
}

// since returns the instant of a point as the time since the run's base.
func since(started time.Time, unixNano uint64) (time.Duration, error) {
	if unixNano > math.MaxInt64 {
		return 0, fmt.Errorf("instant %d ns is out of range", unixNano)
	}
	return time.Unix(0, int64(unixNano)).Sub(started), nil
}
