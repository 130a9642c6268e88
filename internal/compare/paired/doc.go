// Package paired says what differences between two arms, one for each round,
// allow to conclude: an estimate, an interval, a p-value, and a correction for
// having looked at many metrics. docs/METHODOLOGY.md ("Differences") gives the
// reasons for the choice of methods.
//
// The one invariant: a p-value is never below what the number of rounds
// allows. The test is the exact signed-rank test: had the arms no difference,
// each difference would have either sign with equal chance, whatever its size
// and distribution, so that of n rounds p cannot be below 2/2^n.
//
// Everything is a pure function of its arguments: nothing is drawn. Arguments
// must be finite; results are.
package paired
