package record

import (
	"cmp"
	"math"
	"slices"
	"time"

	"schload/telemetry/mark"
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

func (w window) mark(arm string, round int) mark.Mark {
	m := mark.Mark{Kind: mark.Outage, Source: "arm", Arm: arm, Round: round, At: w.start, Duration: w.length()}
	if w.open {
		m.Detail = "open at the end of the run"
	}
	return m
}

// tracker finds outages from bins given in order of time. A window runs
//
//	from  the last success S, if an operation waited or fell due in the rest
//	      of S's bin; else from the first operation that fell due afterwards
//	to    the next success
//
// and is an outage if it is longer than after. Its end is exact; so is its
// start, unless it is S although the first operation to wait for the next
// success fell due within the rest of S's bin: then the window is too long by
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
}

// step takes the next bin and returns the outage that ended in it, if any.
func (t *tracker) step(b *bin) (w window, ended bool) {
	t.pending += b.due - b.ended
	if b.due > 0 && !t.waiting && b.dueLast > t.last {
		t.waiting, t.start = true, max(b.dueFirst, t.last)
	}
	if b.ok == 0 || b.okLast <= t.last {
		return window{}, false
	}
	if t.waiting {
		w = window{start: t.start, end: b.okFirst}
	}
	t.last = b.okLast
	t.waiting = t.pending > 0 || b.dueLast > b.okLast || b.endLast > b.okLast
	t.start = b.okLast
	w.end = min(w.end, t.until)
	return w, w.length() > t.after
}

// openAt returns the outage that is still going on at an instant.
func (t *tracker) openAt(now time.Duration) (window, bool) {
	w := window{start: t.start, end: min(now, t.until), open: true}
	return w, t.waiting && w.length() > t.after
}

// outages tracks those of one arm. It keeps the bins of about the last second.
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
// returns the outages that became certain.
func (o *outages) advance(now time.Duration, last bool) (closed []window) {
	n := 0
	for n < len(o.pending) && (last || o.pending[n].from+o.width <= now-holdback) {
		if w, ended := o.tracker.step(&o.pending[n]); ended {
			closed = append(closed, w)
		}
		n++
	}
	o.pending = slices.Delete(o.pending, 0, n)
	if last {
		if w, open := o.tracker.openAt(now); open {
			closed = append(closed, w)
		}
		o.tracker.waiting = false
	}
	return closed
}

// ahead returns the outages that advance has not returned yet, as far as the
// bins tell; the last may be open.
func (o *outages) ahead(now time.Duration) (windows []window) {
	t := o.tracker
	for i := range o.pending {
		if o.pending[i].from > now {
			break
		}
		if w, ended := t.step(&o.pending[i]); ended {
			windows = append(windows, w)
		}
	}
	if w, open := t.openAt(now); open {
		windows = append(windows, w)
	}
	return windows
}
