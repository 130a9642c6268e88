// Package bundle is the run directory: a writer that survives a kill and a
// reader that is its exact inverse. docs/BUNDLE.md describes every file.
//
//	run.json             what was run, and, once the run ended, how it ended
//	metrics.otlp.jsonl   one OTLP/JSON request per interval, delta temporality
//	marks.jsonl          the timeline, one mark per line
//	summary.json         what package compare computed from the three above
//
// The one invariant: a line that ends in a newline is whole and final. A run
// that is killed loses at most the line it was writing.
//
// It refuses to interpret: it adds nothing up and judges nothing (package
// compare does), it never overwrites a bundle, and it lets no password
// through to a file.
package bundle
