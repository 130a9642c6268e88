package bundle

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"

	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// Exported is what a file of exported metrics holds of one run's operations:
// the sums at its last points.
type Exported struct {
	RunID, Upgrade string
	Versions       Versions // empty where they were not exported
	ProfileHash    string   // of the profile, whatever it was pointed at; likewise
	Arms           []string // sorted
	Whole          record.Interval

	// Saturated are the limits beyond which the harness was as of the last points,
	// sorted: some of Reasons. Those that only a whole run tells are not among them.
	Saturated []string

	// From and To are what the points cover. Cumulative ones begin with the run;
	// of deltas nobody can tell. When the run ended, neither tell.
	Deltas   bool
	From, To time.Time
}

// exportedCounts are the counters that carry the phase, so that warm-up can be
// told from the rest.
var exportedCounts = []string{record.Operations, record.OperationsDue, record.OperationsLate, record.OperationsMissed}

// metricsAlone reads what the metrics of one run tell in the files, OTLP/JSON,
// cumulative or delta; other services and runs are left out.
func metricsAlone(run string, paths []string) (Exported, error) {
	r := exportedReader{series: map[exportedKey]*exportedSeries{}, arms: map[string]string{}}
	r.out.RunID = run
	err := eachMetrics(paths, r.line)
	if err == nil {
		if err = r.finish(); err != nil {
			err = fmt.Errorf("%s: %w", strings.Join(paths, ", "), err)
		}
	}
	if err != nil {
		return Exported{}, err
	}
	return r.out, nil
}

// exportedKey names one series of operations.
type exportedKey struct {
	name, arm, attrs string
}

// exportedSeries is a series as of its latest point.
type exportedSeries struct {
	key         record.Key
	attrs       []record.Attr
	temporality metricspb.AggregationTemporality
	start, end  uint64
	times       *histogram.Histogram // nil of a counter
	value       uint64
}

type exportedReader struct {
	out    Exported
	series map[exportedKey]*exportedSeries
	arms   map[string]string // the instance of each
	base   uint64            // where cumulative points begin

	from, to         uint64 // what the deltas of all lines cover
	lineFrom, lineTo uint64 // and those of this line
}

func (r *exportedReader) line(data *metricspb.MetricsData) error {
	r.lineFrom, r.lineTo = math.MaxUint64, 0
	for _, rm := range data.GetResourceMetrics() {
		attrs := rm.GetResource().GetAttributes()
		run, arm := value(attrs, attrRun), value(attrs, attrArm)
		if run != r.out.RunID {
			continue
		}
		r.out.Upgrade = value(attrs, attrUpgrade)
		r.out.Versions.Schload = value(attrs, attrVersion)
		if arm == "" {
			if err := r.own(rm); err != nil {
				return err
			}
			continue
		}
		instance := value(attrs, attrInstance)
		if before, ok := r.arms[arm]; ok && before != instance {
			return fmt.Errorf("arm %s is of %s, before it was of %s: several workers, whose bundles schload merge adds up", arm, instance, before)
		}
		r.arms[arm] = instance
		for _, sm := range rm.GetScopeMetrics() {
			for _, m := range sm.GetMetrics() {
				if err := r.metric(arm, m); err != nil {
					return fmt.Errorf("arm %s metric %s: %w", arm, m.GetName(), err)
				}
			}
		}
	}
	return r.follows()
}

// own takes what is of the run itself: a bundle's line covers its interval,
// whether or not something happened in it, and says what ran.
func (r *exportedReader) own(rm *metricspb.ResourceMetrics) error {
	for _, sm := range rm.GetScopeMetrics() {
		for _, m := range sm.GetMetrics() {
			for _, p := range m.GetGauge().GetDataPoints() {
				switch m.GetName() {
				case intervalName:
					if err := checkLevel(intervalName, levelOf(p)); err != nil {
						return fmt.Errorf("metric %s: %w", intervalName, err)
					}
					r.cover(p.GetStartTimeUnixNano(), p.GetTimeUnixNano())
				case record.RunInfo:
					r.out.Versions.GoRedis = value(p.GetAttributes(), attrClient)
					r.out.ProfileHash = value(p.GetAttributes(), attrHash)
				case record.HarnessSaturated:
					r.saturated(value(p.GetAttributes(), record.AttrReason), levelOf(p) > 0)
				}
			}
		}
	}
	return nil
}

// saturated takes the newest word on one limit.
func (r *exportedReader) saturated(reason string, beyond bool) {
	i, known := slices.BinarySearch(r.out.Saturated, reason)
	switch {
	case beyond && !known:
		r.out.Saturated = slices.Insert(r.out.Saturated, i, reason)
	case !beyond && known:
		r.out.Saturated = slices.Delete(r.out.Saturated, i, i+1)
	}
}

func (r *exportedReader) cover(from, to uint64) {
	r.lineFrom, r.lineTo = min(r.lineFrom, from), max(r.lineTo, to)
}

