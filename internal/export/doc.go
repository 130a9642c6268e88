// Package export writes a bundle's numbers in the formats of other tools:
// HdrHistogram's (hgrm, hlog), CSV, OpenMetrics, Go's benchmark format and
// OTLP/JSON, the last also to a receiver.
//
// The one invariant: no figure is computed here. A count, a sum and a bucket are
// those of the bundle; a time is what Histogram.Quantile answers for its rank,
// as exactly as the target's format can say it. docs/BUNDLE.md lists how exactly
// that is.
//
// It refuses to judge: whether a run's numbers may be used is its summary's word.
package export
