package telemetry

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

var base = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// spread returns a histogram of n values over the whole range, both ends and
// what lies beyond them included.
func spread(seed uint64, n int) *histogram.Histogram {
	random := rand.New(rand.NewPCG(seed, 1))
	h := new(histogram.Histogram)
	h.Record(0)
	h.Record(200 * time.Second)
	for range n {
		h.Record(time.Duration(random.Int64N(1 << (1 + random.IntN(37)))))
	}
	return h
}

func seriesOf(arm, operation, outcome string, phase record.Phase, round int, seed uint64) record.Series {
	return record.Series{
		Key:      record.Key{Arm: arm, Pool: "main", Operation: operation, Outcome: outcome, Phase: phase, Round: round},
		Response: spread(seed, 1000), Service: spread(seed+1, 500), Lateness: spread(seed+2, 300),
	}
}

// collected reads a producer the way an exporter does.
func collected(t *testing.T, p sdkmetric.Producer) map[string]metricdata.Metrics {
	t.Helper()
	reader := sdkmetric.NewManualReader(sdkmetric.WithProducer(p))
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	defer provider.Shutdown(context.Background())
	var data metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &data); err != nil {
		t.Fatal(err)
	}
	out := map[string]metricdata.Metrics{}
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			out[m.Name] = m
		}
	}
	return out
}

// values flattens sums and gauges to "key=value,...": value.
func values(t *testing.T, m metricdata.Metrics) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	text := func(s attribute.Set) string { return s.Encoded(attribute.DefaultEncoder()) }
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			out[text(p.Attributes)] = float64(p.Value)
		}
	case metricdata.Sum[float64]:
		for _, p := range data.DataPoints {
			out[text(p.Attributes)] = p.Value
		}
	case metricdata.Gauge[float64]:
		for _, p := range data.DataPoints {
			out[text(p.Attributes)] = p.Value
		}
	default:
		t.Fatalf("%s is a %T", m.Name, m.Data)
	}
	return out
}

func pointOf(t *testing.T, m metricdata.Metrics, want ...attribute.KeyValue) metricdata.ExponentialHistogramDataPoint[float64] {
	t.Helper()
	data, ok := m.Data.(metricdata.ExponentialHistogram[float64])
	if !ok || data.Temporality != metricdata.CumulativeTemporality {
		t.Fatalf("%s is a %T of temporality %v", m.Name, m.Data, data.Temporality)
	}
	for _, p := range data.DataPoints {
		if set := attribute.NewSet(want...); p.Attributes.Equals(&set) {
			return p
		}
	}
	t.Fatalf("%s has no point with %v", m.Name, want)
	panic("unreachable")
}

// What is exported is what was recorded: the point, read back, is the
// histogram that all intervals of all rounds add up to, bucket by bucket.
func TestExportedIsRecorded(t *testing.T) {
	s := newSource("on", base, new(health))
	var response, service, lateness histogram.Histogram
	for round := range 3 {
		series := seriesOf("on", "GET", "failed", record.Maintenance, round+1, uint64(10*round))
		response.Merge(series.Response)
		service.Merge(series.Service)
		lateness.Merge(series.Lateness)
		s.add(record.Interval{To: time.Duration(round+1) * time.Second, Series: []record.Series{
			series, seriesOf("off", "GET", "failed", record.Maintenance, round+1, 99)}})
	}
	metrics := collected(t, pull{s, Native})
	ours := []attribute.KeyValue{attribute.String("pool", "main"), attribute.String("db.operation.name", "GET"),
		attribute.String("outcome", "failed"), attribute.String("schload.phase", "maintenance")}
	standard := append(ours[:4:4], attribute.String("db.system.name", "redis"), attribute.String("error.type", "_OTHER"), attribute.Int("redis.client.operation.retry_attempts", 0))
	for _, c := range []struct {
		name  string
		want  *histogram.Histogram
		attrs []attribute.KeyValue
	}{
		{"schload.operation.response_time", &response, ours},
		{"db.client.operation.duration", &service, standard},
		{"schload.operation.lateness", &lateness, ours},
	} {
		if got := metrics[c.name].Unit; got != "s" {
			t.Errorf("%s: unit %q, want s", c.name, got)
		}
		checkPoint(t, c.name, pointOf(t, metrics[c.name], c.attrs...), c.want)
	}
}

// So are distributions.
func TestDistributionsAreExported(t *testing.T) {
	s := newSource("on", base, new(health))
	one, two := spread(1, 100), spread(2, 100)
	from := attrs(record.AttrFrom, "dial")
	for i, h := range []*histogram.Histogram{one, two} {
		s.add(record.Interval{To: time.Duration(i+2) * time.Second, Phase: record.Recovery, Round: i, Distributions: []record.Distribution{
			{Name: record.HandoffDuration, Arm: "on", Attrs: from, Times: h},
			{Name: record.HandoffDuration, Arm: "off", Attrs: from, Times: spread(3, 1)},
		}})
	}
	want := one.Clone()
	want.Merge(two)
	p := pointOf(t, collected(t, pull{s, Native})[record.HandoffDuration], attribute.String(record.AttrFrom, "dial"), attribute.String(record.AttrPhase, "recovery"))
	checkPoint(t, record.HandoffDuration, p, want)
}

