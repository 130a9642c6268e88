package bundle

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"

	"schload/telemetry/record"
)

const cumulative = metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE

// whole is a run whose metrics and events were all exported: what its bundle
// has. Of each reading and arm it keeps what changed.
type whole struct {
	exportedTimeline
	instances map[string]string // by arm
	series    map[string]*wholeSeries
	at        map[uint64]map[string]*wholeArm // by the time of the points, and arm
}

// wholeSeries is a series as of its latest point.
type wholeSeries struct {
	name  string
	attrs []record.Attr // as the bundle has them, sorted
	end   uint64
	value uint64
	times wholeTimes
	byKey map[string]string // attrs by key
	place string            // the bundle's series that it is part of: exports part service times by retries
}

// wholeTimes is a cumulative histogram: bucket by bucket from offset on.
type wholeTimes struct {
	offset int32
	counts []uint64
	zero   uint64
	sum    int64 // ns
}

// wholeArm is what changed of an arm in one interval.
type wholeArm struct {
	counts []wholeCount
	levels []wholeLevel
	times  []packedTimes
}

type wholeCount struct {
	of *wholeSeries
	n  uint64
}

type wholeLevel struct {
	of    *wholeSeries
	value float64
}

func newWhole(t exportedTimeline) *whole {
	w := &whole{exportedTimeline: t, instances: map[string]string{}, series: map[string]*wholeSeries{}, at: map[uint64]map[string]*wholeArm{}}
	for _, r := range t.readings {
		w.at[w.instant(r)] = map[string]*wholeArm{}
	}
	return w
}

// instant is the time of a reading's points.
func (w *whole) instant(r record.Reading) uint64 {
	return uint64(w.run.Started.UnixNano()) + uint64(r.At)
}

// resource takes the metrics of an arm, or of the run itself.
func (w *whole) resource(rm *metricspb.ResourceMetrics) error {
	attrs := rm.GetResource().GetAttributes()
	arm, instance := value(attrs, attrArm), value(attrs, attrInstance)
	if before, ok := w.instances[arm]; ok && before != instance {
		return fmt.Errorf("arm %s is of %s, before it was of %s: several workers, whose bundles schload merge adds up", arm, instance, before)
	}
	w.instances[arm] = instance
	for _, sm := range rm.GetScopeMetrics() {
		for _, m := range sm.GetMetrics() {
			if units[m.GetName()] == "" {
				continue // not of the bundle
			}
			if err := w.metric(arm, m); err != nil {
				return fmt.Errorf("arm %s metric %s: %w", arm, m.GetName(), err)
			}
		}
	}
	return nil
}

func (w *whole) metric(arm string, m *metricspb.Metric) error {
	switch data := m.GetData().(type) {
	case *metricspb.Metric_ExponentialHistogram:
		for _, p := range data.ExponentialHistogram.GetDataPoints() {
			if err := w.histogram(arm, m.GetName(), data.ExponentialHistogram.GetAggregationTemporality(), p); err != nil {
				return err
			}
		}
	case *metricspb.Metric_Sum:
		for _, p := range data.Sum.GetDataPoints() {
			add := w.count
			if !data.Sum.GetIsMonotonic() {
				add = w.level
			}
			if err := add(arm, m.GetName(), data.Sum.GetAggregationTemporality(), p); err != nil {
				return err
			}
		}
	case *metricspb.Metric_Gauge:
		for _, p := range data.Gauge.GetDataPoints() {
			if err := w.level(arm, m.GetName(), cumulative, p); err != nil {
				return err
			}
		}
	case *metricspb.Metric_Histogram:
		return errors.New("classic buckets (--histograms classic) are too wide for these quantiles: export native ones")
	default:
		return fmt.Errorf("another kind of metric than schload exports by this name (%T)", data)
	}
	return nil
}

// point finds the series of a point and the reading it belongs to; nil for one
// that belongs to none, as the zeros before the load, or that was there before.
// Without a series it is the zero from which a series began, once more: a
// request arrived twice.
func (w *whole) point(arm, name string, kvs []*commonpb.KeyValue, kind metricspb.AggregationTemporality, start, end uint64, zero bool) (*wholeSeries, *wholeArm, error) {
	if kind != cumulative {
		return nil, nil, lacking("the points are deltas: the collector must leave them cumulative")
	}
	for _, kv := range kvs {
		if kv.GetKey() == "otel.metric.overflow" {
			return nil, nil, lacking("series were merged, there were too many (otel.metric.overflow)")
		}
	}
	if base := uint64(w.run.Started.UnixNano()); start != base && start != 0 {
		return nil, nil, fmt.Errorf("a point that begins at %v, the run began at %v: it was reset, what was before is missing", instant(start), instant(base))
	}
	s := w.seriesOf(arm, name, kvs)
	if end < s.end && zero {
		return nil, nil, nil
	}
	if end < s.end {
		return nil, nil, fmt.Errorf("a point of %v after one of %v: the lines are out of order", instant(end), instant(s.end))
	}
	again := end == s.end
	s.end = end
	arms := w.at[end]
	if arms == nil {
		return s, nil, nil
	}
	if arms[arm] == nil {
		arms[arm] = &wholeArm{}
	}
	if again {
		return s, nil, nil
	}
	return s, arms[arm], nil
}

