package histogram

import (
	"math"
	"math/big"
	"strings"
	"testing"
	"time"
)

func rebuild(h *Histogram) (*Histogram, error) {
	offset, counts := h.Buckets()
	return FromBuckets(offset, counts, h.Zero(), h.Sum(), h.Min(), h.Max())
}

// FromBuckets undoes Buckets.
func TestBucketsRoundTrip(t *testing.T) {
	for name, set := range sets() {
		h := record(set)
		back, err := rebuild(h)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !h.Equal(back) {
			t.Errorf("%s: rebuilt from its buckets it differs", name)
		}
	}
}

// Buckets are trimmed, and their indexes are OTLP's: the bucket of index i
// holds what lies in (2^(i/64) s, 2^((i+1)/64) s], computed with big floats.
func TestBucketsAreOTLP(t *testing.T) {
	for name, set := range sets() {
		h := record(set)
		offset, counts := h.Buckets()
		if n := len(counts); n > 0 && (counts[0] == 0 || counts[n-1] == 0) {
			t.Errorf("%s: not trimmed", name)
		}
		sum := h.Zero()
		for i, n := range counts {
			sum += n
			lower, upper := edgeFloor(int(offset)+i), edgeFloor(int(offset)+i+1)
			if int(offset)+i == topOffset {
				upper = big.NewInt(math.MaxInt64)
			}
			inside := uint64(0)
			for _, d := range set {
				if v := big.NewInt(int64(d)); v.Cmp(lower) > 0 && v.Cmp(upper) <= 0 {
					inside++
				}
			}
			if inside != n {
				t.Errorf("%s: bucket of index %d holds %d, want %d", name, int(offset)+i, n, inside)
			}
		}
		if sum != h.Count() {
			t.Errorf("%s: zero and buckets sum up to %d, count is %d", name, sum, h.Count())
		}
	}
}

// What a backend would refuse or misread is refused with the contradiction.
func TestFromBucketsRefuses(t *testing.T) {
	const ms = time.Millisecond
	at := int32(Index(ms) + firstOffset)
	for _, c := range []struct {
		offset        int32
		counts        []uint64
		zero          uint64
		sum, min, max time.Duration
		want          string
	}{
		{firstOffset - 1, []uint64{1}, 0, ms, ms, ms, "bucket index -1281: outside -1280 to 448 of scale 6"},
		{topOffset, []uint64{1, 1}, 0, ms, ms, ms, "bucket index 449: outside"},
		{math.MaxInt32, []uint64{1, 1}, 0, ms, ms, ms, "bucket index 2147483647: outside"},
		{math.MinInt32, []uint64{1}, 0, ms, ms, ms, "bucket index -2147483648: outside"},
		{0, nil, 0, ms, 0, 0, "no bucket is in use, but sum 1ms"},
		{0, nil, 0, 0, 0, ms, "no bucket is in use"},
		{at, []uint64{1}, 0, ms, 2 * ms, ms, "min 2ms: not in the first bucket in use"},
		{at, []uint64{1}, 0, ms, 0, ms, "min 0s: not in the first bucket in use"},
		{at, []uint64{1}, 0, ms, -1, ms, "min -1ns: not in the first bucket in use"},
		{at, []uint64{1}, 1, ms, ms, ms, "min 1ms: not in the first bucket in use, 0s to 953ns"},
		{at, []uint64{1}, 0, ms, ms, 2 * ms, "max 2ms: not in the last bucket in use"},
		{at, []uint64{1}, 0, ms, ms, -1, "max -1ns: not in the last bucket in use"},
		{at, []uint64{2}, 0, 2 * ms, ms, ms - 1, "min 1ms exceeds max 999.999µs"},
		{at, []uint64{1}, 0, ms - 1, ms, ms, "sum 999.999µs is below max 1ms"},
	} {
		_, err := FromBuckets(c.offset, c.counts, c.zero, c.sum, c.min, c.max)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("FromBuckets(%d, %v, %d, %v, %v, %v) = %v, want an error with %q", c.offset, c.counts, c.zero, c.sum, c.min, c.max, err, c.want)
		}
	}
}

// Empty buckets at the ends are nothing to object to: not all writers trim.
func TestFromBucketsUntrimmed(t *testing.T) {
	h := record([]time.Duration{time.Millisecond, time.Second})
	offset, counts := h.Buckets()
	counts = append(append(make([]uint64, 40), counts...), make([]uint64, 40)...)
	back, err := FromBuckets(offset-40, counts, 0, h.Sum(), h.Min(), h.Max())
	if err != nil || !h.Equal(back) {
		t.Errorf("untrimmed buckets: %v, equal %v", err, h.Equal(back))
	}
	if _, err := FromBuckets(-5000, make([]uint64, 9000), 0, 0, 0, 0); err != nil {
		t.Errorf("an empty histogram with wide bounds: %v", err)
	}
}

// What was recorded survives the way through its buckets.
func FuzzBuckets(f *testing.F) {
	for _, set := range sets() {
		f.Add(encode(set[:min(len(set), 64)]))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		h := record(decode(data))
		back, err := rebuild(h)
		if err != nil {
			t.Fatal(err)
		}
		if !h.Equal(back) {
			t.Error("rebuilt from its buckets it differs")
		}
	})
}

// Whatever FromBuckets accepts gives back the same buckets.
func FuzzFromBuckets(f *testing.F) {
	f.Add(int32(-640), []byte{1, 0, 2}, uint64(0), int64(1e9), int64(980_000), int64(1_005_000))
	f.Add(int32(448), []byte{1}, uint64(3), int64(1e12), int64(0), int64(2e11))
	f.Fuzz(func(t *testing.T, offset int32, small []byte, zero uint64, sum, lowest, highest int64) {
		counts := make([]uint64, len(small))
		for i, n := range small {
			counts[i] = uint64(n)
		}
		h, err := FromBuckets(offset, counts, zero, time.Duration(sum), time.Duration(lowest), time.Duration(highest))
		if err != nil {
			return
		}
		back, err := rebuild(h)
		if err != nil || !h.Equal(back) {
			t.Errorf("accepted, but its own buckets are not: %v", err)
		}
	})
}
