package histogram

import (
	"math"
	"math/bits"
	"time"
)

// The layout. Files carry it as OTLP's scale and offsets, so changing one of
// these makes older bundles incomparable.
const (
	// Scale is the exponential scale: base 2^(2^-Scale), 64 buckets an octave.
	Scale = 6
	// Buckets is the number of buckets between 2^-20 s and 2^7 s.
	Buckets = 27 * perOctave

	perOctave   = 1 << Scale
	firstOffset = -20 * perOctave // OTLP index of bucket 0
	topOffset   = 7 * perOctave   // OTLP index of the overflow
	zeroMax     = 953             // floor(2^-20 s), the largest duration of the zero bucket
	rangeMax    = 128_000_000_000 // 2^7 s, the largest duration of the last bucket
	slots       = Buckets + 2     // zero bucket, buckets, overflow
	overflow    = Buckets + 1     // slot of the overflow

	// edgeBias leads from an edge's number (edge 0 is 2^-20 s) to its place in
	// the octaves of nanoseconds, 64·(bit length) + (index into edges): the
	// edge of bit length 31 and index 0 is 10^9 · 2^(7/64) ns, number 20·64+7.
	edgeBias = 31*perOctave - (20*perOctave + 7)
)

// edges holds floor(2^63 · x) for the 64 edges of one octave of nanoseconds,
// 1 <= x < 2, in ascending order: x is 10^9 · 2^(k/64) scaled by a power of
// two, for k = 7..63 and then 0..6, because 10^9 is 0.93 · 2^30 and seven
// edges of its octave lie below the next power of two. Every octave has the
// same 64 significands, so one table serves all.
//
// TestEdges computes it anew with math/big.
var edges = [perOctave]uint64{
	0x80992abb83a534a2, 0x81ffa7a9549ca6e3, 0x836a0bee9d9d5401, 0x84d8626d3118d396,
	0x864ab625376b7b77, 0x87c11235836d16a3, 0x893b81dbe7ed5966, 0x8aba10758e1ea3cf,
	0x8c3cc97f4cf1aadd, 0x8dc3b8960164a7d9, 0x8f4ee976e7c8b4cc, 0x90de67fff600044c,
	0x9272403036b7aa56, 0x940a7e28259fb382, 0x95a72e2a0ca44f7c, 0x97485c9a622adb60,
	0x98ee16002855a076, 0x9a9867054d512391, 0x9c475c770cade96d, 0x9dfb034651c99c68,
	0x9fb368881b4a8811, 0xa1709975dfb06757, 0xa332a36df2fd8a6a, 0xa4f993f3ed7b61ca,
	0xa6c578b1139d848c, 0xa8965f74bf065071, 0xaa6c5634c8b04b16, 0xac476b0df43f745f,
	0xae27ac445c7dc318, 0xb00d2843e1060dc2, 0xb1f7eda09520aa93, 0xb3e80b172fd51af7,
	0xb5dd8f8d7d341ffd, 0xb7d88a12d0dd9ea0, 0xb9d909e079c5c456, 0xbbdf1e5a373ce5c6,
	0xbdead70eaf3d9b5a, 0xbffc43b7e604a922, 0xc213743bb6f64957, 0xc43078ac4ed47ae7,
	0xc6536148a749ff7d, 0xc87c3e7d03cdbec3, 0xcaab20e36fe24ee5, 0xcce019443eb56ce4,
	0xcf1b38968c2339b8, 0xd15c9000bf211c1f, 0xd3a430d90d943190, 0xd5f22ca6019743e0,
	0xd846951f0034440a, 0xdaa17c2cd19555db, 0xdd02f3ea2ab18362, 0xdf6b0ea438793a89,
	0xe1d9dedb2c86c2b2, 0xe44f7742cb56e3dd, 0xe6cbeac2fc0e04aa, 0xe94f4c7859ce1066,
	0xebd9afb4c6a18262, 0xee6b280000000000, 0xf103c91834f0f723, 0xf3a3a6f29dd0c333,
	0xf64ad5bc15bce751, 0xf8f969d9b5abf948, 0xfbaf77e97135e555, 0xfe6d14c2b5114024,
}

// A cell is one of 128 equal parts of an octave. It is at most 0.78 % wide, a
// bucket 1.09 %, so at most one edge lies in a cell and one comparison places
// a value among all 64.
type cell struct {
	edge  uint64 // the edge in the cell, or MaxUint64, which nothing exceeds
	below int    // edges of the octave below the cell
}

var cells = layCells()

func layCells() (c [128]cell) {
	for i := range c {
		c[i].edge = math.MaxUint64
	}
	for _, e := range edges {
		c[e>>56&127].edge = e
	}
	below := 0
	for i := range c {
		c[i].below = below
		if c[i].edge != math.MaxUint64 {
			below++
		}
	}
	return c
}

// slot returns the place of v among zero bucket (0), buckets (1..Buckets) and
// overflow (Buckets+1): the number of edges below v.
//
// Subtle: v is compared after shifting its highest bit to the top, against
// edges scaled alike and rounded down; both are integers, so the comparison
// decides as the unrounded edge would (TestIndexEdges).
func slot(v uint64) int {
	if v-(zeroMax+1) >= rangeMax-zeroMax { // one comparison for both ends
		return slotOutside(v)
	}
	zeros := bits.LeadingZeros64(v) & 63
	v <<= zeros
	c := &cells[v>>56&127]
	// The comparison is a borrow, not a branch: which side of the edge a
	// duration falls on is a coin's toss that no predictor learns.
	_, above := bits.Sub64(c.edge, v, 0)
	return (64-zeros)*perOctave - edgeBias + c.below + int(above)
}

func slotOutside(v uint64) int {
	if v <= zeroMax {
		return 0
	}
	return overflow
}

// Index returns the bucket of d: 0 to Buckets-1, -1 for the zero bucket (d <=
// 2^-20 s, negative d included) and Buckets for the overflow (d > 2^7 s).
func Index(d time.Duration) int { return slot(uint64(max(d, 0))) - 1 }

// Upper returns the longest duration of bucket i, its upper edge rounded down
// to whole nanoseconds. The bucket before it ends right below: bucket i holds
// the durations from Upper(i-1)+1 to Upper(i). Upper(-1) is the zero bucket's,
// Upper(Buckets) the longest Duration there is; it panics beyond.
func Upper(i int) time.Duration {
	switch {
	case i == Buckets:
		return math.MaxInt64
	case i < -1 || i > Buckets:
		panic("histogram: no such bucket")
	}
	place := i + 1 + edgeBias
	return time.Duration(edges[place%perOctave] >> (64 - place/perOctave))
}
