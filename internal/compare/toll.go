package compare

import (
	"schload/internal/bundle"
	"schload/telemetry/record"
	"schload/workload"
	"schload/workload/delivery"
)

// toll is what an upgrade took of some pools of an arm.
type toll struct {
	before, during share // baselines; from the beginning of maintenances to the end of recoveries
	rounds         []Round
}

// share is the operations, and the messages, of a part of a run.
type share struct {
	tally
	messages, lost uint64 // deliveries that were due, those that never came
}

// losses are operations that failed or were never started, and messages that
// never came.
func (s share) losses() uint64 { return s.Failed + s.Missed + s.lost }

// harm is losses and late successes.
func (s share) harm() uint64 { return s.losses() + s.Late }

// of is what of a number of things could suffer.
func (s share) of() uint64 { return s.Due + s.messages }

// crossed are operations that got another one's reply, or one that cannot be.
func (s share) crossed() uint64 {
	return s.errors[workload.WrongReply.String()] + s.errors[workload.CrossedReply.String()]
}

// toll adds up what became of the pools of a scope.
func (s *sums) toll(a Arm, of scope) toll {
	is := func(phase record.Phase) func(string) bool { return func(p string) bool { return p == phase.String() } }
	t := toll{
		before: s.share(a.Name, of, 0, is(record.Baseline)),
		during: s.share(a.Name, of, 0, func(p string) bool { return is(record.Maintenance)(p) || is(record.Recovery)(p) }),
		rounds: a.Rounds,
	}
	if of.part {
		t.rounds = nil
		for _, r := range a.Rounds {
			t.rounds = append(t.rounds, s.share(a.Name, of, r.Round, measured).round(r.Round))
		}
	}
	return t
}

// share adds up the operations and messages of the phases that keep accepts, of
// one round or, where that is 0, of all.
func (s *sums) share(arm string, of scope, round int, keep func(phase string) bool) share {
	var x share
	for _, c := range s.whole.Counts() {
		if c.Arm != arm || !of.has(attr(c, record.AttrPool)) || !keep(phaseOf(c)) || round > 0 && roundOf(c) != round {
			continue
		}
		x.add(c)
		if c.Name == record.Messages {
			x.deliver(c, of)
		}
	}
	return x
}

// deliver files one counter of messages.
func (s *share) deliver(c record.Count, of scope) {
	switch result := attr(c, record.AttrResult); result {
	case delivery.Lost.String():
		s.lost += c.Value
	case delivery.Published.String(), delivery.Indeterminate.String():
		s.messages += c.Value * shares(of.pool(attr(c, record.AttrPool)))
	}
}

func (o scope) pool(name string) bundle.Pool {
	for _, p := range o.pools {
		if p.Name == name {
			return p
		}
	}
	return bundle.Pool{}
}

// round is the share as a round, as far as promises ask.
func (s share) round(number int) Round {
	r := Round{Round: number, Due: s.of(), Failed: s.Failed + s.lost, Late: s.Late, Missed: s.Missed, Timeouts: timeouts(s.errors)}
	if n := s.of(); n > 0 {
		r.FailedRatio = digits(float64(r.Failed) / float64(n))
		r.HarmedRatio = digits(float64(s.harm()) / float64(n))
	}
	return r
}

// differencesOf judges the rounds of some pools alone.
func (s *Summary) differencesOf(of scope, sums *sums) []Difference {
	part := Summary{Valid: true, Complete: s.Complete}
	for _, a := range s.Arms {
		part.Arms = append(part.Arms, Arm{Name: a.Name, SCH: a.SCH, Rounds: sums.toll(a, of).rounds})
	}
	return part.differences()
}
