package histogram

import (
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// octaveFloats returns 10^9 · 2^(k/64) for k = 0..63, from repeated square
// roots of big floats: no part of the code under test.
var octaveFloats = sync.OnceValue(func() (octave [perOctave]*big.Float) {
	const precision = 300
	root := new(big.Float).SetPrec(precision).SetInt64(2)
	for range Scale {
		root.Sqrt(root)
	}
	x := new(big.Float).SetPrec(precision).SetInt64(1e9)
	for k := range octave {
		octave[k] = new(big.Float).Copy(x)
		x.Mul(x, root)
	}
	return octave
})

// edgeFloor returns floor(10^9 · 2^(index/64)).
func edgeFloor(index int) *big.Int {
	octave := index >> Scale
	x := new(big.Float).SetMantExp(octaveFloats()[index-octave<<Scale], octave)
	floor, _ := x.Int(nil)
	return floor
}

// The table of significands is what big floats give.
func TestEdges(t *testing.T) {
	for j, got := range edges {
		k := (j + 7) % perOctave
		octave := 33 // 10^9 · 2^(k/64) needs 2^33 to reach 2^63 from 2^30
		if k < 7 {
			octave = 34
		}
		want := edgeFloor(k + octave*perOctave)
		if want.Uint64() != got {
			t.Errorf("edges[%d] = %#x, want %#x", j, got, want)
		}
	}
	if !slices.IsSorted(edges[:]) {
		t.Error("edges are not in ascending order")
	}
}

// A cell holds at most one edge: else one comparison could not place a value.
func TestCellsHoldOneEdge(t *testing.T) {
	held := map[uint64]int{}
	for _, e := range edges {
		held[e>>56]++
	}
	for c, n := range held {
		if n > 1 {
			t.Errorf("cell %#x holds %d edges", c, n)
		}
	}
}

// Every bucket begins right above its lower and ends at its upper edge, to
// the nanosecond.
func TestIndexEdges(t *testing.T) {
	for i := -1; i < Buckets; i++ {
		upper := time.Duration(edgeFloor(i + 1 + firstOffset).Int64())
		if got := Upper(i); got != upper {
			t.Errorf("Upper(%d) = %d, want %d", i, got, upper)
		}
		if got := Index(upper); got != i {
			t.Errorf("Index(%d) = %d, want %d: an upper edge is inclusive", upper, got, i)
		}
		if got := Index(upper + 1); got != i+1 {
			t.Errorf("Index(%d) = %d, want %d: right above an edge", upper+1, got, i+1)
		}
	}
	for d, want := range map[time.Duration]int{
		math.MinInt64: -1, -1: -1, 0: -1, 1: -1, zeroMax: -1, zeroMax + 1: 0,
		time.Second: -firstOffset - 1, time.Second + 1: -firstOffset,
		rangeMax: Buckets - 1, rangeMax + 1: Buckets, math.MaxInt64: Buckets,
	} {
		if got := Index(d); got != want {
			t.Errorf("Index(%d) = %d, want %d", d, got, want)
		}
	}
}

// The bucket found by one comparison is the one a search through all edges
// finds.
func TestIndexSearch(t *testing.T) {
	uppers := make([]time.Duration, 0, Buckets+1)
	for i := -1; i < Buckets; i++ {
		uppers = append(uppers, time.Duration(edgeFloor(i+1+firstOffset).Int64()))
	}
	r := rand.New(rand.NewPCG(1, 0))
	for range 200_000 {
		d := randomDuration(r)
		at, _ := slices.BinarySearch(uppers, d) // the first upper edge >= d
		if got, want := Index(d), at-1; got != want {
			t.Fatalf("Index(%d) = %d, want %d", d, got, want)
		}
	}
}
