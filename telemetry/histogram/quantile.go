package histogram

import (
	"math"
	"time"
)

// Quantile returns the nearest-rank quantile: of the recorded durations in
// ascending order the one of rank ceil(q·Count()), q below 0 taken as 0 and
// above 1 as 1. It returns 0 when empty.
//
// From 2.4 µs to 2^7 s the relative error is at most 0.55 %; from 2^-20 s to
// 2.4 µs, where half a nanosecond of rounding shows, 0.571 %. Within the zero
// bucket the absolute error is at most 477 ns; in the overflow Max is
// returned, an upper bound. Ranks 1 and Count() are exact, and no result lies
// outside [Min, Max]. Quantile never decreases with q.
func (h *Histogram) Quantile(q float64) time.Duration {
	n := h.Count()
	rank := rankOf(q, n)
	switch rank {
	case 0:
		return 0
	case 1:
		return h.Min()
	case n:
		return h.Max()
	}
	return min(max(midpoint(h.slotOfRank(rank)), h.Min()), h.Max())
}

func (h *Histogram) slotOfRank(rank uint64) int {
	i, last := h.touched()
	for below := h.slots[i]; below < rank && i < last; {
		i++
		below += h.slots[i]
	}
	return i
}

// rankOf returns ceil(q·n) within 1..n, 0 when n is 0. A quantile is meant as
// a decimal: 0.07 of 100 is rank 7, although the float64 next to 0.07 times
// 100 lies above 7. The product is therefore lowered by the two roundings it
// may carry, each 2^-53 of it, before it is rounded up.
func rankOf(q float64, n uint64) uint64 {
	if n == 0 {
		return 0
	}
	if !(q > 0) { // NaN too
		return 1
	}
	if q >= 1 {
		return n
	}
	product := q * float64(n)
	return min(max(uint64(math.Ceil(product-product*0x1p-51)), 1), n)
}

// midpoint returns the duration that stands for all in a slot: for a bucket
// of durations low..high the harmonic mean 2·low·high/(low+high), which is
// relatively as far from low as from high.
func midpoint(slot int) time.Duration {
	switch slot {
	case 0:
		return zeroMax / 2
	case overflow:
		return math.MaxInt64 // clamped to the maximum
	}
	low, high := float64(Upper(slot-2)+1), float64(Upper(slot-1))
	return time.Duration(math.Round(2 * low / (low + high) * high))
}

// Above returns how many of the recorded durations are longer than d, told as
// Quantile tells them: all of a bucket are as long as what stands for it.
// Quantile(q) is at most d if and only if no more than Count() less q's rank are
// above it; ranks 1 and Count(), which Quantile knows better, apart.
func (h *Histogram) Above(d time.Duration) (n uint64) {
	if h.Max() <= d {
		return 0
	}
	first, last := h.touched()
	for i := last; i >= first && max(midpoint(i), h.Min()) > d; i-- {
		n += h.slots[i]
	}
	return n
}
