// Package explain says in words why a run came out as it did, and what to do
// about it.
//
//	bundle -> Gather -> Evidence -> rules -> findings -> Text, Markdown, JSON
//
// A rule is a pure function of the evidence: the summary, the marks and
// run.json. Each finding carries the figures, instants and connections it rests
// on and the row of a document that states the cause.
//
// The one invariant: a finding says no more than its evidence. What is inferred
// rather than counted is marked likely, and failures that no rule explains are
// reported as unexplained instead of being fitted to a cause.
//
// It refuses to compute figures that package compare computes.
package explain
