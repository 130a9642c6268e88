package export

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"time"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/telemetry/histogram"
	"schload/telemetry/record"
	"schload/workload"
)

// part names one histogram of the table: a time of an arm in a phase and, where
// rounds are told apart, in one of them.
type part struct {
	arm   string
	phase record.Phase
	time  string // response_time, service_time or lateness
	round int
}

func (p part) compare(o part) int {
	return cmp.Or(cmp.Compare(p.arm, o.arm), cmp.Compare(p.phase, o.phase), cmp.Compare(p.time, o.time), cmp.Compare(p.round, o.round))
}

// name is what files and tags call it.
func (p part) name() string { return p.arm + "." + p.phase.String() + "." + p.time }

// times adds up histograms by part.
type times map[part]*histogram.Histogram

// add files an interval as the table does: without warm-up, response and service
// time of successes only, lateness of all.
func (t times) add(iv record.Interval, byRound bool) {
	for _, s := range iv.Series {
		if s.Phase == record.Warmup || s.Delivery != nil {
			continue
		}
		p := part{arm: s.Arm, phase: s.Phase}
		if byRound {
			p.round = max(s.Round, 1)
		}
		t.merge(p, "lateness", s.Lateness)
		if s.Outcome == workload.OK.String() {
			t.merge(p, "response_time", s.Response)
			t.merge(p, "service_time", s.Service)
		}
	}
}

func (t times) merge(p part, name string, h *histogram.Histogram) {
	if h == nil || h.Count() == 0 {
		return
	}
	p.time = name
	if t[p] == nil {
		t[p] = &histogram.Histogram{}
	}
	t[p].Merge(h)
}

// parts are the keys in order.
func (t times) parts() []part {
	return slices.SortedFunc(maps.Keys(t), part.compare)
}

// readTimes adds up a bundle.
func readTimes(b *bundle.Bundle, s compare.Summary, byRound bool) (times, error) {
	t := times{}
	for iv, err := range s.Intervals(b) {
		if err != nil {
			return nil, err
		}
		t.add(iv, byRound)
	}
	return t, nil
}

// values yields what a histogram knows of its durations, ascending: the exact
// minimum and maximum once each, all others as what stands for their bucket.
func values(h *histogram.Histogram) iter.Seq2[time.Duration, uint64] {
	return func(yield func(time.Duration, uint64) bool) {
		total, done := h.Count(), uint64(0)
		_, counts := h.Buckets()
		for _, n := range append([]uint64{h.Zero()}, counts...) {
			first, last := done+1, done+n
			done = last
			for _, r := range [...]struct{ from, to uint64 }{
				{first, min(last, 1)}, {max(first, 2), min(last, total-1)}, {max(first, total, 2), last},
			} {
				if n == 0 || r.from > r.to {
					continue
				}
				// The quantile in the middle between two ranks is no matter of rounding.
				if !yield(h.Quantile((float64(r.from)-0.5)/float64(total)), r.to-r.from+1) {
					return
				}
			}
		}
	}
}