func (w *whole) seriesOf(arm, name string, kvs []*commonpb.KeyValue) *wholeSeries {
	attrs := attributes(kvs)
	slices.SortFunc(attrs, func(x, y record.Attr) int { return strings.Compare(x.Key, y.Key) })
	var id strings.Builder
	for _, part := range append([]record.Attr{{Key: arm, Value: name}}, attrs...) {
		id.WriteString(part.Key + "\xff" + part.Value + "\xff")
	}
	if s := w.series[id.String()]; s != nil {
		return s
	}
	s := &wholeSeries{name: name}
	for _, a := range attrs {
		told := record.Placed(name) && (a.Key == record.AttrPhase || a.Key == record.AttrRound)
		if !told && !record.Added(a.Key) {
			s.attrs = append(s.attrs, a)
		}
	}
	s.byKey = record.Map(s.attrs)
	s.place = place(name, arm, s.byKey)
	w.series[id.String()] = s
	return s
}

func (w *whole) count(arm, name string, kind metricspb.AggregationTemporality, p *metricspb.NumberDataPoint) error {
	n, err := exportedCount(p)
	if err != nil {
		return err
	}
	s, into, err := w.point(arm, name, p.GetAttributes(), kind, p.GetStartTimeUnixNano(), p.GetTimeUnixNano(), n == 0)
	if err != nil || s == nil {
		return err
	}
	if n < s.value {
		return fmt.Errorf("a cumulative sum went down from %d to %d", s.value, n)
	}
	if into == nil && n != s.value {
		return outside(p.GetTimeUnixNano())
	}
	if n > s.value && !record.Derived(name) {
		into.counts = append(into.counts, wholeCount{s, n - s.value})
	}
	s.value = n
	return nil
}

// outside says that something changed at an instant that no reading has.
func outside(at uint64) error {
	return fmt.Errorf("a point of %v changes its series, and no reading of the run is of that instant", instant(at))
}

func (w *whole) level(arm, name string, kind metricspb.AggregationTemporality, p *metricspb.NumberDataPoint) error {
	v := levelOf(p)
	if err := checkLevel(name, v); err != nil {
		return err
	}
	s, into, err := w.point(arm, name, p.GetAttributes(), kind, p.GetStartTimeUnixNano(), p.GetTimeUnixNano(), false)
	if err == nil && into != nil {
		into.levels = append(into.levels, wholeLevel{s, v})
	}
	return err
}

func (w *whole) histogram(arm, name string, kind metricspb.AggregationTemporality, p *metricspb.ExponentialHistogramDataPoint) error {
	if p.GetScale() != scale {
		return fmt.Errorf("scale %d, want %d: what it went through changed the buckets; their quantiles are others", p.GetScale(), scale)
	}
	sum, err := FromSeconds(p.GetSum())
	if err != nil {
		return err
	}
	now := wholeTimes{p.GetPositive().GetOffset(), p.GetPositive().GetBucketCounts(), p.GetZeroCount(), int64(sum)}
	s, into, err := w.point(arm, name, p.GetAttributes(), kind, p.GetStartTimeUnixNano(), p.GetTimeUnixNano(), p.GetCount() == 0)
	if err != nil || s == nil {
		return err
	}
	delta, err := now.minus(s.times)
	if err != nil {
		return err
	}
	if !delta.empty() {
		if into == nil {
			return outside(p.GetTimeUnixNano())
		}
		if _, err := toHistogram(p); err != nil {
			return err
		}
		into.times = append(into.times, packedTimes{s, delta.pack()})
	}
	s.times = now
	return nil
}

// complete says whether each reading came with all of its points.
func (w *whole) complete() error {
	missing, first := 0, ""
	for _, r := range w.readings {
		times := map[string]int{}
		for _, e := range r.Extremes {
			times[e.Arm] += len(e.Times)
		}
		for arm, counters := range r.Counters {
			a := w.at[w.instant(r)][arm]
			if a == nil {
				a = &wholeArm{}
			}
			if len(a.counts) != counters || len(a.levels) != r.Gauges[arm] || len(a.places()) != times[arm] {
				missing++
				if first == "" {
					first = fmt.Sprintf("arm %q at %v (%d of %d counters, %d of %d gauges, %d of %d histograms)",
						arm, r.To, len(a.counts), counters, len(a.levels), r.Gauges[arm], len(a.places()), times[arm])
				}
			}
		}
	}
	if missing > 0 {
		return lacking("the points of %d readings did not all arrive, first those of %s", missing, first)
	}
	return nil
}

// places are the times that changed, by the bundle's series, in the order in
// which they came.
func (a *wholeArm) places() (parts [][]packedTimes) {
	at := map[string]int{}
	for _, p := range a.times {
		i, ok := at[p.of.place]
		if !ok {
			i = len(parts)
			at[p.of.place] = i
			parts = append(parts, nil)
		}
		parts[i] = append(parts[i], p)
	}
	return parts
}
