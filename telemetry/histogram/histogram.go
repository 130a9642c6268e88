package histogram

import (
	"math"
	"math/bits"
	"time"
)

// Histogram counts durations. The zero value is empty and ready. It is plain
// memory (13.9 KB, no pointers) and has one owner at a time; values may be
// copied and compared with ==.
type Histogram struct {
	slots [slots]uint64 // zero bucket, buckets, overflow
	sum   time.Duration
	// The complement of the minimum, so that the zero value means "none" and
	// both extremes are kept by a maximum.
	notMin, max uint64
}

// Record counts d. A negative d, which only a broken clock gives, counts as 0.
func (h *Histogram) Record(d time.Duration) {
	d = max(d, 0)
	v := uint64(d)
	h.slots[slot(v)]++
	h.notMin = max(h.notMin, ^v)
	h.max = max(h.max, v)
	if h.sum += d; h.sum < 0 {
		h.sum = math.MaxInt64
	}
}

// RecordN counts d n times.
func (h *Histogram) RecordN(d time.Duration, n uint64) {
	if n == 0 {
		return
	}
	v := uint64(max(d, 0))
	h.slots[slot(v)] += n
	h.notMin = max(h.notMin, ^v)
	h.max = max(h.max, v)
	h.addSum(times(v, n))
}

// Merge adds what o holds, exactly: the result equals that of recording
// everything in one Histogram, in any order.
func (h *Histogram) Merge(o *Histogram) {
	first, last := o.touched()
	for i := first; i <= last; i++ {
		h.slots[i] += o.slots[i]
	}
	h.notMin = max(h.notMin, o.notMin)
	h.max = max(h.max, o.max)
	h.addSum(o.sum)
}

// Reset empties the histogram. It costs as much as the touched range is wide.
func (h *Histogram) Reset() {
	if first, last := h.touched(); first <= last {
		clear(h.slots[first : last+1])
	}
	h.sum, h.notMin, h.max = 0, 0, 0
}

// Clone returns a copy that shares nothing.
func (h *Histogram) Clone() *Histogram {
	c := *h
	return &c
}

// Equal reports whether both hold the same. (It is what go-cmp asks.)
func (h *Histogram) Equal(o *Histogram) bool {
	return h == o || h != nil && o != nil && *h == *o
}

// Count returns how many durations were recorded: the sum of zero bucket,
// buckets and overflow, computed at each call.
func (h *Histogram) Count() uint64 {
	var n uint64
	first, last := h.touched()
	for i := first; i <= last; i++ {
		n += h.slots[i]
	}
	return n
}

// Sum returns the exact sum. At 2^63-1 ns, 292 years of accumulated waiting
// (10 000 operations a second, all 10 s long, for a day), it stops growing.
func (h *Histogram) Sum() time.Duration { return h.sum }

// Min returns the exact minimum, 0 when empty.
func (h *Histogram) Min() time.Duration {
	if h.empty() {
		return 0
	}
	return time.Duration(^h.notMin)
}

// Max returns the exact maximum, 0 when empty.
func (h *Histogram) Max() time.Duration { return time.Duration(h.max) }

// Zero returns how many durations were at or below 2^-20 s, the content of
// OTLP's zero bucket.
func (h *Histogram) Zero() uint64 { return h.slots[0] }

// Overflow returns how many durations were above 2^7 s.
func (h *Histogram) Overflow() uint64 { return h.slots[overflow] }

// A recorded duration is below 2^63, so its complement is never 0.
func (h *Histogram) empty() bool { return h.notMin == 0 }

// touched returns the first and the last slot that hold something: those of
// the extremes. When empty, first > last.
func (h *Histogram) touched() (first, last int) {
	if h.empty() {
		return 0, -1
	}
	return slot(^h.notMin), slot(h.max)
}

func (h *Histogram) addSum(d time.Duration) {
	if h.sum += d; h.sum < 0 {
		h.sum = math.MaxInt64
	}
}

// times returns v·n, at most the longest Duration.
func times(v, n uint64) time.Duration {
	high, low := bits.Mul64(v, n)
	if high != 0 || low > math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(low)
}
