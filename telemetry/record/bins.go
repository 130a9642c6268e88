package record

import (
	"cmp"
	"slices"
	"time"
)

// A bin sums up a short stretch of time for the outage tracker: which
// successes and due operations came first and last, and how many operations
// fell due and ended. Ends are filed by the instant they happened, what fell
// due and what was missed by its intended instant.
type bin struct {
	from         time.Duration
	timely, late instants // successes
	due          instants
	ended        int64         // successes, failures and missed
	endLast      time.Duration // of successes and failures
}

// instants are how often something happened, and when first and last.
type instants struct {
	n           int64
	first, last time.Duration // valid if n > 0
}

func (i *instants) add(at time.Duration, n int) {
	if i.n == 0 || at < i.first {
		i.first = at
	}
	if i.n == 0 || at > i.last {
		i.last = at
	}
	i.n += int64(n)
}

// and returns both together.
func (i instants) and(o instants) instants {
	switch {
	case o.n == 0:
		return i
	case i.n == 0:
		return o
	}
	return instants{i.n + o.n, min(i.first, o.first), max(i.last, o.last)}
}

// end is how an operation ended.
type end uint8

const (
	unsuccessful end = iota
	timely           // a success within the limit of response time
	late             // one above it
)

func (b *bin) fellDue(at time.Duration, n int) { b.due.add(at, n) }

func (b *bin) done(at time.Duration, e end, n int) {
	b.ended += int64(n)
	b.endLast = max(b.endLast, at)
	switch e {
	case timely:
		b.timely.add(at, n)
	case late:
		b.late.add(at, n)
	}
}

// ok are the successes, timely and late.
func (b *bin) ok() instants { return b.timely.and(b.late) }

// join adds what another bin of the same stretch holds.
func (b *bin) join(o *bin) {
	b.timely, b.late, b.due = b.timely.and(o.timely), b.late.and(o.late), b.due.and(o.due)
	b.endLast = max(b.endLast, o.endLast)
	b.ended += o.ended
}

// maxBins bounds a buffer's bins: 164 s between two Collects at 20 ms. Beyond,
// the bin before takes what belongs to a new one, so counts stay exact and
// only gaps between successes are lost.
const maxBins = 8192

// maxRangeBins is the same for a range of hash slots: 20 s.
const maxRangeBins = 1024

// usualBins are those of a second, and some.
const usualBins = 64

// bins are the bins one goroutine touched, in order of time.
type bins struct {
	width time.Duration
	most  int // maxBins if 0
	list  []bin
}

// binWidth is 20 ms, or less if shorter gaps are outages: gaps inside a bin
// are not seen, so a bin must not be wider than the shortest outage.
func binWidth(outageAfter time.Duration) time.Duration {
	return min(20*time.Millisecond, outageAfter)
}

// at returns the bin an instant belongs to. A goroutine's instants rise, or
// nearly so; the last bin is nearly always the one.
func (s *bins) at(t time.Duration) *bin {
	i := len(s.list) - 1
	for i >= 0 && t < s.list[i].from {
		i--
	}
	if i >= 0 && t-s.list[i].from < s.width {
		return &s.list[i]
	}
	return s.insert(i+1, t)
}

func (s *bins) insert(i int, t time.Duration) *bin {
	if len(s.list) >= cmp.Or(s.most, maxBins) {
		return &s.list[max(i-1, 0)]
	}
	s.list = slices.Insert(s.list, i, bin{from: t - t%s.width})
	return &s.list[i]
}

func (s *bins) reset() { s.list = s.list[:0] }
