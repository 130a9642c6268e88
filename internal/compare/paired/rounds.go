package paired

import "math"

// Power is that with which Needed rounds find a difference.
const Power = 0.8

// MostNeeded bounds Needed.
const MostNeeded = 1000

// Fewest is the number of rounds with which p can be at or below level at all:
// all of them differ in the same direction then.
func Fewest(level float64) int {
	n := 1
	for 2/math.Exp2(float64(n)) > level+rounding {
		n++
	}
	return n
}

// Needed estimates how many rounds it takes to find, at that level and with
// Power, a difference like the one in n rounds (Noether 1987, whose formula asks
// for the chance that two rounds together lean to one side; the effect tells
// it). 0 if that is more than MostNeeded, or if the rounds lean to no side.
func (r Result) Needed(n int, level float64) int {
	if r.Differing == 0 || r.Effect == 0 {
		return 0
	}
	needed := float64(Fewest(level))
	if lean := math.Abs(r.Effect) / 2; lean < 0.5 {
		z := quantile(1-level/2) + quantile(Power)
		needed = max(needed, z*z/(3*lean*lean))
	}
	needed = math.Ceil(needed * float64(n) / float64(r.Differing)) // rounds without a difference say nothing
	if needed > MostNeeded {
		return 0
	}
	return max(int(needed), n+1)
}

// quantile is that of the standard normal distribution.
func quantile(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

// Autocorrelation is the correlation of differences with those of the round
// before, -1 to 1; 0 where all are equal or fewer than 3.
func Autocorrelation(d []float64) float64 {
	if len(d) < 3 {
		return 0
	}
	mean := 0.0
	for _, x := range d {
		mean += x / float64(len(d))
	}
	var product, square float64
	for i, x := range d {
		square += (x - mean) * (x - mean)
		if i > 0 {
			product += (x - mean) * (d[i-1] - mean)
		}
	}
	if square == 0 {
		return 0
	}
	return product / square
}
