package telemetry

import (
	"math"
	"slices"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// Histograms says in which form histograms are exported.
type Histograms string

// The forms of histograms.
const (
	// Native exports base-2 exponential buckets, as they were recorded.
	Native Histograms = "native"
	// Classic exports the explicit buckets of ClassicBounds, for databases and
	// dashboards that know no others. A quantile computed from them can be off
	// by the width of a bucket.
	Classic Histograms = "classic"
)

// ClassicBounds are the upper bounds of classic buckets, in seconds: those of
// the semantic conventions for db.client.operation.duration, and between and
// beyond them what maintenance makes of response times.
var ClassicBounds = []float64{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}

// classic turns exponential histograms into explicit ones. An exponential
// bucket that a bound divides counts above it: a quantile may come out too
// high by one recorded bucket, never too low.
func classic(metrics []metricdata.Metrics) []metricdata.Metrics {
	for i, m := range metrics {
		data, ok := m.Data.(metricdata.ExponentialHistogram[float64])
		if !ok {
			continue
		}
		points := make([]metricdata.HistogramDataPoint[float64], len(data.DataPoints))
		for j, p := range data.DataPoints {
			points[j] = explicit(p)
		}
		metrics[i].Data = metricdata.Histogram[float64]{Temporality: data.Temporality, DataPoints: points}
	}
	return metrics
}

func explicit(p metricdata.ExponentialHistogramDataPoint[float64]) metricdata.HistogramDataPoint[float64] {
	counts := make([]uint64, len(ClassicBounds)+1)
	counts[0] = p.ZeroCount // below the smallest bound by far
	for i, n := range p.PositiveBucket.Counts {
		if n > 0 {
			upper := math.Exp2(float64(int(p.PositiveBucket.Offset)+i+1) / math.Exp2(float64(p.Scale)))
			counts[below(ClassicBounds, upper)] += n
		}
	}
	return metricdata.HistogramDataPoint[float64]{
		Attributes: p.Attributes, StartTime: p.StartTime, Time: p.Time,
		Count: p.Count, Sum: p.Sum, Min: p.Min, Max: p.Max, Bounds: ClassicBounds, BucketCounts: counts, Exemplars: p.Exemplars,
	}
}

// below is the index of the explicit bucket that a value falls into. Bounds
// belong to the bucket below them, as in exponential histograms; a value that
// is the bound but for rounding is on it.
func below(bounds []float64, value float64) int {
	i, _ := slices.BinarySearch(bounds, value*(1-1e-12))
	return i
}
