package record

import (
	"slices"
	"time"
)

// A bin sums up a short stretch of time for the outage tracker: which
// successes and due operations came first and last, and how many operations
// fell due and ended. Ends are filed by the instant they happened, what fell
// due and what was missed by its intended instant.
type bin struct {
	from       time.Duration
	ok         int64 // successes
	due, ended int64 // operations; ended counts successes, failures and missed
	okFirst    time.Duration
	okLast     time.Duration
	dueFirst   time.Duration
	dueLast    time.Duration
	endLast    time.Duration // of successes and failures
}

func (b *bin) fellDue(at time.Duration, n int) {
	b.join(&bin{due: int64(n), dueFirst: at, dueLast: at})
}

func (b *bin) done(at time.Duration, success bool, n int) {
	b.ended += int64(n)
	b.endLast = max(b.endLast, at)
	if !success {
		return
	}
	if b.ok == 0 || at < b.okFirst {
		b.okFirst = at
	}
	if b.ok == 0 || at > b.okLast {
		b.okLast = at
	}
	b.ok += int64(n)
}

// join adds what another bin of the same stretch holds.
func (b *bin) join(o *bin) {
	if o.ok > 0 {
		b.okFirst, b.okLast = widen(b.ok > 0, b.okFirst, b.okLast, o.okFirst, o.okLast)
	}
	if o.due > 0 {
		b.dueFirst, b.dueLast = widen(b.due > 0, b.dueFirst, b.dueLast, o.dueFirst, o.dueLast)
	}
	b.endLast = max(b.endLast, o.endLast)
	b.ok += o.ok
	b.due += o.due
	b.ended += o.ended
}

func widen(some bool, first, last, otherFirst, otherLast time.Duration) (time.Duration, time.Duration) {
	if !some {
		return otherFirst, otherLast
	}
	return min(first, otherFirst), max(last, otherLast)
}

// maxBins bounds a buffer's bins: 164 s between two Collects at 20 ms. Beyond,
// the bin before takes what belongs to a new one, so counts stay exact and
// only gaps between successes are lost.
const maxBins = 8192

// usualBins are those of a second, and some.
const usualBins = 64

// bins are the bins one goroutine touched, in order of time.
type bins struct {
	width time.Duration
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
	if len(s.list) >= maxBins {
		return &s.list[max(i-1, 0)]
	}
	s.list = slices.Insert(s.list, i, bin{from: t - t%s.width})
	return &s.list[i]
}

func (s *bins) reset() { s.list = s.list[:0] }
