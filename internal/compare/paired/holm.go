package paired

import (
	"cmp"
	"slices"
)

// Holm corrects p-values for having looked at all of them (Holm 1979, with
// weights): if there is no difference anywhere, the smallest of those returned
// is at or below a level with at most that chance, however the metrics depend
// on each other. A hypothesis with twice the weight gets twice the part of the
// level. Weights must be positive, and as many as there are p-values.
func Holm(p, weights []float64) []float64 {
	order := make([]int, len(p))
	left := 0.0
	for i, w := range weights {
		order[i] = i
		left += w
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(p[i]/weights[i], p[j]/weights[j]) })
	adjusted := make([]float64, len(p))
	largest := 0.0
	for _, i := range order {
		largest = max(largest, min(1, p[i]*left/weights[i]))
		adjusted[i] = largest
		left -= weights[i]
	}
	return adjusted
}
