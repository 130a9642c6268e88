package compare

import (
	"slices"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/histogram"
	"schload/telemetry/mark"
	"schload/telemetry/record"
	"schload/workload"
)

// Round is what one round did to an arm, warm-up left out. The response times
// are those of successes that were due during its maintenance, as far as there
// are enough of them.
type Round struct {
	Round int `json:"round"`

	Due    uint64 `json:"due"`
	Failed uint64 `json:"failed"`
	Late   uint64 `json:"late"`
	Missed uint64 `json:"missed"`

	FailedRatio float64 `json:"failed_ratio"` // of Due
	HarmedRatio float64 `json:"harmed_ratio"` // of Due: failed, missed or late

	OutageTotal   bundle.Seconds `json:"outage_total_s"`
	OutageLongest bundle.Seconds `json:"outage_longest_s"`

	Dials          uint64 `json:"dials"`
	Timeouts       uint64 `json:"timeouts"` // failed operations: reads, writes, dials, waits for a connection
	AttemptsHidden uint64 `json:"attempts_hidden"`

	ResponseP50 *bundle.Seconds `json:"response_p50_s"`
	ResponseP95 *bundle.Seconds `json:"response_p95_s"`
	ResponseP99 *bundle.Seconds `json:"response_p99_s"`
	ResponseMax *bundle.Seconds `json:"response_max_s"`

	// LostWrites are the acknowledged writes that the ledger found lost; nil
	// without a ledger.
	LostWrites *uint64 `json:"lost_acknowledged_writes"`

	// RecoverAtLeast is how long it took to be as before or, where the arm was
	// never seen to be, the length of the event; nil where nobody could see it.
	RecoverAtLeast *bundle.Seconds `json:"recover_at_least_s"`
}

// perRound names what an interval counted of an arm, and the round it lies in.
type perRound struct {
	arm, name string
	round     int
}

// fileRound adds the counters that carry no round, by where the larger part of
// the interval lies. Readings are taken when phases begin.
func (s *sums) fileRound(iv record.Interval, t timeline) {
	round := t.roundAt(iv.From + (iv.To-iv.From)/2)
	if round == 0 {
		return
	}
	for _, c := range iv.Counts {
		if c.Name != record.ConnectionDials && c.Name != record.AttemptsHidden {
			continue
		}
		if s.rounds == nil {
			s.rounds = map[perRound]uint64{}
		}
		s.rounds[perRound{c.Arm, c.Name, round}] += c.Value
	}
}

// roundAt is the round of which an instant is part, 0 in warm-up.
func (t timeline) roundAt(at time.Duration) (round int) {
	for _, m := range t.phases {
		if m.At > at {
			break
		}
		round = m.Round
		if m.Name == record.Warmup.String() {
			round = 0
		}
	}
	return round
}

