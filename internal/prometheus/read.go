package prometheus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/otlptranslator"

	"schload/internal/bundle"
	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// times are the histograms that are read, counters the counters: those that
// carry the phase, so that warm-up can be told from the rest.
var (
	times    = []string{record.ResponseTime, record.ServiceTime, record.Lateness}
	counters = []string{record.Operations, record.OperationsDue, record.OperationsLate, record.OperationsMissed}
)

// Read returns the sums of a run as of its last samples, looked for from now
// backwards. An error names what is missing or was changed, and the fix.
func Read(ctx context.Context, s Source, c Credentials, now time.Time) (bundle.Exported, error) {
	client, err := newClient(s, c, mostAnswer)
	if err != nil {
		return bundle.Exported{}, err
	}
	e, err := client.find(ctx, now)
	if err != nil {
		return bundle.Exported{}, err
	}
	r := reading{client: client, extent: e, series: map[record.Key]*record.Series{}}
	for _, arm := range e.names() {
		if err := r.arm(ctx, arm); err != nil {
			return bundle.Exported{}, fmt.Errorf("run %s, arm %s: %w", s.Run, arm, err)
		}
	}
	out := bundle.Exported{RunID: s.Run, Upgrade: e.upgrade, Arms: e.names()}
	for _, a := range e.arms {
		if a.last.After(out.To) {
			out.To = a.last.UTC()
		}
	}
	if err := r.ran(ctx, &out); err != nil {
		return bundle.Exported{}, err
	}
	if out.Saturated, err = r.saturated(ctx, out.To); err != nil {
		return bundle.Exported{}, err
	}
	out.Whole, err = r.whole()
	return out, err
}

// saturated asks beyond which limits the harness was at last; none where it was
// not exported.
func (r *reading) saturated(ctx context.Context, at time.Time) (reasons []string, err error) {
	said, err := r.vector(ctx, at, fmt.Sprintf("max by (%s) (last_over_time(%s[%s])) > 0",
		record.AttrReason, r.source.selector(name(record.HarnessSaturated)), span(at.Sub(r.begin))))
	for _, s := range said {
		reasons = append(reasons, string(s.Metric[record.AttrReason]))
	}
	slices.Sort(reasons)
	return reasons, err
}

// ran asks what ran, which tells runs apart; where it was not exported, or in
// more than one way, it stays unknown.
func (r *reading) ran(ctx context.Context, out *bundle.Exported) error {
	said, err := r.vector(ctx, out.To, fmt.Sprintf("group by (client_version, config_hash) (last_over_time(%s[%s]))",
		r.source.selector(name(record.RunInfo)), span(out.To.Sub(r.begin))))
	if err != nil || len(said) != 1 {
		return err
	}
	out.Versions.GoRedis, out.ProfileHash = string(said[0].Metric["client_version"]), string(said[0].Metric["config_hash"])
	return nil
}

// reading is a run while it is read.
type reading struct {
	*client
	extent
	series map[record.Key]*record.Series
	counts []record.Count
	taken  map[string]bool // series, by arm, metric and attributes
}

func (r *reading) arm(ctx context.Context, arm string) error {
	if err := r.unbroken(ctx, arm); err != nil {
		return err
	}
	for _, metric := range append(slices.Clone(times), counters...) {
		lines, err := r.at(ctx, arm, metric)
		if err != nil {
			return err
		}
		if len(lines) == 0 && slices.Contains(times, metric) {
			return r.lacks(ctx, arm, metric)
		}
		for _, line := range lines {
			if err := r.take(arm, metric, line); err != nil {
				return fmt.Errorf("%s: %w", line.Metric, err)
			}
		}
	}
	return nil
}

func (r *reading) of(arm, metric string) string {
	return fmt.Sprintf("%s{%s=%s,%s=%s}", metric, labelRun, strconv.Quote(r.source.Run), labelArm, strconv.Quote(arm))
}

// at returns the series of an arm as of its last samples, all of that instant.
func (r *reading) at(ctx context.Context, arm, metric string) (model.Vector, error) {
	last, selector := r.arms[arm].last, r.of(arm, name(metric))
	lines, err := r.vector(ctx, last, selector)
	if err != nil {
		return nil, err
	}
	stamps, err := r.vector(ctx, last, "timestamp("+selector+")")
	if err != nil {
		return nil, err
	}
	for _, s := range stamps {
		if at := int64(float64(s.Value)*1000 + 0.5); at != last.UnixMilli() {
			return nil, fmt.Errorf("%s: its last sample is of %v, others are of %v: an export arrived in part", s.Metric, time.UnixMilli(at).UTC(), last.UTC())
		}
	}
	if len(stamps) != len(lines) {
		return nil, fmt.Errorf("%s: %d series, but %d instants: ask again when the run has ended", name(metric), len(lines), len(stamps))
	}
	return lines, nil
}

// unbroken makes sure that no counter of the arm began anew.
func (r *reading) unbroken(ctx context.Context, arm string) error {
	last := r.arms[arm].last
	resets, err := r.vector(ctx, last, fmt.Sprintf("sum(resets(%s[%s]))", r.of(arm, name(record.OperationsDue)), span(last.Sub(r.begin))))
	if err != nil {
		return err
	}
	for _, s := range resets {
		if s.Value > 0 {
			return fmt.Errorf("its sums were reset %v times: the process began anew under the same run id, and what was before is missing", s.Value)
		}
	}
	return nil
}

