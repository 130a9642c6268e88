package histogram

import (
	"encoding/binary"
	"math"
	"math/big"
	"slices"
	"testing"
	"time"
)

// The documented worst relative error: bound from boundFrom on, below it
// boundLow, because the result is a whole nanosecond.
const (
	bound     = 0.0055
	boundFrom = 2400 * time.Nanosecond
	boundLow  = 0.00571
)

func boundAt(d time.Duration) float64 {
	if d < boundFrom {
		return boundLow
	}
	return bound
}

// The duration that stands for a bucket is within the bound of each duration
// the bucket can hold: all 1728 buckets, at both ends.
func TestMidpointBound(t *testing.T) {
	worst, worstLow := 0.0, 0.0
	for i := range Buckets {
		low, high, mid := Upper(i-1)+1, Upper(i), midpoint(i+1)
		for _, d := range []time.Duration{low, high} {
			if d < boundFrom {
				worstLow = max(worstLow, relative(mid, d))
			} else {
				worst = max(worst, relative(mid, d))
			}
		}
		if mid < low || mid > high {
			t.Errorf("bucket %d: middle %d outside %d to %d", i, mid, low, high)
		}
	}
	t.Logf("worst relative error %.4f %%, below %v %.4f %%", 100*worst, boundFrom, 100*worstLow)
	if worst > bound || worstLow > boundLow {
		t.Errorf("worst relative error %v, below %v %v; want at most %v and %v", worst, boundFrom, worstLow, bound, boundLow)
	}
}

func relative(got, want time.Duration) float64 {
	return math.Abs(float64(got-want)) / float64(want)
}

// The rank is the one of the decimal a quantile is written as, not of the
// float64 next to it.
func TestRank(t *testing.T) {
	for _, q := range []string{"0", "0.01", "0.07", "0.1", "0.5", "0.55", "0.9", "0.95", "0.99", "0.999", "0.9999", "1"} {
		exact, _ := new(big.Rat).SetString(q)
		near, _ := exact.Float64()
		for n := uint64(1); n < 1e12; n = n*7/5 + 1 {
			product := new(big.Rat).Mul(exact, new(big.Rat).SetFrac(new(big.Int).SetUint64(n), big.NewInt(1)))
			ceil := new(big.Int).Div(new(big.Int).Add(product.Num(), new(big.Int).Sub(product.Denom(), big.NewInt(1))), product.Denom())
			if want := max(ceil.Uint64(), 1); rankOf(near, n) != want {
				t.Errorf("rank of %s among %d is %d, want %d", q, n, rankOf(near, n), want)
			}
		}
	}
	for q, want := range map[float64]uint64{-1: 1, 2: 10, math.Inf(1): 10, math.Inf(-1): 1} {
		if got := rankOf(q, 10); got != want {
			t.Errorf("rank of %v among 10 is %d, want %d", q, got, want)
		}
	}
	if got := rankOf(math.NaN(), 10); got != 1 {
		t.Errorf("rank of NaN among 10 is %d, want 1", got)
	}
	if got := rankOf(0.5, 0); got != 0 {
		t.Errorf("rank among none is %d, want 0", got)
	}
}

var quantiles = []float64{0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1}

// checkQuantiles holds the histogram of a sorted set against the set itself.
func checkQuantiles(t *testing.T, set []time.Duration) {
	t.Helper()
	h := record(set)
	before := time.Duration(0)
	for _, q := range quantiles {
		got := h.Quantile(q)
		if len(set) == 0 {
			if got != 0 {
				t.Errorf("quantile %v of none is %v, want 0s", q, got)
			}
			continue
		}
		want := set[rankOf(q, uint64(len(set)))-1]
		if !close(got, want, h.Max()) {
			t.Errorf("quantile %v of %d is %d, want %d within %v %%", q, len(set), got, want, 100*boundAt(want))
		}
		if got < before {
			t.Errorf("quantile %v is %v, below the quantile before, %v", q, got, before)
		}
		if got < h.Min() || got > h.Max() {
			t.Errorf("quantile %v is %v, outside %v to %v", q, got, h.Min(), h.Max())
		}
		before = got
	}
}

// close is the documented accuracy of each part of the range.
func close(got, want, highest time.Duration) bool {
	switch {
	case want <= zeroMax:
		return (got - want).Abs() <= 477
	case want > rangeMax:
		return got == want || got == highest
	}
	return relative(got, want) <= boundAt(want)
}

// Quantiles agree with a sorted slice.
func TestQuantile(t *testing.T) {
	for name, set := range sets() {
		t.Run(name, func(t *testing.T) { checkQuantiles(t, set) })
	}
}

// Quantiles agree with a sorted slice, whatever was recorded.
func FuzzQuantile(f *testing.F) {
	for _, set := range sets() {
		f.Add(encode(set[:min(len(set), 64)]))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		set := decode(data)
		slices.Sort(set)
		checkQuantiles(t, set)
	})
}

func encode(set []time.Duration) (data []byte) {
	for _, d := range set {
		data = binary.LittleEndian.AppendUint64(data, uint64(d))
	}
	return data
}

// decode reads durations that sum up to less than the longest Duration.
func decode(data []byte) (set []time.Duration) {
	for ; len(data) >= 8; data = data[8:] {
		set = append(set, time.Duration(binary.LittleEndian.Uint64(data)>>20))
	}
	return set
}
