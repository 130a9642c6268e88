package record

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// holdback is how long after its end a bin is still open for late news: a
// worker that was preempted between its clock reading and its Sink, a
// dispatcher that was stalled. Totals look ahead; marks wait for it.
const holdback = time.Second

// A window is an outage: from when an operation waited for a success that did
// not come, until it came.
type window struct {
	start, end time.Duration
	open       bool // the run ended first
}

func (w window) length() time.Duration { return w.end - w.start }

func (w window) stretch() Stretch { return Stretch{w.start, w.end} }

// tracker finds outages from bins given in order of time. A gap runs
//
//	from  the last success S, if an operation waited or fell due in the rest
//	      of S's bin; else from the first operation that fell due afterwards
//	to    the next success
//
// and is an outage if it is longer than after. Its end is exact; so is its
// start, unless it is S although the first operation to wait for the next
// success fell due within the rest of S's bin: then the gap is too long by
// less than a bin's width (TestOutageOracle). A missed operation fell due at
// its intended instant.
//
// A tracker is a value: a copy can look ahead.
type tracker struct {
	after   time.Duration
	until   time.Duration // where the load ends: nothing is due behind it
	last    time.Duration // the last success
	waiting bool          // an operation waited since then
	start   time.Duration // when the first of them did, valid if waiting
	pending int64         // operations that fell due and have not ended
	streak  streak        // of late successes
}

// found is what a tracker tells of: outages, brown-outs and the longest gap.
// A gap is what an outage is, however short.
type found struct {
	warmups              []Stretch // the parts of the run that are warm-up
	outages, brownOuts   []window
	gap                  window        // the one of which most lies after warm-up
	gapMeasured, gapWarm time.Duration // the longest, by what lies after warm-up, and in it
}

// gapOf takes a gap.
func (f *found) gapOf(w window) {
	measured := w.stretch().Outside(f.warmups)
	f.gapWarm = max(f.gapWarm, w.length()-measured)
	if measured > f.gapMeasured {
		f.gap, f.gapMeasured = w, measured
	}
}

// step takes the next bin, and tells of what ended in it.
func (t *tracker) step(b *bin, f *found) {
	t.pending += b.due.n - b.ended
	if b.due.n > 0 && !t.waiting && b.due.last > t.last {
		t.waiting, t.start = true, max(b.due.first, t.last)
	}
	ok := b.ok()
	if ok.n == 0 || ok.last <= t.last {
		return
	}
	gap := window{start: t.start, end: min(ok.first, t.until)}
	if t.waiting {
		f.gapOf(gap)
		if gap.length() > t.after {
			f.outages = append(f.outages, gap)
		}
	}
	t.meet(b, gap, t.waiting, f)
	t.last = ok.last
	t.waiting = t.pending > 0 || b.due.last > ok.last || b.endLast > ok.last
	t.start = ok.last
}

// leave tells of what is still going on at an instant.
func (t *tracker) leave(now time.Duration, f *found) {
	t.leaveStreak(now, f)
	if !t.waiting {
		return
	}
	gap := window{start: t.start, end: min(now, t.until), open: true}
	f.gapOf(gap)
	if gap.length() > t.after {
		f.outages = append(f.outages, gap)
	}
}

// outages tracks those of one scope. It keeps the bins of about the last second.
type outages struct {
	tracker tracker
	width   time.Duration
	pending []bin // not yet stepped, in order of time
}

func newOutages(after time.Duration) outages {
	return outages{tracker: tracker{after: after, until: math.MaxInt64, last: beginning}, width: binWidth(after)}
}

// add takes the bins of one shard.
func (o *outages) add(list []bin) {
	for i := range list {
		at, found := slices.BinarySearchFunc(o.pending, list[i].from, func(b bin, from time.Duration) int {
			return cmp.Compare(b.from, from)
		})
		if found {
			o.pending[at].join(&list[i])
		} else {
			o.pending = slices.Insert(o.pending, at, list[i])
		}
	}
}

// advance steps the bins that are old enough, all if the run is over, and
// tells of what became certain.
func (o *outages) advance(now time.Duration, last bool, f *found) {
	n := 0
	for n < len(o.pending) && (last || o.pending[n].from+o.width <= now-holdback) {
		o.tracker.step(&o.pending[n], f)
		n++
	}
	o.pending = slices.Delete(o.pending, 0, n)
	if last {
		o.tracker.leave(now, f)
		o.tracker.waiting, o.tracker.streak = false, streak{}
	}
}

// ahead tells of what advance has not told yet, as far as the bins do; the last
// outage or brown-out may be open.
func (o *outages) ahead(now time.Duration, f *found) {
	t := o.tracker
	for i := range o.pending {
		if o.pending[i].from > now {
			break
		}
		t.step(&o.pending[i], f)
	}
	t.leave(now, f)
}
