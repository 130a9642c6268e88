package merge

import (
	"cmp"
	"slices"
	"time"
)

// span is a stretch of the merged run.
type span struct{ from, to time.Duration }

func (s span) length() time.Duration { return s.to - s.from }

// union sorts spans and joins those that touch.
func union(lists ...[]span) (all []span) {
	for _, l := range lists {
		all = append(all, l...)
	}
	slices.SortFunc(all, func(x, y span) int { return cmp.Or(cmp.Compare(x.from, y.from), cmp.Compare(x.to, y.to)) })
	n := 0
	for _, s := range all {
		if n > 0 && s.from <= all[n-1].to {
			all[n-1].to = max(all[n-1].to, s.to)
			continue
		}
		all[n] = s
		n++
	}
	return all[:n]
}

// common returns what lies in both of two unions.
func common(x, y []span) (both []span) {
	for i, j := 0, 0; i < len(x) && j < len(y); {
		s := span{max(x[i].from, y[j].from), min(x[i].to, y[j].to)}
		if s.from < s.to {
			both = append(both, s)
		}
		if x[i].to < y[j].to {
			i++
		} else {
			j++
		}
	}
	return both
}

// without returns what lies in the first of two unions and not in the second.
func without(x, y []span) []span {
	const far = time.Duration(1 << 62)
	var rest []span
	last := -far
	for _, s := range y {
		rest = append(rest, span{last, s.from})
		last = s.to
	}
	rest = append(rest, span{last, far})
	return common(x, rest)
}
