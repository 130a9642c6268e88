package bundle

import (
	"encoding/binary"
	"errors"
	"slices"

	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// packedTimes is what was added to a histogram in one interval, packed: most
// buckets are small, and a run has thousands.
type packedTimes struct {
	of   *wholeSeries
	data []byte
}

func (t wholeTimes) at(index int32) uint64 {
	if i := int64(index) - int64(t.offset); i >= 0 && i < int64(len(t.counts)) {
		return t.counts[i]
	}
	return 0
}

// minus returns what came to t since before.
func (t wholeTimes) minus(before wholeTimes) (wholeTimes, error) {
	d := wholeTimes{offset: t.offset, counts: make([]uint64, len(t.counts)), zero: t.zero - before.zero, sum: t.sum - before.sum}
	went := t.zero < before.zero || t.sum < before.sum
	for i := range d.counts {
		index := t.offset + int32(i)
		went = went || t.counts[i] < before.at(index)
		d.counts[i] = t.counts[i] - before.at(index)
	}
	for i, n := range before.counts {
		went = went || n > t.at(before.offset+int32(i))
	}
	if went {
		return d, errors.New("a cumulative histogram went down")
	}
	return d, nil
}

func (t wholeTimes) empty() bool {
	return t.zero == 0 && !slices.ContainsFunc(t.counts, func(n uint64) bool { return n > 0 })
}

func (t wholeTimes) pack() []byte {
	first, last := 0, len(t.counts)
	for first < last && t.counts[first] == 0 {
		first++
	}
	for last > first && t.counts[last-1] == 0 {
		last--
	}
	b := binary.AppendVarint(nil, t.sum)
	b = binary.AppendUvarint(b, t.zero)
	b = binary.AppendVarint(b, int64(t.offset)+int64(first))
	for _, n := range t.counts[first:last] {
		b = binary.AppendUvarint(b, n)
	}
	return slices.Clip(b)
}

// unpack makes one histogram of the parts of one, with the interval's extremes.
func unpack(parts []packedTimes, x extremes) (*histogram.Histogram, error) {
	sum := parts[0].unpack()
	for _, p := range parts[1:] {
		sum = sum.plus(p.unpack())
	}
	return histogram.FromBuckets(sum.offset, sum.counts, sum.zero, duration(sum.sum), x.min, x.max)
}

func (p packedTimes) unpack() (t wholeTimes) {
	b := p.data
	sum, n := binary.Varint(b)
	b = b[n:]
	zero, n := binary.Uvarint(b)
	b = b[n:]
	offset, n := binary.Varint(b)
	b = b[n:]
	t = wholeTimes{offset: int32(offset), zero: zero, sum: sum}
	for len(b) > 0 {
		v, n := binary.Uvarint(b)
		t.counts, b = append(t.counts, v), b[n:]
	}
	return t
}

// plus adds two bucket by bucket.
func (t wholeTimes) plus(o wholeTimes) wholeTimes {
	s := wholeTimes{zero: t.zero + o.zero, sum: t.sum + o.sum}
	switch {
	case len(o.counts) == 0:
		s.offset, s.counts = t.offset, t.counts
		return s
	case len(t.counts) == 0:
		s.offset, s.counts = o.offset, o.counts
		return s
	}
	s.offset = min(t.offset, o.offset)
	end := max(t.offset+int32(len(t.counts)), o.offset+int32(len(o.counts)))
	s.counts = make([]uint64, end-s.offset)
	for i := range s.counts {
		s.counts[i] = t.at(s.offset+int32(i)) + o.at(s.offset+int32(i))
	}
	return s
}

// set files the histogram in a series of operations, or of messages.
func set(s *record.Series, name string, h *histogram.Histogram) {
	switch name {
	case record.ResponseTime:
		s.Response = h
	case record.ServiceTime:
		s.Service = h
	case record.Lateness:
		s.Lateness = h
	case record.MessageDeliveryTime:
		s.Delivery = h
	}
}
