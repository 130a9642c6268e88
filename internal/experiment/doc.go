// Package experiment runs arms against upgrades: it opens every arm, starts
// the same load on all of them, leads them through the phases of each round,
// has the stage play the upgrade while they run, and keeps what was recorded.
//
// The one invariant: all arms share one base instant, one schedule and one
// event; whatever happens to the run (an error, an interrupt), what was
// recorded up to then is in the bundle.
//
// It computes no result: package compare does, from the bundle.
package experiment
