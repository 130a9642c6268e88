package series

import (
	"math"
	"time"

	"schload/telemetry/histogram"
)

// PerOctave is how many bands there are from a duration to twice as much: a
// band is 8 of a histogram's buckets, 9 % wide.
const PerOctave = 8

// perBand are the buckets of a histogram (64 an octave) in a band.
const perBand = histogram.Buckets / bands

const (
	bands       = 27 * PerOctave // from 2^-20 s to 2^7 s
	firstBucket = -20 * 64       // OTLP index
)

// Bands counts durations in coarser buckets than a histogram does: Bands[i] are
// those up to Upper(i). The last are longer than 2^7 s.
type Bands [bands + 1]uint64

// Upper is the longest duration of a band.
func Upper(i int) time.Duration {
	return time.Duration(math.Exp2(-20+float64(i+1)/PerOctave) * 1e9)
}

// add files what a histogram holds.
func (b *Bands) add(h *histogram.Histogram) {
	b[0] += h.Zero()
	offset, counts := h.Buckets()
	for i, n := range counts {
		b[min((int(offset)+i-firstBucket)/perBand, bands)] += n
	}
}

func (b *Bands) merge(o *Bands) {
	for i, n := range o {
		b[i] += n
	}
}

// Count is how many durations there are.
func (b *Bands) Count() (n uint64) {
	if b == nil {
		return 0
	}
	for _, m := range b {
		n += m
	}
	return n
}

// Range returns the first and the last band that hold something; false if none
// does.
func (b *Bands) Range() (first, last int, ok bool) {
	if b == nil {
		return 0, 0, false
	}
	first = len(b)
	for i, n := range b {
		if n > 0 {
			first, last, ok = min(first, i), i, true
		}
	}
	return first, last, ok
}

// Quantile returns the upper edge of the band in which the nearest-rank
// quantile lies: at most 9 % too long. It is 0 without durations.
func (b *Bands) Quantile(q float64) time.Duration {
	n := b.Count()
	if n == 0 {
		return 0
	}
	rank := uint64(max(1, math.Ceil(q*float64(n))))
	var below uint64
	for i, m := range b {
		if below += m; below >= rank {
			return Upper(i)
		}
	}
	return Upper(bands)
}
