package compare

import (
	"maps"
	"slices"
)

// contribution is a run's share in a trial of several runs.
type contribution struct {
	trial
	rounds int // of the run that count
}

// joined holds every arm against the promise of the upgrade, by what all runs
// saw of it together.
func (s *Summary) joined(parts []Part) (list []Expectation) {
	var order []string
	by := map[string][]contribution{}
	for _, p := range parts {
		rounds := p.Summary.wholeRounds()
		for _, t := range p.trials {
			key := t.subject()
			if by[key] == nil {
				order = append(order, key)
			}
			by[key] = append(by[key], contribution{t, rounds})
		}
	}
	trials := make([]trial, len(order))
	for i, key := range order {
		trials[i] = s.together(by[key])
	}
	for _, t := range trials {
		t.differences = s.Differences
		if t.scope.part {
			t.differences = partDifferences(trials, t.scope)
		}
		list = append(list, t.expectation(s.Upgrade))
	}
	return list
}

// subject tells the trials of a run apart.
func (t trial) subject() string {
	if t.scope.covered {
		return t.arm.Name + ", covered"
	}
	return t.arm.Name + ", not covered"
}

// together is one trial in which several runs' are added up, their rounds
// numbered on.
func (s *Summary) together(parts []contribution) trial {
	first := parts[0].trial
	sum := trial{summary: s, arm: first.arm, ref: first.ref, scope: first.scope, settings: first.settings}
	sum.arm.Rounds, sum.ref.Rounds = nil, nil
	before := 0
	for i, p := range parts {
		if i > 0 {
			sum.arm, sum.ref = sum.arm.plus(p.arm), sum.ref.plus(p.ref)
		}
		sum.on.take(p.on, before, p.rounds)
		sum.off.take(p.off, before, p.rounds)
		before += p.rounds
	}
	sum.arm.Rounds, sum.ref.Rounds = sum.on.rounds, sum.off.rounds
	return sum
}

// plus adds up of two runs of an arm what promises ask for beside the toll.
func (a Arm) plus(o Arm) Arm {
	a.SCH.Connections += o.SCH.Connections
	a.SCH.OptedIn += o.SCH.OptedIn
	a.Connections.ClosedByServer += o.Connections.ClosedByServer
	a.Notices = sumOf(a.Notices, o.Notices)
	a.Pools = slices.Clone(a.Pools)
	for i := range a.Pools {
		p := &a.Pools[i]
		for _, x := range o.Pools {
			if x.Name == p.Name {
				p.Delivery.ReceiverErrors = sumOf(p.Delivery.ReceiverErrors, x.Delivery.ReceiverErrors)
				p.Delivery.ReceiverRetries += x.Delivery.ReceiverRetries
				p.Delivery.Resubscribed += x.Delivery.Resubscribed
			}
		}
	}
	return a
}

func sumOf(a, b map[string]uint64) map[string]uint64 {
	sum := maps.Clone(a)
	for key, n := range b {
		increase(&sum, key, n)
	}
	return sum
}

// take adds the toll of another run; of its rounds those that count.
func (t *toll) take(o toll, before, rounds int) {
	t.before.take(o.before)
	t.during.take(o.during)
	for _, r := range o.rounds {
		if r.Round <= rounds {
			r.Round += before
			t.rounds = append(t.rounds, r)
		}
	}
}

func (s *share) take(o share) {
	s.Due += o.Due
	s.OK += o.OK
	s.Failed += o.Failed
	s.Missed += o.Missed
	s.Late += o.Late
	s.errors, s.missed = sumOf(s.errors, o.errors), sumOf(s.missed, o.missed)
	s.messages += o.messages
	s.lost += o.lost
}

// partDifferences judges the rounds of some pools of all arms.
func partDifferences(trials []trial, of scope) []Difference {
	part := Summary{Valid: true, Complete: true}
	for _, t := range trials {
		if t.scope.covered != of.covered {
			continue
		}
		if len(part.Arms) == 0 {
			part.Arms = append(part.Arms, t.ref)
		}
		part.Arms = append(part.Arms, t.arm)
	}
	return part.differences()
}
