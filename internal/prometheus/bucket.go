package prometheus

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"schload/internal/bundle"
	"schload/telemetry/histogram"
)

// perOctave is how many buckets of our scale there are between two powers of two.
const perOctave = 1 << histogram.Scale

// zeroThreshold is the upper edge of the zero bucket, in seconds.
const zeroThreshold = 0x1p-20

// most is how many things a double counts one by one.
const most = 1 << 53

// upperInclusive and closed are how the API spells which edges belong to a bucket.
const (
	upperInclusive = 0
	closed         = 3
)

// histogramOf turns what the API says of a native histogram into the one that was
// exported. Its extremes are the edges of its outermost buckets, as far as its
// sum does not tell better.
func histogramOf(h *model.SampleHistogram) (*histogram.Histogram, error) {
	var zero uint64
	var indexes []int
	var counts []uint64
	for _, b := range h.Buckets {
		n, err := whole(float64(b.Count))
		if err != nil {
			return nil, err
		}
		if b.Boundaries == closed {
			if float64(b.Upper) != zeroThreshold {
				return nil, fmt.Errorf("its zero bucket ends at %v s, that of schload at %v s: what it went through changed it", b.Upper, zeroThreshold)
			}
			zero = n
			continue
		}
		index, err := indexOf(b)
		if err != nil {
			return nil, err
		}
		indexes, counts = append(indexes, index), append(counts, n)
	}
	total, err := whole(float64(h.Count))
	if err != nil {
		return nil, err
	}
	sum, err := bundle.FromSeconds(float64(h.Sum))
	if err != nil {
		return nil, err
	}
	return load(indexes, counts, zero, total, sum)
}

// load puts buckets that ascend, empty ones left out, into a histogram.
func load(indexes []int, counts []uint64, zero, total uint64, sum time.Duration) (*histogram.Histogram, error) {
	if len(indexes) == 0 && zero == 0 {
		if total != 0 {
			return nil, fmt.Errorf("count %d, but no bucket holds something", total)
		}
		return &histogram.Histogram{}, nil
	}
	if !slices.IsSorted(indexes) {
		return nil, errors.New("its buckets do not ascend")
	}
	offset, dense := 0, []uint64(nil)
	if len(indexes) > 0 {
		offset = indexes[0]
		dense = make([]uint64, indexes[len(indexes)-1]-offset+1)
		for i, index := range indexes {
			dense[index-offset] += counts[i]
		}
	}
	low, high := extremes(indexes, zero, total, sum)
	if high == sum && total > 1 && low > sum {
		return nil, fmt.Errorf("its sum, %v, is less than the %v of its shortest duration", sum, low)
	}
	h, err := histogram.FromBuckets(int32(offset), dense, zero, sum, low, high)
	if err != nil {
		return nil, err
	}
	if h.Count() != total {
		return nil, fmt.Errorf("count %d, but the buckets hold %d", total, h.Count())
	}
	return h, nil
}

// extremes are the shortest and the longest duration as far as buckets and sum
// tell: bounds from below and from above. The sum bounds the longest, and of a
// single duration it is both.
func extremes(indexes []int, zero, total uint64, sum time.Duration) (low, high time.Duration) {
	if total == 1 {
		return sum, sum
	}
	edge := func(index int) time.Duration { return histogram.Upper(index - first) }
	high = edge(first - 1)
	if n := len(indexes); n > 0 {
		high = edge(indexes[n-1])
		low = edge(indexes[0]-1) + 1
	}
	if zero > 0 {
		low = 0
	}
	return low, min(high, sum)
}

// first is the index of the lowest bucket, last that of the overflow.
const (
	first = -20 * perOctave
	last  = 7 * perOctave
)

// indexOf is the number of a bucket of our scale, which its edges tell.
func indexOf(b *model.HistogramBucket) (int, error) {
	other := fmt.Errorf("a bucket from %v to %v s is none of scale %d: what it went through changed the buckets, their quantiles are others; "+
		"raise native_histogram_bucket_limit and native_histogram_min_bucket_factor, or compare the bundle", b.Lower, b.Upper, histogram.Scale)
	if b.Boundaries != upperInclusive || !(b.Lower > 0) || !(b.Upper > b.Lower) {
		return 0, other
	}
	number := func(edge model.FloatString) (int, bool) {
		n := math.Log2(float64(edge)) * perOctave
		return int(math.Round(n)), math.Abs(n-math.Round(n)) < 1e-6
	}
	lower, ok1 := number(b.Lower)
	upper, ok2 := number(b.Upper)
	switch {
	case !ok1 || !ok2 || upper != lower+1:
		return 0, other
	case lower < first || lower > last:
		return 0, fmt.Errorf("a bucket from %v to %v s lies outside of what schload records", b.Lower, b.Upper)
	}
	return lower, nil
}

// whole is a count that a double holds exactly.
func whole(v float64) (uint64, error) {
	if !(v >= 0) || v > most || v != math.Trunc(v) {
		return 0, fmt.Errorf("%v is not a count", v)
	}
	return uint64(v), nil
}
