package workload

import "math/bits"

// source is the splitmix64 generator. Unlike those of math/rand/v2 it costs
// nothing to seed, so every operation gets one of its own, seeded by the
// pool's seed and the operation's index: what operation i is depends on i
// alone, not on which worker takes it nor on what was drawn before.
type source uint64

const golden = 0x9e3779b97f4a7c15 // 2^64 / golden ratio, the increment of splitmix64

// draw returns the source of operation index.
func draw(seed, index uint64) source {
	return source(scramble(seed) ^ scramble(index+golden))
}

func (s *source) next() uint64 {
	*s += golden
	return scramble(uint64(*s))
}

// below returns a number from 0 to n-1. Its bias, n/2^64, is below anything a
// run can see.
func (s *source) below(n uint64) uint64 {
	hi, _ := bits.Mul64(s.next(), n)
	return hi
}

// float returns a number from 0 up to, but not including, 1.
func (s *source) float() float64 { return float64(s.next()>>11) / (1 << 53) }

// scramble is splitmix64's output function (Stafford's variant 13): every bit
// of x changes every bit of the result with probability one half.
func scramble(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
