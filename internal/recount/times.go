package recount

import (
	"math/big"
	"sync"
)

// times is a histogram: how many durations lie in each bucket of OTLP's scale
// 6. Bucket i holds whole nanoseconds above 2^(i/64) s up to 2^((i+1)/64) s.
type times struct {
	buckets       []uint64 // of index -first to last-1, as far as there are any
	zero          uint64   // at or below 2^-20 s
	above         uint64   // above 2^7 s
	n             uint64
	sum, min, max int64
}

const (
	first = 20 * 64 // buckets below a second
	last  = 7 * 64  // and above
)

func readTimes(p otlpPoint) *times {
	t := &times{zero: uint64(whole(p.ZeroCount)), n: uint64(whole(p.Count)), sum: nanoseconds(p.Sum), min: nanoseconds(p.Min), max: nanoseconds(p.Max)}
	for k, text := range p.Positive.BucketCounts {
		if i := p.Positive.Offset + k; i >= last {
			t.above += uint64(whole(text))
		} else {
			t.bucket(i + first)
			t.buckets[i+first] = uint64(whole(text))
		}
	}
	return t
}

// bucket makes room for a bucket.
func (t *times) bucket(k int) {
	for len(t.buckets) <= k {
		t.buckets = append(t.buckets, 0)
	}
}

func (t *times) add(o *times) {
	if o == nil || o.n == 0 {
		return
	}
	if t.n == 0 || o.min < t.min {
		t.min = o.min
	}
	t.max = max(t.max, o.max)
	t.n, t.sum, t.zero, t.above = t.n+o.n, t.sum+o.sum, t.zero+o.zero, t.above+o.above
	t.bucket(len(o.buckets) - 1)
	for i, n := range o.buckets {
		t.buckets[i] += n
	}
}

// quantile returns the nearest-rank one of perMille thousandths: the smallest
// and the largest rank are exact, any other is the harmonic middle of its
// bucket, yet not outside what was recorded.
func (t *times) quantile(perMille uint64) int64 {
	if t.n == 0 {
		return 0
	}
	rank := (t.n*perMille + 999) / 1000
	switch rank {
	case 1:
		return t.min
	case t.n:
		return t.max
	}
	return min(max(t.at(rank), t.min), t.max)
}

func (t *times) at(rank uint64) int64 {
	below := t.zero
	if rank <= below {
		return upper(0) / 2
	}
	for i, n := range t.buckets {
		if below += n; rank <= below {
			return middle(upper(i)+1, upper(i+1))
		}
	}
	return t.max
}

// middle is the harmonic mean, to the nearest nanosecond.
func middle(low, high int64) int64 {
	a, b := big.NewInt(low), big.NewInt(high)
	sum := new(big.Int).Add(a, b)
	twice := new(big.Int).Mul(big.NewInt(4), new(big.Int).Mul(a, b)) // 2 x 2ab/(a+b)
	twice.Add(twice, sum)
	return twice.Div(twice, sum.Mul(sum, big.NewInt(2))).Int64()
}

// upper returns the longest duration of the bucket below edge k, counted from
// that at 2^-20 s: 2^(-20 + k/64) s in whole nanoseconds, rounded down.
func upper(k int) int64 { return edges()[k] }

var edges = sync.OnceValue(func() []int64 {
	all := make([]int64, first+last+1)
	root := new(big.Float).SetPrec(200).SetInt64(2)
	for range 6 {
		root.Sqrt(root) // in the end 2^(1/64)
	}
	edge := new(big.Float).SetPrec(200).SetMantExp(big.NewFloat(1e9), -20)
	for k := range all {
		if k%64 == 0 { // begin each octave anew: nothing adds up
			edge.SetMantExp(new(big.Float).SetPrec(200).SetInt64(1e9), k/64-20)
		}
		all[k], _ = edge.Int64()
		edge.Mul(edge, root)
	}
	return all
})
