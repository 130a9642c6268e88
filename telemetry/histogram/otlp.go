package histogram

import (
	"fmt"
	"time"
)

// Buckets returns the positive buckets as OTLP's exponential histogram of
// scale 6 has them: counts[i] belongs to index offset+i, which covers
// (2^((offset+i)/64) s, 2^((offset+i+1)/64) s]. Empty buckets at both ends
// are trimmed; without any the offset is 0. Index -1280 is the first of the
// range, 448 is the overflow. The slice is the caller's.
//
// Together with Zero, Sum, Min and Max it is the whole histogram; FromBuckets
// is the inverse.
func (h *Histogram) Buckets() (offset int32, counts []uint64) { return h.AppendBuckets(nil) }

// AppendBuckets is Buckets into a slice that is there.
func (h *Histogram) AppendBuckets(counts []uint64) (offset int32, _ []uint64) {
	first, last := h.touched()
	if first == 0 { // the zero bucket is no positive bucket
		for first = 1; first <= last && h.slots[first] == 0; {
			first++
		}
	}
	if first > last {
		return 0, counts
	}
	return int32(first - 1 + firstOffset), append(counts, h.slots[first:last+1]...)
}

// FromBuckets builds the histogram that Buckets, Zero, Sum, Min and Max
// describe, or says what contradicts itself or lies outside the range. Empty
// buckets at the ends are allowed.
func FromBuckets(offset int32, counts []uint64, zero uint64, sum, min, max time.Duration) (*Histogram, error) {
	h := &Histogram{}
	if err := h.Load(offset, counts, zero, sum, min, max); err != nil {
		return nil, err
	}
	return h, nil
}

// Load is FromBuckets into a histogram that is there and must be empty. After
// an error it is empty.
func (h *Histogram) Load(offset int32, counts []uint64, zero uint64, sum, min, max time.Duration) (err error) {
	defer func() {
		if err != nil {
			*h = Histogram{}
		}
	}()
	h.sum = sum
	h.slots[0] = zero
	first, last := -1, -1
	if zero > 0 {
		first, last = 0, 0
	}
	from := int64(offset)
	for len(counts) > 0 && counts[0] == 0 {
		from, counts = from+1, counts[1:]
	}
	for len(counts) > 0 && counts[len(counts)-1] == 0 {
		counts = counts[:len(counts)-1]
	}
	if len(counts) > 0 {
		to := from + int64(len(counts)) - 1
		for _, index := range [...]int64{from, to} {
			if index < firstOffset || index > topOffset {
				return fmt.Errorf("bucket index %d: outside %d to %d of scale %d", index, firstOffset, topOffset, Scale)
			}
		}
		copy(h.slots[from-firstOffset+1:], counts)
		if last = int(to - firstOffset + 1); first < 0 {
			first = int(from - firstOffset + 1)
		}
	}
	if err := checkExtremes(first, last, sum, min, max); err != nil {
		return err
	}
	if first >= 0 {
		h.notMin, h.max = ^uint64(min), uint64(max)
	}
	return nil
}

// checkExtremes holds the extremes and the sum against the first and the last
// slot in use (-1: none). The extremes must lie in these, because the methods
// of Histogram find the touched range by them.
func checkExtremes(first, last int, sum, min, max time.Duration) error {
	switch {
	case first < 0:
		if sum != 0 || min != 0 || max != 0 {
			return fmt.Errorf("no bucket is in use, but sum %v, min %v, max %v are not all 0", sum, min, max)
		}
	case min < 0 || slot(uint64(min)) != first:
		return fmt.Errorf("min %v: not in the first bucket in use, %s", min, bounds(first))
	case max < 0 || slot(uint64(max)) != last:
		return fmt.Errorf("max %v: not in the last bucket in use, %s", max, bounds(last))
	case min > max:
		return fmt.Errorf("min %v exceeds max %v", min, max)
	case sum < max:
		return fmt.Errorf("sum %v is below max %v", sum, max)
	}
	return nil
}

func bounds(slot int) string {
	if slot == 0 {
		return fmt.Sprintf("0s to %v", Upper(-1))
	}
	return fmt.Sprintf("%v to %v", Upper(slot-2)+1, Upper(slot-1))
}
