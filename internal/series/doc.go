// Package series reads a bundle into what charts draw: columns of time, marks
// in fine bins, outages, phases, and the whole distributions of each round.
//
// The one invariant: columns are whole intervals, added up. A long run has
// wider columns, never fewer operations; histograms are summed, not sampled.
//
// Memory is bounded by the limits below, the number of arms and that of
// rounds, not by the length of the run.
package series
