package bundle

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"

	"schload/telemetry/record"
)

// exportedCount reads a count; a collector may have made a double of it.
func exportedCount(p *metricspb.NumberDataPoint) (uint64, error) {
	switch v := p.GetValue().(type) {
	case *metricspb.NumberDataPoint_AsInt:
		if v.AsInt >= 0 {
			return uint64(v.AsInt), nil
		}
	case *metricspb.NumberDataPoint_AsDouble:
		if v.AsDouble >= 0 && v.AsDouble <= 1<<53 && v.AsDouble == math.Trunc(v.AsDouble) {
			return uint64(v.AsDouble), nil
		}
	}
	return 0, fmt.Errorf("value %v is not a count", p.GetValue())
}

// point takes a point after those before it: a cumulative one replaces, a delta
// is added and must begin where the last one ended.
func (r *exportedReader) point(arm, name string, kvs []*commonpb.KeyValue, s exportedSeries) error {
	attrs := attributes(kvs)
	slices.SortFunc(attrs, func(x, y record.Attr) int { return strings.Compare(x.Key, y.Key) })
	s.attrs = attrs
	if value(kvs, record.AttrRound) == "" { // exports add the rounds up
		kvs = append(slices.Clip(kvs), keyValues([]record.Attr{{Key: record.AttrRound, Value: "0"}})...)
	}
	var err error
	if s.key, err = keyOf(arm, kvs); err != nil {
		return err
	}
	if s.start > s.end || s.end == 0 {
		return fmt.Errorf("a point from %d to %d ns: want from <= to", s.start, s.end)
	}
	cumulative := s.temporality == metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE
	if !cumulative && s.temporality != delta {
		return fmt.Errorf("temporality %v: want cumulative or delta", s.temporality)
	}
	if !cumulative {
		r.cover(s.start, s.end)
	}
	if cumulative && r.base == 0 {
		r.base = s.start
	}
	if cumulative && s.start != r.base {
		return fmt.Errorf("a sum that begins at %d ns, others at %d ns: it was reset, what was before is missing", s.start, r.base)
	}
	id := exportedKey{name, arm, fmt.Sprint(attrs)}
	before := r.series[id]
	switch {
	case before == nil:
		r.series[id] = &s
		return nil
	case before.temporality != s.temporality:
		return fmt.Errorf("temporality %v after %v", s.temporality, before.temporality)
	case cumulative:
		return r.replace(id, before, &s)
	case s.start < before.end:
		return fmt.Errorf("a delta from %d ns overlaps the one to %d ns before it: the interval is in the file twice", s.start, before.end)
	}
	before.end = s.end
	before.value += s.value
	if s.times != nil {
		before.times.Merge(s.times)
	}
	return nil
}

func (r *exportedReader) replace(id exportedKey, before, now *exportedSeries) error {
	switch {
	case now.end < before.end:
		return fmt.Errorf("a point of %d ns after one of %d ns: the lines are out of order", now.end, before.end)
	case now.value < before.value || now.times != nil && now.times.Count() < before.times.Count():
		return errors.New("a cumulative sum went down")
	}
	r.series[id] = now
	return nil
}
