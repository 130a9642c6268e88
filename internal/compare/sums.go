package compare

import (
	"fmt"
	"strconv"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/histogram"
	"schload/telemetry/record"
	"schload/workload"
)

// sums are the intervals of a bundle, added up.
type sums struct {
	whole  record.Cumulative   // the whole run
	after  record.Cumulative   // the counters of intervals that lie, for the larger part, outside warm-up
	gaps   []string            // what was recorded and is missing here
	signs  signs               // of the harness
	peaks  peaks               // of dials
	rates  []float64           // successes a second, of the readings that lie in the baseline
	rounds map[perRound]uint64 // counters that carry no round

	responses map[stint]*histogram.Histogram // of successes, by round
}

// readSums adds up the intervals as file gives them, filed under their phases.
func readSums(b *bundle.Bundle, t timeline, file func(record.Interval) record.Interval) (sums, error) {
	var s sums
	for iv, err := range b.Pass() {
		if err != nil {
			return s, err
		}
		phase := t.phaseAt(iv.From + (iv.To-iv.From)/2)
		s.peaks.add(iv, t)
		s.signs.add(iv, phase)
		s.fileRound(iv, t)
		s.addRate(iv, t)
		iv = file(iv)
		if iv.From > s.whole.To {
			s.gaps = append(s.gaps, fmt.Sprintf("what was recorded from %v to %v is missing", s.whole.To, iv.From))
		}
		s.keepTimes(iv, several(b.Run))
		for i := range iv.Series {
			iv.Series[i].Round = 0 // a thousand rounds, each series apart, would hold a hundred megabytes
		}
		s.whole.Add(iv)
		// The reading at the end of warm-up comes a little after it.
		if measured(phase) {
			s.after.Add(record.Interval{From: iv.From, To: iv.To, Counts: iv.Counts, Distributions: iv.Distributions})
		}
	}
	s.gaps = append(s.gaps, b.Damage...)
	if f := b.Run.Final; f != nil {
		// The last reading is taken when the run ends; what follows it takes less.
		if ended := f.Ended.Sub(b.Run.Started); ended > s.whole.To+lastReading {
			s.gaps = append(s.gaps, fmt.Sprintf("what was recorded after %v is missing: the run ended at %v", s.whole.To, ended))
		}
	}
	return s, nil
}

// lastReading is how long before its end a run may have been read last.
const lastReading = 5 * time.Second

// attr returns the value of an attribute, "" if the counter lacks it.
func attr(c record.Count, key string) string {
	for _, a := range c.Attrs {
		if a.Key == key {
			return a.Value
		}
	}
	return ""
}

// tally is how the operations of some part of a run ended.
type tally struct {
	Operations
	errors, missed map[string]uint64
}

// add files one counter.
func (t *tally) add(c record.Count) {
	switch c.Name {
	case record.OperationsDue:
		t.Due += c.Value
	case record.OperationsLate:
		t.Late += c.Value
	case record.OperationsMissed:
		t.Missed += c.Value
		increase(&t.missed, attr(c, record.AttrReason), c.Value)
	case record.Operations:
		class := attr(c, record.AttrOutcome)
		if class == workload.OK.String() {
			t.OK += c.Value
			return
		}
		t.Failed += c.Value
		increase(&t.errors, class, c.Value)
	}
}

func increase(m *map[string]uint64, key string, n uint64) {
	if *m == nil {
		*m = map[string]uint64{}
	}
	if n > 0 {
		(*m)[key] += n
	}
}

func phaseOf(c record.Count) string { return attr(c, record.AttrPhase) }

func measured(phase string) bool { return phase != record.Warmup.String() }

// operations tallies an arm's operations of the phases that keep accepts.
func (s *sums) operations(arm string, keep func(phase string) bool) tally {
	return s.operationsOf(arm, "", keep)
}

// operationsOf is operations of one pool; "" stands for all.
func (s *sums) operationsOf(arm, pool string, keep func(phase string) bool) tally {
	t := tally{errors: map[string]uint64{}, missed: map[string]uint64{}}
	for _, c := range s.whole.Counts() {
		if c.Arm == arm && (pool == "" || attr(c, record.AttrPool) == pool) && keep(phaseOf(c)) {
			t.add(c)
		}
	}
	return t
}

// times are the three histograms of one phase of an arm.
type times struct{ response, service, lateness histogram.Histogram }

// phase adds up the histograms of one phase: pools, operations and rounds.
func (s *sums) phase(arm string, phase record.Phase) *times { return s.phaseOf(arm, "", phase) }

// phaseOf is phase of one pool; "" stands for all.
func (s *sums) phaseOf(arm, pool string, phase record.Phase) *times {
	t := new(times)
	for _, series := range s.whole.Series() {
		if series.Arm != arm || series.Phase != phase || pool != "" && series.Pool != pool {
			continue
		}
		t.lateness.Merge(series.Lateness)
		if series.Outcome == workload.OK.String() {
			t.response.Merge(series.Response)
			t.service.Merge(series.Service)
		}
	}
	return t
}

// quantiles asks a histogram.
func quantiles(h *histogram.Histogram) Quantiles {
	q := func(q float64) bundle.Seconds { return bundle.Seconds(h.Quantile(q)) }
	return Quantiles{Count: h.Count(), P50: q(0.5), P95: q(0.95), P99: q(0.99), P999: q(0.999), Max: bundle.Seconds(h.Max())}
}

// atShutdown says of a connection that it ended because the run did: no news
// about the upgrade.
func atShutdown(c record.Count) bool {
	return c.Name == record.ConnectionCloses && attr(c, record.AttrReason) == "shutdown"
}

// counter adds up an arm's counter by one attribute, after warm-up.
func (s *sums) counter(arm, name, key string) map[string]uint64 {
	by := map[string]uint64{}
	for _, c := range s.after.Counts() {
		if c.Name == name && c.Arm == arm && measured(phaseOf(c)) && !atShutdown(c) {
			increase(&by, attr(c, key), c.Value)
		}
	}
	return by
}

// proved returns how many connections of an arm were looked at, and how many
// of them had opted in to notices.
func (s *sums) proved(arm string) (connections, optedIn uint64) {
	for _, c := range s.whole.Counts() {
		if c.Name != record.ConnectionsProved || c.Arm != arm {
			continue
		}
		connections += c.Value
		if yes, _ := strconv.ParseBool(attr(c, "opted_in")); yes {
			optedIn += c.Value
		}
	}
	return connections, optedIn
}

// outageOpen says whether an arm was out when its last interval ended.
func (s *sums) outageOpen(arm string) bool {
	for _, l := range s.whole.Levels() {
		if l.Name == record.OutageActive && l.Arm == arm {
			return l.Value > 0
		}
	}
	return false
}

func total(by map[string]uint64) uint64 {
	var n uint64
	for _, v := range by {
		n += v
	}
	return n
}
