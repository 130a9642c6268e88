package workload

import "math"

// zipf draws ranks 0..n-1, rank k with a probability proportional to
// 1/(k+1)^exponent, by rejection-inversion (W. Hörmann, G. Derflinger,
// "Rejection-inversion to generate variates from monotone discrete
// distributions", 1996): constant time, no table, and, unlike rand.Zipf, any
// exponent above 0; the common 0.99 is below that generator's range.
type zipf struct {
	n, exponent float64
	low, high   float64 // the integral's range
	shortcut    float64
}

func newZipf(n int, exponent float64) zipf {
	z := zipf{n: float64(n), exponent: exponent}
	z.low = z.integral(1.5) - 1
	z.high = z.integral(z.n + 0.5)
	z.shortcut = 2 - z.inverse(z.integral(2.5)-z.density(2))
	return z
}

func (z *zipf) rank(s *source) uint64 {
	for {
		u := z.high + s.float()*(z.low-z.high)
		x := z.inverse(u)
		k := min(max(math.Floor(x+0.5), 1), z.n)
		if k-x <= z.shortcut || u >= z.integral(k+0.5)-z.density(k) {
			return uint64(k) - 1
		}
	}
}

func (z *zipf) density(x float64) float64 { return math.Exp(-z.exponent * math.Log(x)) }

// integral is (x^(1-exponent) - 1) / (1 - exponent), and log x at exponent 1.
func (z *zipf) integral(x float64) float64 {
	log := math.Log(x)
	return expm1Ratio((1-z.exponent)*log) * log
}

func (z *zipf) inverse(y float64) float64 {
	t := max(y*(1-z.exponent), -1) // rounding may pass the pole
	return math.Exp(log1pRatio(t) * y)
}

// expm1Ratio is (e^x - 1)/x, log1pRatio is log(1+x)/x; both are 1 at 0.
func expm1Ratio(x float64) float64 {
	if math.Abs(x) < 1e-8 {
		return 1 + x/2
	}
	return math.Expm1(x) / x
}

func log1pRatio(x float64) float64 {
	if math.Abs(x) < 1e-8 {
		return 1 - x/2
	}
	return math.Log1p(x) / x
}
