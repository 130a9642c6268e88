// Package merge adds the bundles of several workers of one run into one.
//
//	bundles -> alike? -> instants on one base -> lines added -> marks in order -> bundle
//
// Its one invariant: histograms and counters of the merged bundle are the sums
// of the workers', bucket for bucket. What is no sum (gauges, outages, how the
// harness was) has a rule for each metric; where a rule gives a bound instead
// of the number, the merged bundle says so.
//
// It holds one interval of each worker and two merged lines at a time, whatever
// their length, and writes beside the target and renames, so that there is a
// whole bundle or none.
//
// It refuses to compute results: package compare does, from what was merged.
package merge
