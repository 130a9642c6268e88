package paired

import (
	"cmp"
	"slices"
)

// FalseDiscovery corrects p-values for a search among many independent
// hypotheses (Benjamini and Hochberg 1995): of all those whose returned value
// is at or below q, a share of q is false in the mean. That holds also where
// the statistics depend on each other positively (Benjamini and Yekutieli
// 2001), as arms do that are held against the same one.
func FalseDiscovery(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(p[i], p[j]) })
	adjusted := make([]float64, len(p))
	least := 1.0
	for rank := len(p); rank > 0; rank-- {
		i := order[rank-1]
		least = min(least, p[i]*float64(len(p))/float64(rank))
		adjusted[i] = least
	}
	return adjusted
}
