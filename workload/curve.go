package workload

import (
	"math"
	"math/bits"
	"time"
)

// curve is the integral of a Rate and its inverse, in closed form.
//
// Let N(t) be the operations expected until t. The n-th arrival of a process
// of rate 1, mapped through the inverse of N, is the n-th arrival of the
// process of the given rate; this holds for an even grid and for a Poisson
// process alike (the time change of an inhomogeneous process).
type curve []arc

// arc is one part: it begins at an instant, when before operations were
// expected, and lasts until end.
type arc struct {
	part
	begin, end time.Duration
	before     float64
}

const forever = time.Duration(math.MaxInt64)

func (r Rate) curve() curve {
	var c curve
	at, before := time.Duration(0), 0.0
	for _, p := range r.parts {
		if p.span == 0 {
			break
		}
		c = append(c, arc{part: p, begin: at, end: at + p.span, before: before})
		at += p.span
		before += p.integral()
	}
	if n := len(r.parts); n > 0 {
		hold := part{from: r.parts[n-1].to, to: r.parts[n-1].to}
		c = append(c, arc{part: hold, begin: at, end: forever, before: before})
	}
	return c
}

// micro is a rate in operations a million seconds: the unit that keeps
// integrals and grids of human rates exact.
func micro(rate float64) uint64 { return uint64(math.Round(rate * 1e6)) }

// integral is (from + to) / 2 * span, rounded once.
func (p part) integral() float64 {
	const unit = 2 * 1e15 // micro-operations times nanoseconds, twice
	hi, lo := bits.Mul64(micro(p.from)+micro(p.to), uint64(p.span))
	if hi >= unit {
		return math.Inf(1)
	}
	quotient, rest := bits.Div64(hi, lo, unit)
	return float64(quotient) + float64(rest)/unit
}

// instant is the inverse: when n operations were expected, rounded down to a
// nanosecond, so that instant(n) < t and "n operations come before t" are the
// same statement for every t. It is the latest such instant: an operation
// that falls on the beginning of a silence comes after it. It reports false
// when that many are never expected.
func (c curve) instant(n float64) (time.Duration, bool) {
	if len(c) == 0 {
		return 0, false
	}
	i := 0
	for i+1 < len(c) && c[i+1].before <= n {
		i++
	}
	a := &c[i]
	after, ok := a.reach(n - a.before)
	if !ok || after > forever-a.begin {
		return 0, false
	}
	return min(a.begin+after, a.end-1), true
}

// reach is how long after its beginning n operations were expected of a.
func (a *arc) reach(n float64) (time.Duration, bool) {
	if a.from != a.to {
		return a.reachLinear(n), true
	}
	rate := micro(a.from)
	if rate == 0 {
		return 0, false
	}
	if n == math.Trunc(n) && n < 1<<53 {
		return divide(uint64(n), rate)
	}
	return nanoseconds(n * 1e15 / float64(rate))
}

// divide is n operations at a rate, in nanoseconds, exactly.
func divide(n, rate uint64) (time.Duration, bool) {
	hi, lo := bits.Mul64(n, 1e15)
	if hi >= rate {
		return 0, false
	}
	quotient, _ := bits.Div64(hi, lo, rate)
	return time.Duration(quotient), quotient < uint64(forever)
}

// reachLinear solves from*t + slope*t*t/2 = n in the form that loses no digits
// when the slope is small or the ramp begins at 0.
func (a *arc) reachLinear(n float64) time.Duration {
	if n <= 0 {
		return 0
	}
	slope := (a.to - a.from) / a.span.Seconds()
	root := math.Sqrt(max(0, a.from*a.from+2*slope*n))
	t, ok := nanoseconds(2 * n / (a.from + root) * 1e9)
	if !ok {
		return a.span
	}
	return t
}

func nanoseconds(t float64) (time.Duration, bool) {
	if t >= float64(forever) {
		return 0, false
	}
	return time.Duration(t), true
}

// expected is N(t).
func (c curve) expected(t time.Duration) float64 {
	for i := len(c) - 1; i >= 0; i-- {
		if a := &c[i]; t >= a.begin {
			after := (t - a.begin).Seconds()
			slope := 0.0
			if a.from != a.to {
				slope = (a.to - a.from) / a.span.Seconds()
			}
			return a.before + a.from*after + slope*after*after/2
		}
	}
	return 0
}
