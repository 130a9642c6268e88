package paired

import (
	"cmp"
	"math"
	"slices"
)

// exactUpTo is the number of differences above which the distribution of the
// rank sum is taken for normal: its error is below 0.0005 then, and the exact
// one takes time with the third power.
const exactUpTo = 200

// ranking are the ranks of differences that are not zero, by size. Equal sizes
// share the mean of their ranks; ranks are doubled, so that these are whole.
type ranking struct {
	ranks []int // doubled
	plus  int   // sum of those of positive differences
	all   int   // sum of all
}

func rank(differences []float64) (r ranking) {
	d := slices.DeleteFunc(slices.Clone(differences), func(x float64) bool { return x == 0 })
	slices.SortFunc(d, func(x, y float64) int { return cmp.Compare(math.Abs(x), math.Abs(y)) })
	for from, to := 0, 0; from < len(d); from = to {
		for to = from; to < len(d) && math.Abs(d[to]) == math.Abs(d[from]); to++ {
		}
		shared := from + 1 + to // twice the mean of the ranks from+1 to to
		for _, x := range d[from:to] {
			r.ranks = append(r.ranks, shared)
			r.all += shared
			if x > 0 {
				r.plus += shared
			}
		}
	}
	return r
}

// effect is the matched-pairs rank-biserial correlation: the share of the
// ranks with positive differences less that with negative ones.
func (r ranking) effect() float64 {
	if r.all == 0 {
		return 0
	}
	return float64(2*r.plus-r.all) / float64(r.all)
}

// p is the chance, both ways, that signs drawn at random are as unequal.
func (r ranking) p() float64 {
	if r.all == 0 {
		return 1
	}
	return min(1, 2*below(r.ranks, min(r.plus, r.all-r.plus)))
}

// below is the chance that the doubled ranks whose sign is drawn as positive
// add up to sum or less.
func below(ranks []int, sum int) float64 {
	if len(ranks) > exactUpTo {
		return normalBelow(ranks, sum)
	}
	chance := make([]float64, sum+1) // of each sum so far; larger ones cannot come back
	chance[0] = 1
	for _, r := range ranks {
		for s := sum; s >= 0; s-- {
			chance[s] /= 2
			if s >= r {
				chance[s] += chance[s-r] / 2
			}
		}
	}
	total := 0.0
	for _, c := range chance {
		total += c
	}
	return total
}

// normalBelow is below for many ranks. The sums lie two apart where no ranks
// are shared: half of that corrects for it.
func normalBelow(ranks []int, sum int) float64 {
	var mean, variance float64
	for _, r := range ranks {
		mean += float64(r) / 2
		variance += float64(r) * float64(r) / 4
	}
	return math.Erfc((mean-float64(sum)-1)/math.Sqrt(2*variance)) / 2
}
