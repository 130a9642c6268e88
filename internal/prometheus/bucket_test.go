package prometheus

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// native is a histogram as the API has it: edges as doubles that may be one off
// in the last place, empty buckets left out.
func native(h *histogram.Histogram, r *rand.Rand) *model.SampleHistogram {
	edge := func(index int) model.FloatString {
		v := math.Exp2(float64(index) / perOctave)
		return model.FloatString(math.Nextafter(v, v+float64(r.IntN(3)-1)))
	}
	out := &model.SampleHistogram{Count: model.FloatString(h.Count()), Sum: model.FloatString(record.Seconds(h.Sum()))}
	if h.Zero() > 0 {
		out.Buckets = append(out.Buckets, &model.HistogramBucket{Boundaries: closed, Lower: -zeroThreshold, Upper: zeroThreshold, Count: model.FloatString(h.Zero())})
	}
	offset, counts := h.Buckets()
	for i, n := range counts {
		if n > 0 {
			at := int(offset) + i
			out.Buckets = append(out.Buckets, &model.HistogramBucket{Boundaries: upperInclusive, Lower: edge(at), Upper: edge(at + 1), Count: model.FloatString(n)})
		}
	}
	return out
}

// Every bucket of the scale is told by its edges, and every histogram comes back.
func TestBucketsComeBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range histogram.Buckets + 1 {
		h := &histogram.Histogram{}
		h.RecordN(min(histogram.Upper(i-1)+1, 200*time.Second), 3)
		got, err := histogramOf(native(h, r))
		if err != nil {
			t.Fatalf("bucket %d: %v", i, err)
		}
		alike(t, i, got, h)
	}
	for n := range 200 {
		h := &histogram.Histogram{}
		for range r.IntN(100) {
			h.RecordN(time.Duration(math.Exp(r.Float64()*27)), uint64(1+r.IntN(1000)))
		}
		got, err := histogramOf(native(h, r))
		if err != nil {
			t.Fatalf("histogram %d: %v", n, err)
		}
		alike(t, n, got, h)
	}
}

func TestForeignBuckets(t *testing.T) {
	bucket := func(boundaries int32, lower, upper, count float64) *model.HistogramBucket {
		return &model.HistogramBucket{Boundaries: boundaries, Lower: model.FloatString(lower), Upper: model.FloatString(upper), Count: model.FloatString(count)}
	}
	edge := func(n float64) float64 { return math.Exp2(n / perOctave) }
	for want, h := range map[string]*model.SampleHistogram{
		"none of scale 6":     {Count: 5, Sum: 1, Buckets: model.HistogramBuckets{bucket(0, edge(-4), edge(-2), 5)}}, // of scale 5
		"from 0.1 to 0.2 s":   {Count: 5, Sum: 1, Buckets: model.HistogramBuckets{bucket(0, 0.1, 0.2, 5)}},
		"none of scale":       {Count: 5, Sum: 1, Buckets: model.HistogramBuckets{bucket(1, -edge(1), -edge(0), 5)}},
		"zero bucket ends":    {Count: 5, Sum: 0, Buckets: model.HistogramBuckets{bucket(3, -1e-128, 1e-128, 5)}},
		"is not a count":      {Count: 5, Sum: 1, Buckets: model.HistogramBuckets{bucket(0, edge(0), edge(1), 4.5)}},
		"NaN is not a count":  {Count: model.FloatString(math.NaN()), Sum: 1, Buckets: model.HistogramBuckets{bucket(0, edge(0), edge(1), 5)}},
		"the buckets hold 5":  {Count: 6, Sum: 6, Buckets: model.HistogramBuckets{bucket(0, edge(0), edge(1), 5)}},
		"no bucket holds":     {Count: 6, Sum: 6},
		"do not ascend":       {Count: 6, Sum: 6, Buckets: model.HistogramBuckets{bucket(0, edge(5), edge(6), 1), bucket(0, edge(0), edge(1), 5)}},
		"outside of what":     {Count: 5, Sum: 5000, Buckets: model.HistogramBuckets{bucket(0, edge(640), edge(641), 5)}},
		"is out of range":     {Count: 5, Sum: model.FloatString(math.Inf(1)), Buckets: model.HistogramBuckets{bucket(0, edge(0), edge(1), 5)}},
		"is less than the":    {Count: 5, Sum: 0.5, Buckets: model.HistogramBuckets{bucket(0, edge(0), edge(1), 5)}},
		"e+16 is not a count": {Count: 1 << 54, Sum: 1, Buckets: model.HistogramBuckets{bucket(0, edge(0), edge(1), 1<<54)}},
	} {
		if _, err := histogramOf(h); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
