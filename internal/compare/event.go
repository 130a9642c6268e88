package compare

import (
	"math"
	"strconv"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/record"
	"schload/workload"
)

// The rule by which an arm has recovered: from an instant on, to the end of the
// event, nothing fails or is missed, and of a hundred successes at most one is
// late; and of the first stretch of at least recoveredSpan and recoveredSamples
// successes after that instant the p99 of the response time is at most
// recoveredFactor times that of the baseline. docs/METHODOLOGY.md explains the
// choice.
const (
	recoveredFactor  = 1.2
	recoveredSpan    = 3 * time.Second
	recoveredSamples = 100
)

// defaultObjective is that of a run that names none.
const defaultObjective = 0.999

// Event is what a round's upgrade did to an arm, or to one of its pools, from
// the beginning of its maintenance to the end of its recovery.
type Event struct {
	Round int            `json:"round"`
	From  bundle.Seconds `json:"from_s"`
	To    bundle.Seconds `json:"to_s"`

	Due    uint64 `json:"due"`
	Failed uint64 `json:"failed"`
	Late   uint64 `json:"late"`
	Missed uint64 `json:"missed"`

	// Availability is the share of Due that succeeded in time.
	Availability float64 `json:"availability"`

	// Recover is how long after From it was as before, and no harm came any
	// more; nil if it never was.
	Recover *bundle.Seconds `json:"recover_s"`

	// ErrorBudgetSpent is how many times the failures, misses and late
	// successes there were that the objective allows of so many operations.
	ErrorBudgetSpent float64 `json:"error_budget_spent"`
}

// episode is an event while it is made out.
type episode struct {
	round    int
	anyRound bool
	arm      string                 // whose turn it was; "": it is all arms'
	from, to time.Duration          // to: 0 until known
	pools    bool                   // each pool has an event, too
	limits   map[place]limit        // of arms and pools
	seconds  map[place][]eventPiece // the intervals
	tallies  map[place]*tally
}

// limit is the highest p99 of an arm or pool that is as before; unknown if there
// was too little to know it by.
type limit struct {
	p99   time.Duration
	known bool
}

// eventPiece is what an interval says of an event.
type eventPiece struct {
	from, to  time.Duration
	ok, above uint64 // successes, and how many of them above the limit
	late      uint64
	bad       uint64 // failed and missed
}

// events makes out the events of all arms and, where these have several, of
// their pools.
func events(b *bundle.Bundle, s *sums, t timeline, source string, found Span, file func(record.Interval) record.Interval) (map[place][]Event, error) {
	episodes := t.episodes(source, found)
	if len(episodes) == 0 {
		return nil, nil
	}
	for _, e := range episodes {
		e.pools = several(b.Run)
		e.setLimits(b.Run, s)
	}
	for iv, err := range b.Pass() {
		if err != nil {
			return nil, err
		}
		iv = file(iv)
		for _, e := range episodes {
			e.add(iv)
		}
	}
	count(episodes, s)
	all := map[place][]Event{}
	for _, e := range episodes {
		for of := range e.tallies {
			if event := e.event(of, objectiveOf(b.Run)); event.Due > 0 {
				all[of] = append(all[of], event)
			}
		}
	}
	return all, nil
}

// several says whether what is told of an arm's pools is not what is told of
// the arm.
func several(run bundle.Run) bool { return len(run.Pools) > 1 }

func objectiveOf(run bundle.Run) float64 {
	if run.Objective > 0 && run.Objective < 1 {
		return run.Objective
	}
	return defaultObjective
}

// of says whether the event is an arm's.
func (e *episode) of(arm string) bool { return e.arm == "" || e.arm == arm }

// episodes finds one for each round that had a maintenance or, where the arms
// took turns, for each turn.
func (t timeline) episodes(source string, found Span) (list []*episode) {
	begin := func(round int, arm string, from time.Duration) *episode {
		e := &episode{round: round, arm: arm, from: from, limits: map[place]limit{}, seconds: map[place][]eventPiece{}, tallies: map[place]*tally{}}
		list = append(list, e)
		return e
	}
	if source == sourceData {
		begin(1, "", found.From.Duration()).anyRound = true
		return list
	}
	for _, m := range t.phases {
		var last *episode
		if len(list) > 0 {
			last = list[len(list)-1]
		}
		other := last == nil || m.Round != last.round || m.Arm != last.arm
		if last != nil && last.to == 0 && (other || m.Name == record.Warmup.String()) {
			last.to = m.At
		}
		if m.Name == record.Maintenance.String() && other {
			begin(m.Round, m.Arm, m.At)
		}
	}
	return list
}

// has says whether what was filed under phase and round is part of the event.
func (e *episode) has(phase string, round int) bool {
	return (phase == record.Maintenance.String() || phase == record.Recovery.String()) && (e.anyRound || e.round == round)
}

// places names whom what carries arm and pool concerns: the arm and, where each
// pool has an event of its own, the pool.
func (e *episode) places(arm, pool string, each func(place)) {
	each(place{arm: arm})
	if e.pools {
		each(place{arm: arm, pool: pool})
	}
}

// setLimits asks the baselines.
func (e *episode) setLimits(run bundle.Run, s *sums) {
	for _, a := range run.Arms {
		if !e.of(a.Name) {
			continue
		}
		for _, p := range run.Pools {
			e.places(a.Name, p.Name, func(of place) { e.limits[of] = e.limitOf(of, s) })
		}
	}
}

