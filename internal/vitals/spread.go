package vitals

import (
	"math"
	"runtime/metrics"
	"slices"
	"time"
)

// Spread is a distribution as the runtime keeps it: in buckets about 6 to 25 %
// wide, of which the upper edge is told.
type Spread struct {
	Count         uint64
	P50, P99, Max time.Duration
	Sum           time.Duration // an upper bound
}

// histogram returns a copy of a distribution; an empty one if this runtime has
// none of that name.
func histogram(s metrics.Sample) metrics.Float64Histogram {
	if s.Value.Kind() != metrics.KindFloat64Histogram {
		return metrics.Float64Histogram{}
	}
	h := s.Value.Float64Histogram()
	return metrics.Float64Histogram{Counts: slices.Clone(h.Counts), Buckets: h.Buckets}
}

// spread returns what was added from one state of a distribution to a later
// one.
func spread(before, now metrics.Float64Histogram) (s Spread) {
	counts := slices.Clone(now.Counts)
	for i, n := range before.Counts {
		counts[i] -= n
	}
	for i, n := range counts {
		s.Count += n
		if n > 0 {
			s.Max = edge(now.Buckets, i)
			s.Sum += s.Max * time.Duration(n)
		}
	}
	s.P50, s.P99 = rank(counts, now.Buckets, s.Count, 0.5), rank(counts, now.Buckets, s.Count, 0.99)
	return s
}

// rank is the nearest-rank quantile.
func rank(counts []uint64, buckets []float64, n uint64, q float64) time.Duration {
	left := uint64(math.Ceil(q * float64(n)))
	for i, c := range counts {
		if left > 0 && c >= left {
			return edge(buckets, i)
		}
		left -= min(left, c)
	}
	return 0
}

// edge is the upper edge of a bucket, the lower one where that is infinite.
func edge(buckets []float64, i int) time.Duration {
	upper := buckets[i+1]
	if math.IsInf(upper, 0) {
		upper = buckets[i]
	}
	return time.Duration(max(0, upper) * float64(time.Second))
}
