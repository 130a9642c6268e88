// Package recount computes summary.json a second time, from run.json,
// metrics.otlp.jsonl and marks.jsonl, by what docs/METHODOLOGY.md and
// docs/BUNDLE.md say and by nothing else. It knows no other package of the
// module: its own reader of OTLP/JSON, its own bucket edges, its own rules. Two
// counts that agree to the nanosecond are unlikely to be wrong in the same way,
// and a rule that the documents leave open cannot be written down here.
//
// It is for tests. [Summary] derives, [Differences] holds the result against a
// summary that package compare stored. A key that is stored and not derived is
// a difference: whoever adds a number must say here, too, how it comes about.
package recount
