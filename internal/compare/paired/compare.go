package paired

import "slices"

// Method names what Compare does.
const Method = "exact Wilcoxon signed-rank test, Hodges-Lehmann estimate and interval"

// Confidence is that of the interval.
const Confidence = 0.95

// Result is what the differences of one metric say.
type Result struct {
	// Estimate is the Hodges-Lehmann estimate: the median of the means of all
	// pairs of differences, each with itself included.
	Estimate float64

	// Low and High bound it with at least Confidence. Fewer than 6 differences
	// have no such interval: Bounded is false and both are 0.
	Low, High float64
	Bounded   bool

	// Effect is the matched-pairs rank-biserial correlation, -1 to 1.
	Effect float64

	// P is that of the two-sided test of no difference.
	P float64

	// Differing is how many differences are not zero. P cannot be below
	// 2/2^Differing.
	Differing int
}

// Compare judges the differences of one metric, one for each round.
func Compare(differences []float64) (r Result) {
	ranks := rank(differences)
	r.Effect, r.P, r.Differing = ranks.effect(), ranks.p(), len(ranks.ranks)
	if len(differences) == 0 {
		return r
	}
	means := pairMeans(differences)
	n := len(means)
	r.Estimate = means[n/2]/2 + means[(n-1)/2]/2
	if out := outside(len(differences)); out > 0 {
		r.Low, r.High, r.Bounded = means[out-1], means[n-out], true
	}
	return r
}

// pairMeans are the means of all pairs (Walsh averages), sorted.
func pairMeans(d []float64) []float64 {
	means := make([]float64, 0, len(d)*(len(d)+1)/2)
	for i, x := range d {
		for _, y := range d[i:] {
			means = append(means, x/2+y/2)
		}
	}
	slices.Sort(means)
	return means
}

// outside says which pair mean, from either end, bounds the interval of n
// differences: the values inside are those that the test does not reject. 0 if
// even the outermost reach too little confidence. Shared ranks, which are left
// out of account, make the interval wider than needed, never narrower.
func outside(n int) int {
	ranks := make([]int, n)
	for i := range ranks {
		ranks[i] = 2 * (i + 1)
	}
	enough := func(k int) bool { return 2*below(ranks, 2*(k-1)) <= 1-Confidence+rounding }
	low, high := 0, n*(n+1)/4+1 // low is enough or 0, high is not
	for high-low > 1 {
		if k := (low + high) / 2; enough(k) {
			low = k
		} else {
			high = k
		}
	}
	return low
}

// rounding is what floating-point numbers may add to a chance.
const rounding = 1e-12