// limitOf is that of the round's baseline, or of all rounds' if the round's has
// too few successes.
func (e *episode) limitOf(of place, s *sums) limit {
	response := s.responsesOf(of, record.Baseline, e.round)
	if e.anyRound || response.Count() < recoveredSamples {
		response = &s.phaseOf(of.arm, of.pool, record.Baseline).response
	}
	if response.Count() < recoveredSamples {
		return limit{}
	}
	return limit{time.Duration(recoveredFactor * float64(response.Quantile(0.99))), true}
}

// add takes what an interval holds of the event.
func (e *episode) add(iv record.Interval) {
	pieces := map[place]*eventPiece{}
	at := func(of place) *eventPiece {
		if pieces[of] == nil {
			pieces[of] = &eventPiece{from: iv.From, to: iv.To}
		}
		return pieces[of]
	}
	for _, c := range iv.Counts {
		if !e.of(c.Arm) || c.Value == 0 || !tells(c) || !e.has(phaseOf(c), roundOf(c)) {
			continue
		}
		e.places(c.Arm, attr(c, record.AttrPool), func(of place) { at(of).count(c) })
	}
	for _, x := range iv.Series {
		if e.of(x.Arm) && e.has(x.Phase.String(), x.Round) && x.Outcome == workload.OK.String() {
			e.places(x.Arm, x.Pool, func(of place) {
				p := at(of)
				p.ok += x.Response.Count()
				p.above += x.Response.Above(e.limits[of].p99)
			})
		}
	}
	for of, p := range pieces {
		e.seconds[of] = append(e.seconds[of], *p)
	}
}

// tells says whether a counter is of harm, or of how long an event was.
// Successes do neither: series hold them.
func tells(c record.Count) bool {
	switch c.Name {
	case record.OperationsDue, record.OperationsLate, record.OperationsMissed:
		return true
	case record.Operations:
		return attr(c, record.AttrOutcome) != workload.OK.String()
	}
	return false
}

// count takes a counter that tells. Of what was due nothing is added: its
// piece counts for its length, whatever ended in it.
func (p *eventPiece) count(c record.Count) {
	switch c.Name {
	case record.OperationsLate:
		p.late += c.Value
	case record.OperationsMissed, record.Operations:
		p.bad += c.Value
	}
}

// count tallies the operations of all events.
func count(episodes []*episode, s *sums) {
	for _, c := range s.whole.Counts() {
		phase, round := phaseOf(c), roundOf(c)
		for _, e := range episodes {
			if e.of(c.Arm) && e.has(phase, round) {
				e.places(c.Arm, attr(c, record.AttrPool), func(of place) {
					if e.tallies[of] == nil {
						e.tallies[of] = new(tally)
					}
					e.tallies[of].add(c)
				})
			}
		}
	}
}

func roundOf(c record.Count) int {
	n, _ := strconv.Atoi(attr(c, record.AttrRound))
	return n
}

// event is what became of an arm or of one of its pools.
func (e *episode) event(of place, objective float64) Event {
	t, pieces := e.tallies[of], e.seconds[of]
	x := Event{Round: e.round, From: bundle.Seconds(e.from), To: bundle.Seconds(e.to), Due: t.Due, Failed: t.Failed, Late: t.Late, Missed: t.Missed}
	if n := len(pieces); n > 0 && e.to == 0 {
		x.To = bundle.Seconds(pieces[n-1].to)
	}
	if t.Due > 0 {
		x.Availability = digits(float64(t.OK-t.Late) / float64(t.Due))
		x.ErrorBudgetSpent = digits(float64(t.Failed+t.Late+t.Missed) / (float64(t.Due) * (1 - objective)))
	}
	if e.limits[of].known {
		if first, ok := recovered(pieces); ok {
			after := bundle.Seconds(0) // the first piece begins a little after the event
			if first > 0 {
				after = bundle.Seconds(pieces[first].from - e.from)
			}
			x.Recover = &after
		}
	}
	return x
}

// digits leaves nine decimals: what is behind them is the computation's.
func digits(x float64) float64 { return math.Round(x*1e9) / 1e9 }

// recovered returns the first piece from whose beginning on there was no harm, and at
// first everything as before.
func recovered(pieces []eventPiece) (first int, ok bool) {
	var rest eventPiece
	for i := len(pieces) - 1; i >= 0; i-- {
		rest.join(pieces[i])
		if rest.bad > 0 {
			break
		}
		if rest.late*100 <= rest.ok && beginsCalm(pieces[i:]) {
			first, ok = i, true
		}
	}
	return first, ok
}

// beginsCalm says whether the first stretch that is long enough to be judged is
// as before.
func beginsCalm(pieces []eventPiece) bool {
	var first eventPiece
	for _, p := range pieces {
		first.join(p)
		if p.to-pieces[0].from >= recoveredSpan && first.ok >= recoveredSamples {
			return first.calm()
		}
	}
	return false
}

func (p *eventPiece) join(o eventPiece) {
	p.ok += o.ok
	p.above += o.above
	p.late += o.late
	p.bad += o.bad
}

// calm says whether nothing was bad and the p99 within the limit: of a hundred
// successes at most one was above it.
func (p *eventPiece) calm() bool { return p.bad == 0 && p.above*100 <= p.ok }
