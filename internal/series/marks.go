package series

import (
	"cmp"
	"slices"
	"time"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/telemetry/mark"
	"schload/telemetry/record"
)

// timeline is what marks say of rounds and phases.
type timeline struct {
	phases []mark.Mark
	steps  map[int][]mark.Mark
	beyond map[int]int
}

// marks reads all of them.
func (r *reader) marks(b *bundle.Bundle) (timeline, error) {
	t := timeline{steps: map[int][]mark.Mark{}, beyond: map[int]int{}}
	r.run.Bin = 50 * time.Millisecond
	for m, err := range b.Marks() {
		if err != nil {
			return t, err
		}
		switch m.Kind {
		case mark.Phase:
			t.phases = append(t.phases, m)
		case mark.Step:
			t.step(m)
		case mark.Harness:
			if m.Name == "stall" {
				addSpan(&r.run.Stalls, m)
			}
		}
		if i, ok := r.index[m.Arm]; ok {
			r.armMark(&r.run.Arms[i], m)
		}
	}
	slices.SortStableFunc(t.phases, func(x, y mark.Mark) int { return cmp.Compare(x.At, y.At) })
	for i := range r.run.Arms {
		slices.SortFunc(r.run.Arms[i].Lanes, func(x, y Lane) int { return cmp.Compare(x.Name, y.Name) })
	}
	return t, nil
}

func (t *timeline) step(m mark.Mark) {
	if round := max(m.Round, 1); len(t.steps[round]) < mostSteps {
		t.steps[round] = append(t.steps[round], m)
	} else {
		t.beyond[round]++
	}
}

// The names of lanes. Notices have those of their kinds.
const (
	Handoffs       = "handoffs"
	HandoffsFailed = "handoffs failed"
	Dials          = "dials"
	DialsFailed    = "dials failed"
	ClosedByServer = "closed by server"
)

// armMark files a mark of an arm. What is told of a pool or of a range of hash
// slots stands in tables.
func (r *reader) armMark(a *Arm, m mark.Mark) {
	switch {
	case m.Kind == mark.Outage && m.Pool == "" && m.Slots == "":
		addSpan(&a.Outages, m)
	case m.Kind == mark.BrownOut && m.Pool == "":
		addSpan(&a.BrownOuts, m)
	case m.Kind == mark.Notice:
		r.instant(a, m.Name, m.At)
	case m.Kind == mark.Handoff && m.Name == "succeeded":
		r.instant(a, Handoffs, m.At)
	case m.Kind == mark.Handoff && m.Name == "failed":
		r.instant(a, HandoffsFailed, m.At)
	case m.Kind == mark.Dial && m.Name == "ok":
		r.instant(a, Dials, m.At)
	case m.Kind == mark.Dial:
		r.instant(a, DialsFailed, m.At)
	case m.Kind == mark.Close && m.Name == "server":
		r.instant(a, ClosedByServer, m.At)
	}
}

func addSpan(spans *[]Span, m mark.Mark) {
	if len(*spans) < mostSpans {
		*spans = append(*spans, Span{m.At, m.At + m.Duration})
	}
}

// instant counts one mark in a lane.
func (r *reader) instant(a *Arm, lane string, at time.Duration) {
	for at/r.run.Bin >= mostBins {
		r.widen()
	}
	i := slices.IndexFunc(a.Lanes, func(l Lane) bool { return l.Name == lane })
	if i < 0 {
		i = len(a.Lanes)
		a.Lanes = append(a.Lanes, Lane{lane, map[int]uint64{}})
	}
	a.Lanes[i].Bins[int(at/r.run.Bin)]++
}

// widen makes one bin of each two.
func (r *reader) widen() {
	r.run.Bin *= 2
	for _, a := range r.run.Arms {
		for l, lane := range a.Lanes {
			wide := map[int]uint64{}
			for bin, n := range lane.Bins {
				wide[bin/2] += n
			}
			a.Lanes[l].Bins = wide
		}
	}
}

// rounds is how many there were.
func (t timeline) rounds() int {
	n := 1
	for _, m := range t.phases {
		n = max(n, m.Round)
	}
	return n
}

// finish makes out rounds and phases, once it is known when the run ended.
func (t timeline) finish(run *Run, s compare.Summary) {
	phases := t.spans(run.To)
	if s.PhaseSource == "data" && len(s.Maintenance) > 0 {
		phases = divide(phases, s.Maintenance[0])
	}
	for i, p := range phases {
		n := p.round
		if len(run.Rounds) == 0 || run.Rounds[len(run.Rounds)-1].Number != n {
			if len(run.Rounds) > 0 {
				run.Rounds[len(run.Rounds)-1].To = p.From
			}
			run.Rounds = append(run.Rounds, Round{Number: n, From: p.From, To: run.To})
		}
		last := &run.Rounds[len(run.Rounds)-1]
		last.Phases = append(last.Phases, phases[i].Phase)
	}
	if len(run.Rounds) == 0 && run.To > 0 {
		run.Rounds = []Round{{Number: 1, To: run.To}}
	}
	for i, r := range run.Rounds {
		run.Rounds[i].Steps, run.Rounds[i].StepsBeyond = t.steps[r.Number], t.beyond[r.Number]
	}
}

// roundPhase is a phase and the round it is part of.
type roundPhase struct {
	Phase
	round int
}

// spans are the phases up to the end of the run, which begins in warm-up.
func (t timeline) spans(end time.Duration) (phases []roundPhase) {
	add := func(m mark.Mark, from, to time.Duration) {
		round := max(m.Round, 1)
		if n := len(phases); n > 0 && phases[n-1].Name == m.Name && phases[n-1].Arm == m.Arm && phases[n-1].round == round && from < to {
			phases[n-1].To = to
		} else if from < to {
			phases = append(phases, roundPhase{Phase{m.Name, from, to, m.Arm}, round})
		}
	}
	for i, m := range t.phases {
		if i == 0 {
			add(mark.Mark{Name: record.Warmup.String(), Round: m.Round, Arm: m.Arm}, 0, min(m.At, end))
		}
		to := end
		if i+1 < len(t.phases) {
			to = min(end, t.phases[i+1].At)
		}
		add(m, m.At, to)
	}
	return phases
}

// divide splits what is not warm-up by a maintenance that was found afterwards.
func divide(phases []roundPhase, found compare.Span) (divided []roundPhase) {
	from, to := found.From.Duration(), found.To.Duration()
	for _, p := range phases {
		if p.Name == record.Warmup.String() {
			divided = append(divided, p)
			continue
		}
		for _, part := range []Phase{
			{Name: record.Baseline.String(), From: p.From, To: min(p.To, from)},
			{Name: record.Maintenance.String(), From: max(p.From, from), To: min(p.To, to)},
			{Name: record.Recovery.String(), From: max(p.From, to), To: p.To},
		} {
			if part.From < part.To {
				divided = append(divided, roundPhase{part, p.round})
			}
		}
	}
	return divided
}
