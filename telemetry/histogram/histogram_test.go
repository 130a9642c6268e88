package histogram

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// randomDuration spreads over all octaves, beyond both ends of the range.
func randomDuration(r *rand.Rand) time.Duration {
	return time.Duration(r.Uint64() >> (1 + r.UintN(63)))
}

// logNormal gives latencies around 200 µs, a realistic spread of some octaves.
func logNormal(r *rand.Rand) time.Duration {
	return time.Duration(200e3 * math.Exp(r.NormFloat64()*0.8))
}

// sets are sorted durations of many shapes, the same at each call.
func sets() map[string][]time.Duration {
	r := rand.New(rand.NewPCG(3, 14))
	fill := func(n int, next func() time.Duration) []time.Duration {
		set := make([]time.Duration, n)
		for i := range set {
			set[i] = next()
		}
		slices.Sort(set)
		return set
	}
	return map[string][]time.Duration{
		"empty":         nil,
		"one":           {time.Millisecond},
		"one zero":      {0},
		"one overflow":  {3 * time.Minute},
		"two":           {time.Millisecond, time.Second},
		"equal":         fill(100, func() time.Duration { return 777 * time.Microsecond }),
		"log-normal":    fill(5000, func() time.Duration { return logNormal(r) }),
		"all octaves":   fill(500, func() time.Duration { return randomDuration(r) >> 8 }),
		"zero bucket":   fill(50, func() time.Duration { return time.Duration(r.IntN(zeroMax + 1)) }),
		"overflow":      fill(50, func() time.Duration { return rangeMax + time.Duration(1+r.IntN(1e12)) }),
		"stalled 1 s":   fill(1000, func() time.Duration { return time.Duration(r.IntN(1e9)) }),
		"around 2^-20s": fill(200, func() time.Duration { return zeroMax - 50 + time.Duration(r.IntN(100)) }),
	}
}

func record(set []time.Duration) *Histogram {
	h := new(Histogram)
	for _, d := range set {
		h.Record(d)
	}
	return h
}

func total(set []time.Duration) (sum time.Duration) {
	for _, d := range set {
		sum += d
	}
	return sum
}

// Count, sum and extremes are exact; every duration is in its bucket.
func TestRecord(t *testing.T) {
	for name, set := range sets() {
		h := record(set)
		var lowest, highest time.Duration
		var zero, over uint64
		for i, d := range set {
			if i == 0 || d < lowest {
				lowest = d
			}
			highest = max(highest, d)
			if d <= zeroMax {
				zero++
			}
			if d > rangeMax {
				over++
			}
		}
		got := []any{h.Count(), h.Sum(), h.Min(), h.Max(), h.Zero(), h.Overflow()}
		want := []any{uint64(len(set)), total(set), lowest, highest, zero, over}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: count, sum, min, max, zero, overflow (-want +got):\n%s", name, diff)
		}
		buckets := map[int]uint64{}
		for _, d := range set {
			buckets[Index(d)]++
		}
		for i := -1; i <= Buckets; i++ {
			if h.slots[i+1] != buckets[i] {
				t.Errorf("%s: bucket %d holds %d, want %d", name, i, h.slots[i+1], buckets[i])
			}
		}
	}
}

// A negative duration counts as 0 and does not spoil the sum.
func TestRecordNegative(t *testing.T) {
	var h Histogram
	h.Record(-time.Second)
	h.RecordN(-time.Second, 2)
	if h.Count() != 3 || h.Zero() != 3 || h.Sum() != 0 || h.Min() != 0 || h.Max() != 0 {
		t.Errorf("count %d, zero %d, sum %v, min %v, max %v, want 3, 3, 0s, 0s, 0s", h.Count(), h.Zero(), h.Sum(), h.Min(), h.Max())
	}
}

// RecordN is n times Record, for no n as well.
func TestRecordN(t *testing.T) {
	for name, set := range sets() {
		one, many := new(Histogram), new(Histogram)
		for i, d := range set {
			n := uint64(i % 4)
			many.RecordN(d, n)
			for range n {
				one.Record(d)
			}
		}
		if !one.Equal(many) {
			t.Errorf("%s: RecordN differs from Record repeated", name)
		}
	}
}

// The sum stops at the longest Duration instead of wrapping around.
func TestSumSaturates(t *testing.T) {
	const longest = time.Duration(math.MaxInt64)
	fill := map[string]func(h *Histogram){
		"Record":                 func(h *Histogram) { h.Record(longest); h.Record(1); h.Record(longest) },
		"RecordN":                func(h *Histogram) { h.RecordN(time.Hour, 1<<40) },
		"RecordN by one product": func(h *Histogram) { h.RecordN(longest, math.MaxUint64) },
		"Merge": func(h *Histogram) {
			h.Record(longest)
			h.Merge(h.Clone())
			h.Merge(record([]time.Duration{time.Second}))
		},
	}
	for name, f := range fill {
		var h Histogram
		f(&h)
		if h.Sum() != longest {
			t.Errorf("%s: sum %d, want %d", name, h.Sum(), longest)
		}
	}
}

// Merging equals recording everything in one histogram, in either order.
func TestMergeIsAddition(t *testing.T) {
	all := sets()
	for nameA, a := range all {
		for nameB, b := range all {
			want := record(slices.Concat(a, b))
			ab, ba := record(a), record(b)
			ab.Merge(record(b))
			ba.Merge(record(a))
			if !ab.Equal(want) || !ba.Equal(want) {
				t.Errorf("%s merged with %s differs from both in one", nameA, nameB)
			}
		}
	}
}

// Reset leaves what a new histogram is; Clone shares nothing.
func TestResetClone(t *testing.T) {
	for name, set := range sets() {
		h := record(set)
		c := h.Clone()
		h.Reset()
		if !h.Equal(new(Histogram)) {
			t.Errorf("%s: not empty after Reset", name)
		}
		if !c.Equal(record(set)) {
			t.Errorf("%s: the clone changed with its original", name)
		}
	}
}

// Equal works for what go-cmp hands it, nil included.
func TestEqualNil(t *testing.T) {
	var none *Histogram
	if !none.Equal(nil) || none.Equal(new(Histogram)) || new(Histogram).Equal(nil) {
		t.Error("nil must equal nil and nothing else")
	}
}

// The hot paths do not allocate.
func TestAllocs(t *testing.T) {
	h, o := new(Histogram), record([]time.Duration{time.Millisecond, time.Hour})
	d := time.Duration(1)
	for name, f := range map[string]func(){
		"Record":   func() { h.Record(d); d = d*3%time.Hour + 1 },
		"RecordN":  func() { h.RecordN(d, 8) },
		"Merge":    func() { h.Merge(o) },
		"Reset":    func() { h.Reset() },
		"Quantile": func() { h.Quantile(0.99) },
		"Count":    func() { h.Count() },
	} {
		if n := testing.AllocsPerRun(1000, f); n != 0 {
			t.Errorf("%s allocates %v times, want 0", name, n)
		}
	}
}