func checkPoint(t *testing.T, name string, p metricdata.ExponentialHistogramDataPoint[float64], want *histogram.Histogram) {
	t.Helper()
	if p.Scale != 6 || p.ZeroThreshold != 1.0/(1<<20) || len(p.NegativeBucket.Counts) != 0 {
		t.Errorf("%s: scale %d, zero threshold %v, %d negative buckets", name, p.Scale, p.ZeroThreshold, len(p.NegativeBucket.Counts))
	}
	if !p.StartTime.Equal(base) || !p.Time.Equal(base.Add(3*time.Second)) {
		t.Errorf("%s: from %v to %v, want the run's base and the last interval's end", name, p.StartTime, p.Time)
	}
	offset, counts := want.Buckets()
	if diff := cmp.Diff(metricdata.ExponentialBucket{Offset: offset, Counts: counts}, p.PositiveBucket); diff != "" {
		t.Errorf("%s: buckets differ (-want +got):\n%s", name, diff)
	}
	lowest, _ := p.Min.Value()
	highest, _ := p.Max.Value()
	got := fmt.Sprint(p.Count, p.ZeroCount, p.Sum, lowest, highest)
	if want := fmt.Sprint(want.Count(), want.Zero(), record.Seconds(want.Sum()), record.Seconds(want.Min()), record.Seconds(want.Max())); got != want {
		t.Errorf("%s: count, zero count, sum, min, max %s, want %s", name, got, want)
	}
}

// A snapshot that was handed out does not change when more is recorded.
func TestProduceCopies(t *testing.T) {
	s := newSource("on", base, new(health))
	one := record.Interval{To: time.Second, Series: []record.Series{seriesOf("on", "GET", "ok", record.Baseline, 1, 1)}}
	s.add(one)
	before := collected(t, pull{s, Native})["schload.operation.response_time"]
	counts := func() uint64 {
		return before.Data.(metricdata.ExponentialHistogram[float64]).DataPoints[0].PositiveBucket.Counts[0]
	}
	want := counts()
	s.add(one)
	if got := counts(); got != want {
		t.Errorf("the first bucket of an earlier snapshot became %d, was %d", got, want)
	}
}

func attrs(pairs ...string) (out []record.Attr) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, record.Attr{Key: pairs[i], Value: pairs[i+1]})
	}
	return out
}

// Counts add up over intervals and rounds, in whatever order attributes come;
// those of other arms do not.
func TestCountsAddUp(t *testing.T) {
	s := newSource("on", base, new(health))
	for round := range 3 {
		s.add(record.Interval{To: time.Second, Counts: []record.Count{
			{Name: record.OperationsDue, Arm: "on", Attrs: attrs("pool", "main", "schload.phase", "baseline", "schload.round", fmt.Sprint(round)), Value: 5},
			{Name: record.OperationsDue, Arm: "on", Attrs: attrs("schload.phase", "baseline", "pool", "main"), Value: 1},
			{Name: record.OperationsDue, Arm: "off", Attrs: attrs("pool", "main", "schload.phase", "baseline"), Value: 100},
		}})
	}
	m := collected(t, pull{s, Native})[record.OperationsDue]
	if m.Unit != "{operation}" || !m.Data.(metricdata.Sum[int64]).IsMonotonic {
		t.Errorf("unit %q, data %+v", m.Unit, m.Data)
	}
	if diff := cmp.Diff(map[string]float64{"pool=main,schload.phase=baseline": 18}, values(t, m)); diff != "" {
		t.Error(diff)
	}
}

// A node that is not listed any more has no connections; a metric that is not
// stated at all keeps its value.
func TestLevels(t *testing.T) {
	s := newSource("on", base, new(health))
	level := func(name, node string, value float64) record.Level {
		return record.Level{Name: name, Arm: "on", Attrs: attrs("node", node), Value: value}
	}
	s.add(record.Interval{Levels: []record.Level{level(record.Connections, "a", 8), {Name: record.OutageLongest, Arm: "on", Value: 2.5}}})
	s.add(record.Interval{Levels: []record.Level{level(record.Connections, "b", 7), level(record.Connections, "b", 1)}})
	metrics := collected(t, pull{s, Native})
	if diff := cmp.Diff(map[string]float64{"node=a": 0, "node=b": 8}, values(t, metrics[record.Connections])); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]float64{"": 2.5}, values(t, metrics[record.OutageLongest])); diff != "" {
		t.Error(diff)
	}
}

