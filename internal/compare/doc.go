// Package compare computes a run's Summary from its bundle: what each arm
// did, how long its operations took, how long it was out, and whether the run
// may be taken as evidence. docs/METHODOLOGY.md explains the numbers.
//
// The one invariant: everything is computed from the files alone, so anyone
// who has the bundle arrives at the same Summary. Histograms are added and
// asked for quantiles; percentiles are never averaged.
//
// What makes a result weaker without making it wrong (too few samples, a
// saturated harness, a run cut off) is data: Summary.Warnings travels with
// the numbers. What makes it wrong clears Summary.Valid and says why.
package compare
