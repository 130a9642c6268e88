package record

import "time"

// Stretch is a part of a run, by instants since its base.
type Stretch struct{ From, To time.Duration }

// Outside is how much of the stretch lies in none of the others, which are
// ordered by From and may overlap.
func (s Stretch) Outside(others []Stretch) time.Duration {
	left, at := max(0, s.To-s.From), s.From
	for _, o := range others {
		from, to := max(o.From, at), min(o.To, s.To)
		if from < to {
			left -= to - from
			at = to
		}
	}
	return left
}

// warmups are the stretches of the spans that are warm-up.
func warmups(spans []span) (list []Stretch) {
	for i, s := range spans {
		if s.phase != Warmup {
			continue
		}
		to := forever
		if i+1 < len(spans) {
			to = spans[i+1].at
		}
		list = append(list, Stretch{s.at, to})
	}
	return list
}
