// Package trace chooses the operations of which spans are made: those that
// failed, that were wrong, that were late, or slower than most.
//
//	worker -> Sink -> the window of a second --\
//	worker -> Sink -> the window of a second ---+-> Take -> Operation
//	marks  -> Mark -> what befell connections -/
//
// It decides after an operation has ended, so nothing is lost by chance that
// mattered, and what did not matter costs two comparisons. The one invariant:
// an arm has at most Config.Limit operations for each second in which they
// ended; of those that qualified beyond that, a fair draw keeps some and the
// rest is counted.
//
// It refuses to know OpenTelemetry: package telemetry makes spans of what is
// chosen here. A run without traces has none of this on its path.
package trace
