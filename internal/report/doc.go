// Package report puts summaries into words and tables for people: Text after
// a run or a comparison, Plain and Screen while a run goes on.
//
// The one invariant: it shows numbers and computes none. What is not in a
// Summary or a Progress is not on the screen, and meaning never rests on
// colour.
//
// It refuses to draw conclusions the numbers do not carry: a quantile with too
// few samples is "~", an invalid run gets a banner in place of a sentence.
package report
