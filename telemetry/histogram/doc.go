// Package histogram is the latency histogram of every storey of schload: base-2
// exponential buckets at one fixed scale, from 2^-20 s to 2^7 s, with exactly
// the edges OpenTelemetry's exponential histogram defines. What a worker
// records is therefore what is exported, stored and compared, bit for bit,
// and merging is addition.
//
// The one invariant: the count is the sum of the buckets, always. There is no
// second counter that could disagree; minimum, maximum and sum are exact.
//
// # Layout
//
// Bucket i covers (2^(-20 + i/64) s, 2^(-20 + (i+1)/64) s], upper-inclusive,
// i from 0 to [Buckets]-1: 64 buckets an octave, each 1.089 % wide.
//
//	      zero         0     1     2               1727      overflow
//	----------------|-----|-----|-----|--- ... ---|-----|----------------->
//	0 s         2^-20 s (953.67 ns)                   2^7 s (128 s)
//
// At or below 2^-20 s a duration goes to OTLP's zero bucket. Above 2^7 s it
// goes to the overflow, the one bucket after the range: counted by name
// ([Histogram.Overflow]), and in OTLP's form the bucket of index 448, whose
// lower edge is true. The maximum stays exact.
//
// Durations are whole nanoseconds, edges are irrational; an integer v lies
// above an edge exactly if it lies above the edge's floor. All comparisons are
// between integers, no logarithm is taken, and no rounding can put a duration
// into the wrong bucket (TestIndexEdges).
//
// # Quantiles
//
// A quantile is the nearest-rank one: of n durations in ascending order the
// one of rank ceil(q·n). It is known up to its bucket; [Histogram.Quantile]
// returns the bucket's harmonic middle, which balances the relative error at
// both ends: for bounds a < b it is 2ab/(a+b), wrong by at most (b-a)/(b+a) =
// 0.542 %. Rounded to a whole nanosecond that is at most 0.55 % from 2.4 µs
// on and 0.571 % below (TestMidpointBound walks all buckets). The smallest
// and the largest rank are exact.
//
// It refuses to rescale itself: one scale for all runs is what makes two
// histograms comparable with ==. It refuses concurrency: a Histogram has one
// owner at a time (package record hands them over).
package histogram