// The semantic conventions call the pool's connections an up-down counter.
func TestUpDownCounter(t *testing.T) {
	s := newSource("on", base, new(health))
	s.add(record.Interval{Levels: []record.Level{{Name: record.ClientConnections, Arm: "on", Attrs: attrs("db.client.connection.state", "idle"), Value: 4}}})
	sum, ok := collected(t, pull{s, Native})[record.ClientConnections].Data.(metricdata.Sum[float64])
	if !ok || sum.IsMonotonic || sum.Temporality != metricdata.CumulativeTemporality {
		t.Errorf("got %+v, want a cumulative sum that may fall", sum)
	}
}

var arms = []record.Arm{
	{Name: "on", Pools: []record.Pool{{Name: "main", Operations: []string{"GET", "SET"}}}},
	{Name: "off", Pools: []record.Pool{{Name: "main", Operations: []string{"GET", "SET"}}}},
}

// Memory is bounded: what exceeds the bound is merged, not lost, and counted.
func TestOverflow(t *testing.T) {
	h := new(health)
	s := newSource("on", base, h)
	const beyond = 10
	for i := range maxPoints + beyond {
		s.add(record.Interval{Counts: []record.Count{{Name: record.ClientClosed, Arm: "on", Attrs: attrs(record.AttrClosed, fmt.Sprint(i)), Value: 1}}})
	}
	got := values(t, collected(t, pull{s, Native})[record.ClientClosed])
	if len(got) != maxPoints+1 || got["otel.metric.overflow=true"] != beyond {
		t.Errorf("%d series, %v in the overflow, want %d and %d", len(got), got["otel.metric.overflow=true"], maxPoints+1, beyond)
	}
	if n := h.stats().Overflowed; n != beyond {
		t.Errorf("Overflowed %d, want %d", n, beyond)
	}
}

// The run's own source tells how exporting goes.
func TestExportsAreExported(t *testing.T) {
	h := new(health)
	h.sent.Store(7)
	h.failed.Store(2)
	s := newSource("", base, h)
	s.add(record.Interval{To: time.Second})
	got := values(t, collected(t, pull{s, Native})[record.TelemetryExports])
	if diff := cmp.Diff(map[string]float64{"result=ok": 7, "result=failed": 2}, got); diff != "" {
		t.Error(diff)
	}
}

// Points that were handed out never change under the same time, whatever
// comes between two exports.
func TestPointsDoNotChange(t *testing.T) {
	h := new(health)
	s := newSource("", base, h)
	due := record.Count{Name: record.OperationsDue, Value: 1}
	seen := map[time.Time]int64{}
	look := func() {
		t.Helper()
		points := collected(t, push{s, Native})[record.OperationsDue].Data.(metricdata.Sum[int64]).DataPoints
		p := points[len(points)-1]
		if old, ok := seen[p.Time]; ok && old != p.Value {
			t.Errorf("at %v it was %d and is now %d", p.Time, old, p.Value)
		}
		seen[p.Time] = p.Value
	}
	for _, to := range []time.Duration{1, 1, 2, 1} {
		s.add(record.Interval{To: to * time.Second, Counts: []record.Count{due}})
		look()
		h.sent.Add(1)
		look()
	}
	if want := []int64{1, 2, 3, 4}; len(seen) != len(want) {
		t.Errorf("%v: want a time for each of the values %v", seen, want)
	}
}

// A series that first appears in the middle of a run is pushed with the zero
// it was before, once, and scraped without.
func TestBirths(t *testing.T) {
	s := newSource("on", base, new(health))
	interval := func(to time.Duration, counts ...record.Count) {
		s.add(record.Interval{To: to, Counts: counts, Series: []record.Series{seriesOf("on", "GET", "ok", record.Phase(to/time.Second), 1, 1)}})
	}
	old := record.Count{Name: record.ConnectionCloses, Arm: "on", Attrs: attrs("by", "client"), Value: 4}
	young := record.Count{Name: record.ConnectionCloses, Arm: "on", Attrs: attrs("by", "server"), Value: 7}
	interval(time.Second, old)
	collected(t, push{s, Native})
	interval(2*time.Second, young)
	if n := len(values(t, collected(t, pull{s, Native})[record.ConnectionCloses])); n != 2 {
		t.Errorf("%d series scraped, want 2", n)
	}
	for _, want := range []string{"[1s 0 2s 4 2s 7]", "[2s 4 2s 7]"} {
		var got []any
		points := collected(t, push{s, Native})[record.ConnectionCloses].Data.(metricdata.Sum[int64]).DataPoints
		slices.SortFunc(points, func(a, b metricdata.DataPoint[int64]) int { return int(a.Value - b.Value) })
		for _, p := range points {
			got = append(got, p.Time.Sub(base), p.Value)
		}
		if fmt.Sprint(got) != want {
			t.Errorf("pushed %v, want %s", got, want)
		}
	}
	interval(3 * time.Second)
	lateness := collected(t, push{s, Native})[record.Lateness].Data.(metricdata.ExponentialHistogram[float64]).DataPoints
	var counts []uint64
	for _, p := range lateness {
		counts = append(counts, p.Count)
	}
	if diff := cmp.Diff([]uint64{302, 302, 0, 302}, counts); diff != "" {
		t.Errorf("histograms: %s", diff)
	}
}