// lacks says why there is no native histogram.
func (r *reading) lacks(ctx context.Context, arm, metric string) error {
	for _, suffix := range []string{"_bucket", "_count"} {
		classic, err := r.vector(ctx, r.arms[arm].last, "count("+r.of(arm, name(metric)+suffix)+")")
		if err != nil {
			return err
		}
		if len(classic) > 0 {
			return fmt.Errorf("%s has classic buckets alone, too wide for these quantiles: export native ones (not --histograms classic) and, where they are scraped, set scrape_native_histograms: true", name(metric))
		}
	}
	return fmt.Errorf("there are counters, but no %s: native histograms are dropped on the way; Prometheus before 3 wants --enable-feature=native-histograms, a remote write send_native_histograms: true", name(metric))
}

// take files one series.
func (r *reading) take(arm, metric string, line *model.Sample) error {
	if line.Metric["otel_metric_overflow"] != "" {
		return errors.New("the run had more series than are exported apart, and the rest in one: its bundle has them")
	}
	attrs := attributes(metric, line.Metric)
	if err := r.once(arm, metric, attrs); err != nil {
		return err
	}
	if !slices.Contains(times, metric) {
		n, err := whole(float64(line.Value))
		if err == nil && line.Histogram != nil {
			err = errors.New("it is a histogram, a counter is expected")
		}
		r.counts = append(r.counts, record.Count{Name: metric, Arm: arm, Attrs: attrs, Value: n})
		return err
	}
	if line.Histogram == nil {
		return errors.New("it is no native histogram")
	}
	h, err := histogramOf(line.Histogram)
	if err != nil {
		return err
	}
	key, err := keyOf(arm, attrs)
	if err != nil {
		return err
	}
	r.add(key, metric, h)
	return nil
}

// once refuses a series that was taken before.
func (r *reading) once(arm, metric string, attrs []record.Attr) error {
	id := fmt.Sprintf("%q %q %q", arm, metric, attrs)
	if r.taken[id] {
		return errors.New("a second series of the same: they differ in labels that are none of schload's, so one is a copy")
	}
	if r.taken == nil {
		r.taken = map[string]bool{}
	}
	r.taken[id] = true
	return nil
}

// add adds a histogram to those of its key: service times come in a series for
// each number of retries.
func (r *reading) add(key record.Key, metric string, h *histogram.Histogram) {
	if r.series[key] == nil {
		r.series[key] = &record.Series{Key: key}
	}
	s := r.series[key]
	into := map[string]**histogram.Histogram{record.ResponseTime: &s.Response, record.ServiceTime: &s.Service, record.Lateness: &s.Lateness}[metric]
	if *into == nil {
		*into = h
		return
	}
	(*into).Merge(h)
}

// whole returns what was read as one interval.
func (r *reading) whole() (iv record.Interval, err error) {
	iv.Counts = r.counts
	for _, s := range r.series {
		if s.Response == nil || s.Service == nil || s.Lateness == nil {
			return iv, fmt.Errorf("of %+v one of %s is missing: the way to Prometheus must not filter them", s.Key, strings.Join(times, ", "))
		}
		iv.Series = append(iv.Series, *s)
	}
	slices.SortFunc(iv.Series, func(x, y record.Series) int { return x.Key.Compare(y.Key) })
	slices.SortStableFunc(iv.Counts, func(x, y record.Count) int { return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Arm, y.Arm)) })
	return iv, nil
}

// attributes are the metric's own, by the labels that they became.
func attributes(metric string, labels model.Metric) (attrs []record.Attr) {
	namer := otlptranslator.LabelNamer{}
	for _, m := range record.Metrics {
		if m.Name != metric {
			continue
		}
		for _, key := range m.Attributes {
			label, err := namer.Build(key)
			if err != nil {
				continue // no key of ours
			}
			if v, ok := labels[model.LabelName(label)]; ok {
				attrs = append(attrs, record.Attr{Key: key, Value: string(v)})
			}
		}
	}
	return attrs
}

func keyOf(arm string, attrs []record.Attr) (key record.Key, err error) {
	key.Arm = arm
	for _, a := range attrs {
		switch a.Key {
		case record.AttrPool:
			key.Pool = a.Value
		case record.AttrOperation:
			key.Operation = a.Value
		case record.AttrOutcome:
			key.Outcome = a.Value
		case record.AttrPhase:
			err = errors.Join(err, key.Phase.UnmarshalText([]byte(a.Value)))
		case record.AttrRound:
			var wrong error
			key.Round, wrong = strconv.Atoi(a.Value)
			err = errors.Join(err, wrong)
		}
	}
	if key.Operation == "" || key.Outcome == "" {
		err = errors.Join(err, errors.New("its labels do not say which operation and outcome it is of"))
	}
	return key, err
}

// name is what Prometheus calls a metric, by the default of its OTLP receiver.
func name(metric string) string {
	types := map[string]otlptranslator.MetricType{
		record.Counter: otlptranslator.MetricTypeMonotonicCounter, record.Gauge: otlptranslator.MetricTypeGauge, record.Histogram: otlptranslator.MetricTypeExponentialHistogram,
	}
	for _, m := range record.Metrics {
		if m.Name == metric {
			namer := otlptranslator.NewMetricNamer("", otlptranslator.UnderscoreEscapingWithSuffixes)
			if built, err := namer.Build(otlptranslator.Metric{Name: m.Name, Unit: m.Unit, Type: types[m.Kind]}); err == nil {
				return built
			}
		}
	}
	panic("prometheus: no metric " + metric) // a mistake of this package
}