// follows says whether the line's deltas leave nothing out after those before.
func (r *exportedReader) follows() error {
	if r.lineTo == 0 {
		return nil
	}
	if r.to > 0 && r.lineFrom > r.to {
		return fmt.Errorf("deltas from %v, those before end at %v: what was recorded in between is missing", instant(r.lineFrom), instant(r.to))
	}
	if r.to == 0 {
		r.from = r.lineFrom
	}
	r.to = max(r.to, r.lineTo)
	return nil
}

func instant(ns uint64) time.Time { return time.Unix(0, int64(min(ns, math.MaxInt64))).UTC() }

func (r *exportedReader) metric(arm string, m *metricspb.Metric) error {
	timed := slices.Contains([]string{record.ResponseTime, record.ServiceTime, record.Lateness}, m.GetName())
	if !timed && !slices.Contains(exportedCounts, m.GetName()) {
		return nil
	}
	switch data := m.GetData().(type) {
	case *metricspb.Metric_ExponentialHistogram:
		if !timed {
			break
		}
		for _, p := range data.ExponentialHistogram.GetDataPoints() {
			if p.GetScale() != scale {
				return fmt.Errorf("scale %d, want %d: what it went through changed the buckets; their quantiles are others", p.GetScale(), scale)
			}
			h, err := toHistogram(p)
			if err != nil {
				return err
			}
			s := exportedSeries{temporality: data.ExponentialHistogram.GetAggregationTemporality(), start: p.GetStartTimeUnixNano(), end: p.GetTimeUnixNano(), times: h}
			if err := r.point(arm, m.GetName(), p.GetAttributes(), s); err != nil {
				return err
			}
		}
		return nil
	case *metricspb.Metric_Sum:
		if timed || !data.Sum.GetIsMonotonic() {
			break
		}
		for _, p := range data.Sum.GetDataPoints() {
			n, err := exportedCount(p)
			if err != nil {
				return err
			}
			s := exportedSeries{temporality: data.Sum.GetAggregationTemporality(), start: p.GetStartTimeUnixNano(), end: p.GetTimeUnixNano(), value: n}
			if err := r.point(arm, m.GetName(), p.GetAttributes(), s); err != nil {
				return err
			}
		}
		return nil
	case *metricspb.Metric_Histogram:
		return errors.New("classic buckets (--histograms classic) are too wide for these quantiles: export native ones")
	}
	return fmt.Errorf("another kind of metric than schload exports by this name (%T)", m.GetData())
}

// end is where the cumulative points of all arms end: they are exported as of
// the same instants.
func (r *exportedReader) end() (uint64, error) {
	ends := map[string]uint64{}
	for id, s := range r.series {
		ends[id.arm] = max(ends[id.arm], s.end)
	}
	first := r.out.Arms[0]
	for _, arm := range r.out.Arms {
		if ends[arm] != ends[first] {
			return 0, fmt.Errorf("arm %s ends at %v, arm %s at %v: the file ends within an export, or a part is missing", first, instant(ends[first]), arm, instant(ends[arm]))
		}
	}
	return ends[first], nil
}

// finish files the series.
func (r *exportedReader) finish() error {
	r.out.Arms = slices.Sorted(maps.Keys(r.arms))
	if len(r.series) == 0 {
		return fmt.Errorf("run %s: no operations were exported", r.out.RunID)
	}
	cumulative := r.base > 0
	for _, s := range r.series {
		if cumulative == (s.temporality == delta) {
			return errors.New("some sums are cumulative, some deltas")
		}
	}
	r.out.Deltas, r.out.From, r.out.To = true, instant(r.from), instant(r.to)
	if cumulative {
		end, err := r.end()
		if err != nil {
			return err
		}
		r.out.Deltas, r.out.From, r.out.To = false, instant(r.base), instant(end)
	}
	at := map[record.Key]*record.Series{}
	for id, s := range r.series {
		if s.times == nil {
			r.out.Whole.Counts = append(r.out.Whole.Counts, record.Count{Name: id.name, Arm: id.arm, Attrs: s.attrs, Value: s.value})
			continue
		}
		if at[s.key] == nil {
			at[s.key] = &record.Series{Key: s.key}
		}
		into := map[string]**histogram.Histogram{record.ResponseTime: &at[s.key].Response, record.ServiceTime: &at[s.key].Service, record.Lateness: &at[s.key].Lateness}[id.name]
		switch {
		case *into == nil:
			*into = s.times
		case id.name == record.ServiceTime: // by retries
			(*into).Merge(s.times)
		default:
			return fmt.Errorf("metric %s: two series for %+v", id.name, s.key)
		}
	}
	for _, s := range at {
		if s.Response == nil || s.Service == nil || s.Lateness == nil {
			return fmt.Errorf("of %+v one of %s, %s and %s is missing: the collector must not filter them", s.Key, record.ResponseTime, record.ServiceTime, record.Lateness)
		}
		r.out.Whole.Series = append(r.out.Whole.Series, *s)
	}
	return nil
}