// roundNumbers are those of the rounds in which an arm came out of warm-up.
func (t timeline) roundNumbers(arm string) (numbers []int) {
	for _, m := range t.phases {
		if m.Round > 0 && m.Name != record.Warmup.String() && (m.Arm == "" || m.Arm == arm) {
			numbers = append(numbers, m.Round)
		}
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

// rounds are those of an arm. There are none where the data alone tell of an
// upgrade: it is one, whatever the rounds were.
func rounds(arm Arm, s *sums, t timeline, source string) (list []Round) {
	if source == sourceData {
		return nil
	}
	for _, n := range t.roundNumbers(arm.Name) {
		list = append(list, oneRound(arm, n, s, t))
	}
	return list
}

func oneRound(arm Arm, n int, s *sums, t timeline) Round {
	all := s.roundTally(arm.Name, n)
	out, _ := t.windowsIn(mark.Outage, place{arm: arm.Name}, n)
	r := Round{
		Round: n, Due: all.Due, Failed: all.Failed, Late: all.Late, Missed: all.Missed,
		OutageTotal: out.Total, OutageLongest: out.Longest,
		Dials:          s.rounds[perRound{arm.Name, record.ConnectionDials, n}],
		AttemptsHidden: s.rounds[perRound{arm.Name, record.AttemptsHidden, n}],
		Timeouts:       timeouts(all.errors),
	}
	if all.Due > 0 {
		r.FailedRatio = digits(float64(all.Failed) / float64(all.Due))
		r.HarmedRatio = digits(float64(all.Failed+all.Missed+all.Late) / float64(all.Due))
	}
	r.answer(s.responsesOf(place{arm: arm.Name}, record.Maintenance, n))
	r.recovered(arm)
	r.lost(arm.Integrity)
	return r
}

// roundTally tallies an arm's operations of a round.
func (s *sums) roundTally(arm string, round int) (t tally) {
	for _, c := range s.whole.Counts() {
		if c.Arm == arm && roundOf(c) == round && measured(phaseOf(c)) {
			t.add(c)
		}
	}
	return t
}

// stint is a phase of one round of an arm, or of one of its pools.
type stint struct {
	of    place
	phase record.Phase
	round int
}

// keepTimes keeps the response times of successes of each round apart, of the
// phases that are asked for by round: two histograms a round and arm and, where
// an arm has several pools, one of each.
func (s *sums) keepTimes(iv record.Interval, pools bool) {
	for _, x := range iv.Series {
		if x.Outcome != workload.OK.String() || x.Phase != record.Baseline && x.Phase != record.Maintenance {
			continue
		}
		s.keep(stint{place{arm: x.Arm}, x.Phase, x.Round}, x.Response)
		if pools && x.Phase == record.Baseline {
			s.keep(stint{place{arm: x.Arm, pool: x.Pool}, x.Phase, x.Round}, x.Response)
		}
	}
}

func (s *sums) keep(key stint, response *histogram.Histogram) {
	if s.responses == nil {
		s.responses = map[stint]*histogram.Histogram{}
	}
	if s.responses[key] == nil {
		s.responses[key] = new(histogram.Histogram)
	}
	s.responses[key].Merge(response)
}

// responsesOf are those of one round; an empty histogram if there are none.
func (s *sums) responsesOf(of place, phase record.Phase, round int) *histogram.Histogram {
	if h := s.responses[stint{of, phase, round}]; h != nil {
		return h
	}
	return new(histogram.Histogram)
}

func timeouts(errors map[string]uint64) (n uint64) {
	for _, class := range []workload.Class{workload.ReadTimeout, workload.WriteTimeout, workload.DialTimeout, workload.PoolTimeout} {
		n += errors[class.String()]
	}
	return n
}

// answer sets the response times that enough successes support.
func (r *Round) answer(h *histogram.Histogram) {
	q := quantiles(h)
	for _, x := range []struct {
		to    **bundle.Seconds
		needs uint64
		value bundle.Seconds
	}{{&r.ResponseP50, 2, q.P50}, {&r.ResponseP95, 20, q.P95}, {&r.ResponseP99, 100, q.P99}, {&r.ResponseMax, 1, q.Max}} {
		if q.Count >= x.needs {
			*x.to = &x.value
		}
	}
}

// recovered sets the time to recover.
func (r *Round) recovered(arm Arm) {
	for _, e := range arm.Events {
		if e.Round != r.Round {
			continue
		}
		r.RecoverAtLeast = e.Recover
		if known := arm.Phases.Baseline.ResponseTime.Count >= recoveredSamples; e.Recover == nil && known {
			length := e.To - e.From
			r.RecoverAtLeast = &length
		}
	}
}

// lost sets the lost writes, if a ledger looked for them.
func (r *Round) lost(found Integrity) {
	if found.Checked() == 0 {
		return
	}
	r.LostWrites = new(uint64)
	for _, one := range found.Rounds {
		if one.Round == r.Round {
			*r.LostWrites = one.LostAcknowledgedWrites
		}
	}
}
