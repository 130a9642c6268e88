package calibrate

import (
	"cmp"
	"math"
	"slices"
)

// signedRank is Wilcoxon's signed-rank test: the probability that paired
// differences as positive as these, or more so, come about when each of them
// is as likely to be positive as negative. Zeros are left out, equal ones
// share their mean rank, and the distribution is the exact one of these ranks,
// by counting (F. Wilcoxon, "Individual comparisons by ranking methods", 1945;
// the conditional distribution with ties: J. W. Pratt, "Remarks on zeros and
// ties in the Wilcoxon signed rank procedures", 1959). 1 without a difference.
func signedRank(differences []float64) float64 {
	ranks, positive := rank(differences)
	// at[s] is the probability that the doubled ranks of the positive ones sum up to s.
	at, total := []float64{1}, 0
	for _, r := range ranks {
		next := make([]float64, total+r+1)
		for s, p := range at {
			next[s] += p / 2
			next[s+r] += p / 2
		}
		at, total = next, total+r
	}
	p := 0.0
	for _, x := range at[positive:] {
		p += x
	}
	return min(p, 1)
}

// rank returns the doubled ranks of the differences by size, zeros left out,
// and the sum of those of the positive ones.
func rank(differences []float64) (ranks []int, positive int) {
	sorted := slices.DeleteFunc(slices.Clone(differences), func(d float64) bool { return d == 0 })
	slices.SortFunc(sorted, func(a, b float64) int { return cmp.Compare(math.Abs(a), math.Abs(b)) })
	for begin := 0; begin < len(sorted); {
		end := begin + 1
		for end < len(sorted) && math.Abs(sorted[end]) == math.Abs(sorted[begin]) {
			end++
		}
		mean := begin + 1 + end // twice the mean of the ranks begin+1 to end
		for _, d := range sorted[begin:end] {
			ranks = append(ranks, mean)
			if d > 0 {
				positive += mean
			}
		}
		begin = end
	}
	return ranks, positive
}

// median of values; 0 of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
