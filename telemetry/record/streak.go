package record

import "time"

// A streak is a stretch in which successes came and none of them in time. If it
// is longer than an outage must be, it is a brown-out. It runs
//
//	from  the last timely success, if an operation waited or fell due in the
//	      rest of its bin; else from the first operation that fell due
//	      afterwards; or from the end of an outage
//	to    the next timely success; or to the last late one, if an outage
//	      follows it, or silence (nothing waits, nothing falls due)
//
// It is told like an outage, and as exactly: silence within a bin is not seen,
// nor are streaks, which are no brown-outs (TestGapsOracle).
type streak struct {
	from time.Duration
	late bool // a late success came in it; else it is none yet
}

// meet brings the streak up to a bin's successes. Before the first of them lay
// gap, if waited; t.last is still the success before it.
func (t *tracker) meet(b *bin, gap window, waited bool, f *found) {
	switch {
	case waited && gap.length() > t.after: // an outage
		t.endStreak(t.last, false, f)
		t.streak = streak{from: b.ok().first}
	case waited && gap.start > t.last: // nothing waited until then
		t.endStreak(t.last, false, f)
		t.streak = streak{from: gap.start}
	case !waited: // nor did anything that was told in time
		t.endStreak(t.last, false, f)
		t.streak = streak{from: b.ok().first}
	}
	if b.timely.n == 0 {
		t.streak.late = true
		return
	}
	if b.late.n > 0 && b.late.first < b.timely.first {
		t.streak.late = true
	}
	t.endStreak(b.timely.first, false, f)
	t.streak = streak{from: b.timely.last, late: b.late.n > 0 && b.late.last > b.timely.last}
}

// endStreak tells of the streak that ends at an instant, if it is a brown-out.
func (t *tracker) endStreak(at time.Duration, open bool, f *found) {
	w := window{start: t.streak.from, end: min(at, t.until), open: open}
	if t.streak.late && w.length() > t.after {
		f.brownOuts = append(f.brownOuts, w)
	}
}

// leaveStreak tells of the streak that is still going on at an instant, or
// ended before without the next success having come.
func (t *tracker) leaveStreak(now time.Duration, f *found) {
	gap := window{start: t.start, end: min(now, t.until)}
	if t.waiting && t.start == t.last && gap.length() <= t.after {
		t.endStreak(now, true, f)
		return
	}
	t.endStreak(t.last, false, f)
}
