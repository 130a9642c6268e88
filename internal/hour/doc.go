// Package hour makes the bundle of an hour, for benchmarks: two arms and six
// operations, each with successes and failures in each of the four phases. With
// three histograms of each that is 144 series of histograms an arm (the rounds
// added up, as an export has them), beside the counters and gauges of a run.
//
// Its one invariant: the same options give the same bytes. What is in it is made
// up, by the recorder that records runs, so that its lines are those of a run.
package hour
