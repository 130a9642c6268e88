package record

import (
	"strconv"
	"time"

	"schload/telemetry/histogram"
	"schload/telemetry/mark"
)

// scope is whom outages are told of: an arm, one of its pools, or one of its
// ranges of hash slots. It belongs to the goroutine that collects.
type scope struct {
	arm, pool, slots string
	outages          outages
	sums             [2]Gaps       // of what is certain: measured, warm-up
	marked           time.Duration // the longest gap that a mark tells of
}

// gapShare is the part of an outage's least length above which the longest gap
// since the last reading is marked although a longer one was marked before: if
// that one turns out to be the harness's own, this one is known.
const gapShare = 5

// follow brings the scope up to date, sends marks of what became certain and
// returns the outages among it.
func (s *scope) follow(now time.Duration, last bool, spans []span, warm []Stretch, marks mark.Sink) []window {
	f := found{warmups: warm}
	s.outages.advance(now, last, &f)
	s.only(&f)
	file(&s.sums, &f, s.outages.tracker.after, false)
	send := func(kind mark.Kind, w window) {
		m := mark.Mark{Kind: kind, Source: "arm", Arm: s.arm, Pool: s.pool, Slots: s.slots,
			Round: spans[spanAt(spans, w.start)].round, At: w.start, Duration: w.length()}
		if w.open {
			m.Detail = "open at the end of the load"
		}
		marks(m)
	}
	for _, w := range f.outages {
		send(mark.Outage, w)
	}
	for _, w := range f.brownOuts {
		send(mark.BrownOut, w)
	}
	if g := f.gapMeasured; g > 0 && (g > s.marked || g > s.outages.tracker.after/gapShare) {
		s.marked = max(s.marked, g)
		send(mark.Gap, f.gap)
	}
	return f.outages
}

// durations are those of an arm's outages, filed under the phase and round in
// which they began.
func durations(arm string, outages []window, spans []span) (list []Distribution) {
	at := map[Key]*histogram.Histogram{}
	for _, w := range outages {
		began := spans[spanAt(spans, w.start)]
		k := Key{Phase: began.phase, Round: began.round}
		if at[k] == nil {
			at[k] = new(histogram.Histogram)
			list = append(list, Distribution{Name: OutageDuration, Arm: arm, Times: at[k],
				Attrs: []Attr{{AttrPhase, k.Phase.String()}, {AttrRound, strconv.Itoa(k.Round)}}})
		}
		at[k].Record(w.length())
	}
	return list
}

// ahead returns the sums, with what is not certain yet.
func (s *scope) ahead(now time.Duration, warm []Stretch) [2]Gaps {
	f := found{warmups: warm}
	s.outages.ahead(now, &f)
	sums := s.sums
	s.only(&f)
	file(&sums, &f, s.outages.tracker.after, true)
	return sums
}

// only leaves of what was found what is told of the scope: of a range of slots
// outages alone.
func (s *scope) only(f *found) {
	if s.slots != "" {
		*f = found{warmups: f.warmups, outages: f.outages}
	}
}

// file adds what was found to the sums of the parts of the run it lies in: each
// has what is longer than after within it. While the run goes on what is open
// counts as such.
func file(sums *[2]Gaps, f *found, after time.Duration, on bool) {
	add := func(to func(*Gaps) *Outage, w window) {
		outside := w.stretch().Outside(f.warmups)
		for part, length := range [2]time.Duration{measured: outside, warmup: w.length() - outside} {
			if length > after {
				o := to(&sums[part])
				o.add(w, length)
				if on && w.open {
					o.Open, o.OpenSince = true, w.start
				}
			}
		}
	}
	for _, w := range f.outages {
		add(func(g *Gaps) *Outage { return &g.Outage }, w)
	}
	for _, w := range f.brownOuts {
		add(func(g *Gaps) *Outage { return &g.BrownOut }, w)
	}
	sums[measured].LongestGap = max(sums[measured].LongestGap, f.gapMeasured)
	sums[warmup].LongestGap = max(sums[warmup].LongestGap, f.gapWarm)
}
