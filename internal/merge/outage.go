package merge

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"schload/telemetry/mark"
	"schload/telemetry/record"
)

// noSuccess is when, as far as is known, a worker had no success at a place:
// its own spans of the kinds named, the intervals in which it was asked for
// nothing, and all before and after it lived. A time in which it stood still is
// part of its own spans if operations fell due in it.
func (w *worker) noSuccess(p place, kinds ...mark.Kind) []span {
	lists := [][]span{w.facts.silent[p], w.facts.outside()}
	for _, k := range kinds {
		lists = append(lists, w.facts.spans[k][p])
	}
	return union(lists...)
}

// inAll returns the spans in which no worker had a success, and at least one
// of them says, by a mark of one of the kinds, that operations waited.
//
// Why this is right for outages: a span without a success of the whole lies in
// one of every worker, from the last success of any to the next of any. It is
// longer than the limit only if each worker's own is, so no worker's mark is
// missing; one that was asked for nothing has no mark, but nothing in its
// intervals. Nor is it too long: it lies in a span without a success of each.
func inAll(list []*worker, p place, kinds ...mark.Kind) []span {
	all := list[0].noSuccess(p, kinds...)
	var waited []span
	for i, w := range list {
		if i > 0 {
			all = common(all, w.noSuccess(p, kinds...))
		}
		for _, k := range kinds {
			waited = append(waited, w.facts.spans[k][p]...)
		}
	}
	return common(all, union(waited))
}

// outages makes the marks of outages, brown-outs, gaps and stalls of the whole.
func outages(list []*worker, phases []mark.Mark, limit time.Duration) (marks []mark.Mark) {
	if isolated(list) {
		return nil // each arm has one process, whose marks are right
	}
	for _, p := range places(list) {
		add := func(kind mark.Kind, spans []span, over time.Duration) {
			for _, s := range spans {
				if s.length() > over {
					marks = append(marks, mark.Mark{At: s.from, Duration: s.length(), Kind: kind, Round: roundAt(phases, s.from),
						Source: "arm", Arm: p.arm, Pool: p.pool, Slots: p.slots})
				}
			}
		}
		out := inAll(list, p, mark.Outage)
		add(mark.Outage, out, limit)
		add(mark.BrownOut, without(inAll(list, p, mark.BrownOut, mark.Outage), out), limit)
		if gaps := inAll(list, p, mark.Gap, mark.Outage); len(gaps) > 0 {
			longest := slices.MaxFunc(gaps, func(x, y span) int { return cmp.Compare(x.length(), y.length()) })
			add(mark.Gap, gaps, min(longest.length()-1, limit/5))
		}
	}
	stalls := union(list[0].facts.stalls, list[0].facts.outside())
	var known []span
	for _, w := range list {
		stalls = common(stalls, union(w.facts.stalls, w.facts.outside()))
		known = append(known, w.facts.stalls...)
	}
	for _, s := range common(stalls, union(known)) {
		marks = append(marks, mark.Mark{At: s.from, Duration: s.length(), Kind: mark.Harness, Name: "stall", Round: roundAt(phases, s.from),
			Source: "harness", Detail: "all workers stood still"})
	}
	slices.SortStableFunc(marks, func(x, y mark.Mark) int { return cmp.Compare(x.At, y.At) })
	return marks
}

// places are all that the workers' marks name, in order.
func places(list []*worker) (all []place) {
	for _, w := range list {
		for _, of := range w.facts.spans {
			for p := range of {
				all = append(all, p)
			}
		}
	}
	slices.SortFunc(all, func(x, y place) int {
		return cmp.Or(strings.Compare(x.arm, y.arm), strings.Compare(x.pool, y.pool), strings.Compare(x.slots, y.slots))
	})
	return slices.Compact(all)
}

// roundAt is the round an instant lies in.
func roundAt(phases []mark.Mark, at time.Duration) (round int) {
	for _, m := range phases {
		if m.At <= at {
			round = m.Round
		}
	}
	return round
}

// phaseMarks are those of the whole: a phase begins when the first worker
// enters it. Each worker learns how far it was behind. uneven says that a
// worker that ended properly lacks one.
func phaseMarks(list []*worker) (marks []mark.Mark, uneven bool) {
	type turn struct {
		round int
		name  string
		nth   int
	}
	at := map[turn]int{}
	turns := func(w *worker, do func(turn, mark.Mark)) {
		seen := map[turn]int{}
		for _, m := range w.facts.phases {
			t := turn{m.Round, m.Name, 0}
			t.nth, seen[t] = seen[t], seen[t]+1
			do(t, m)
		}
	}
	for _, w := range list {
		turns(w, func(t turn, m mark.Mark) {
			i, known := at[t]
			if !known {
				at[t] = len(marks)
				marks = append(marks, m)
			} else if m.At < marks[i].At {
				marks[i].At = m.At
			}
		})
	}
	for _, w := range list {
		turns(w, func(t turn, m mark.Mark) {
			w.told.PhaseOffset = max(w.told.PhaseOffset, seconds(m.At-marks[at[t]].At))
		})
		uneven = uneven || w.told.Complete && len(w.facts.phases) < len(marks)
	}
	slices.SortStableFunc(marks, func(x, y mark.Mark) int {
		return cmp.Or(cmp.Compare(x.At, y.At), cmp.Compare(x.Round, y.Round), cmp.Compare(order(x), order(y)))
	})
	return marks, uneven
}

func order(m mark.Mark) record.Phase {
	var p record.Phase
	_ = p.UnmarshalText([]byte(m.Name)) // an unknown phase stays where it is
	return p
}
