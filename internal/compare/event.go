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

// Event is what a round's upgrade did to an arm, from the beginning of its
// maintenance to the end of its recovery.
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

	// Recover is how long after From the arm was as before, and no harm came
	// any more; nil if it never was.
	Recover *bundle.Seconds `json:"recover_s"`

	// ErrorBudgetSpent is how many times the failures, misses and late
	// successes there were that the objective allows of so many operations.
	ErrorBudgetSpent float64 `json:"error_budget_spent"`
}

// episode is an event while it is made out.
type episode struct {
	round    int
	anyRound bool
	from, to time.Duration           // to: 0 until known
	limits   map[string]limit        // by arm
	seconds  map[string][]eventPiece // by arm, the intervals
}

// limit is the highest p99 of an arm that is as before; unknown if there was
// too little to know it by.
type limit struct {
	p99   time.Duration
	known bool
}

// eventPiece is what an interval says of an arm's event.
type eventPiece struct {
	from, to  time.Duration
	ok, above uint64 // successes, and how many of them above the limit
	late      uint64
	bad       uint64 // failed and missed
}

// events makes out the events of all arms.
func events(b *bundle.Bundle, s *sums, t timeline, source string, found Span, file func(record.Interval) record.Interval) (map[string][]Event, error) {
	episodes := t.episodes(source, found)
	if len(episodes) == 0 {
		return nil, nil
	}
	for _, e := range episodes {
		for _, a := range b.Run.Arms {
			e.limits[a.Name] = e.limitOf(a.Name, s)
		}
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
	all := map[string][]Event{}
	for _, a := range b.Run.Arms {
		for _, e := range episodes {
			if event := e.event(a.Name, s, objectiveOf(b.Run)); event.Due > 0 {
				all[a.Name] = append(all[a.Name], event)
			}
		}
	}
	return all, nil
}

func objectiveOf(run bundle.Run) float64 {
	if run.Objective > 0 && run.Objective < 1 {
		return run.Objective
	}
	return defaultObjective
}

// episodes finds one for each round that had a maintenance.
func (t timeline) episodes(source string, found Span) (list []*episode) {
	begin := func(round int, from time.Duration) *episode {
		e := &episode{round: round, from: from, limits: map[string]limit{}, seconds: map[string][]eventPiece{}}
		list = append(list, e)
		return e
	}
	if source == sourceData {
		begin(1, found.From.Duration()).anyRound = true
		return list
	}
	for _, m := range t.phases {
		var last *episode
		if len(list) > 0 {
			last = list[len(list)-1]
		}
		if last != nil && last.to == 0 && (m.Round != last.round || m.Name == record.Warmup.String()) {
			last.to = m.At
		}
		if m.Name == record.Maintenance.String() && (last == nil || last.round != m.Round) {
			begin(m.Round, m.At)
		}
	}
	return list
}

// has says whether what was filed under phase and round is part of the event.
func (e *episode) has(phase string, round int) bool {
	return (phase == record.Maintenance.String() || phase == record.Recovery.String()) && (e.anyRound || e.round == round)
}

// limitOf is that of the round's baseline, or of all rounds' if the round's has
// too few successes.
func (e *episode) limitOf(arm string, s *sums) limit {
	response := s.responsesOf(arm, record.Baseline, e.round)
	if e.anyRound || response.Count() < recoveredSamples {
		response = &s.phase(arm, record.Baseline).response
	}
	if response.Count() < recoveredSamples {
		return limit{}
	}
	return limit{time.Duration(recoveredFactor * float64(response.Quantile(0.99))), true}
}

// add takes what an interval holds of the event.
func (e *episode) add(iv record.Interval) {
	pieces := map[string]*eventPiece{}
	at := func(arm string) *eventPiece {
		if pieces[arm] == nil {
			pieces[arm] = &eventPiece{from: iv.From, to: iv.To}
		}
		return pieces[arm]
	}
	for _, c := range iv.Counts {
		if !e.has(phaseOf(c), roundOf(c)) || c.Value == 0 {
			continue
		}
		switch {
		case c.Name == record.OperationsDue:
			at(c.Arm) // its length counts, whatever ended in it
		case c.Name == record.OperationsLate:
			at(c.Arm).late += c.Value
		case c.Name == record.OperationsMissed, c.Name == record.Operations && attr(c, record.AttrOutcome) != workload.OK.String():
			at(c.Arm).bad += c.Value
		}
	}
	for _, x := range iv.Series {
		if e.has(x.Phase.String(), x.Round) && x.Outcome == workload.OK.String() {
			p := at(x.Arm)
			p.ok += x.Response.Count()
			p.above += x.Response.Above(e.limits[x.Arm].p99)
		}
	}
	for arm, p := range pieces {
		e.seconds[arm] = append(e.seconds[arm], *p)
	}
}

func roundOf(c record.Count) int {
	n, _ := strconv.Atoi(attr(c, record.AttrRound))
	return n
}

// event is what became of an arm.
func (e *episode) event(arm string, s *sums, objective float64) Event {
	var t tally
	for _, c := range s.whole.Counts() {
		if c.Arm == arm && e.has(phaseOf(c), roundOf(c)) {
			t.add(c)
		}
	}
	pieces := e.seconds[arm]
	x := Event{Round: e.round, From: bundle.Seconds(e.from), To: bundle.Seconds(e.to), Due: t.Due, Failed: t.Failed, Late: t.Late, Missed: t.Missed}
	if n := len(pieces); n > 0 && e.to == 0 {
		x.To = bundle.Seconds(pieces[n-1].to)
	}
	if t.Due > 0 {
		x.Availability = digits(float64(t.OK-t.Late) / float64(t.Due))
		x.ErrorBudgetSpent = digits(float64(t.Failed+t.Late+t.Missed) / (float64(t.Due) * (1 - objective)))
	}
	if e.limits[arm].known {
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
