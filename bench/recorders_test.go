package bench

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	sdk "go.opentelemetry.io/otel/sdk/metric"

	"schload/telemetry/histogram"
)

// latency is one input in the units the recorders take.
type latency struct {
	duration time.Duration
	seconds  float64
}

// latencies are log-normal around 200 µs, made before anything is measured.
var latencies = sync.OnceValue(func() *[1 << 14]latency {
	r := rand.New(rand.NewPCG(1, 2))
	l := new([1 << 14]latency)
	for i := range l {
		d := time.Duration(200e3 * math.Exp(r.NormFloat64()*0.8))
		l[i] = latency{d, d.Seconds()}
	}
	return l
})

// recorder is a way to record one latency. start returns the record function
// of one goroutine.
type recorder struct {
	name  string
	start func(tb testing.TB) func() func(latency)
}

// owned is a recorder of which each goroutine has its own.
func owned(name string, start func() func(latency)) recorder {
	return recorder{name, func(testing.TB) func() func(latency) { return start }}
}

// shared is a recorder that all goroutines use together.
func shared(name string, start func(tb testing.TB) func(latency)) recorder {
	return recorder{name, func(tb testing.TB) func() func(latency) {
		f := start(tb)
		return func() func(latency) { return f }
	}}
}

var recorders = []recorder{
	owned("floor", func() func(latency) {
		var sum time.Duration
		return func(l latency) { sum += l.duration }
	}),
	owned("schload", func() func(latency) {
		h := new(histogram.Histogram)
		return func(l latency) { h.Record(l.duration) }
	}),
	owned("hdr", func() func(latency) {
		h := newHDR()
		return func(l latency) { _ = h.RecordValue(int64(l.duration)) }
	}),
	shared("hdr+mutex", func(testing.TB) func(latency) {
		h := newHDR()
		var mu sync.Mutex
		return func(l latency) {
			mu.Lock()
			_ = h.RecordValue(int64(l.duration))
			mu.Unlock()
		}
	}),
	shared("otel-exponential", func(tb testing.TB) func(latency) { return newOTel(tb, exponential) }),
	shared("otel-explicit", func(tb testing.TB) func(latency) { return newOTel(tb, explicit) }),
	shared("prometheus-native", func(testing.TB) func(latency) {
		h := newNative()
		return func(l latency) { h.Observe(l.seconds) }
	}),
}

// newHDR covers 1 µs to 128 s with three significant digits.
func newHDR() *hdrhistogram.Histogram {
	return hdrhistogram.New(1000, int64(128*time.Second), 3)
}

func newNative() prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "duration_seconds", Help: "duration", NativeHistogramBucketFactor: 1.1,
	})
}

var (
	// exponential is the SDK's default size: it rescales itself to hold 160
	// buckets.
	exponential = sdk.AggregationBase2ExponentialHistogram{MaxSize: 160, MaxScale: 20}
	// explicit has the boundaries the semantic conventions advise.
	explicit = sdk.AggregationExplicitBucketHistogram{Boundaries: []float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10}}
)

// newOTel records through the SDK with an attribute set made beforehand, the
// fastest way its API has.
func newOTel(tb testing.TB, a sdk.Aggregation) func(latency) {
	view := sdk.NewView(sdk.Instrument{Kind: sdk.InstrumentKindHistogram}, sdk.Stream{Aggregation: a})
	provider := sdk.NewMeterProvider(sdk.WithReader(sdk.NewManualReader()), sdk.WithView(view))
	tb.Cleanup(func() { _ = provider.Shutdown(context.Background()) })
	h, err := provider.Meter("bench").Float64Histogram("db.client.operation.duration", metric.WithUnit("s"))
	if err != nil {
		tb.Fatal(err)
	}
	options := []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(
		attribute.String("db.system.name", "redis"),
		attribute.String("db.operation.name", "GET"),
		attribute.String("outcome", "ok"),
		attribute.String("schload.phase", "maintenance"),
	))}
	ctx := context.Background()
	return func(l latency) { h.Record(ctx, l.seconds, options...) }
}
