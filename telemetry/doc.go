// Package telemetry sends what package record measured to OpenTelemetry: by
// OTLP (HTTP or gRPC) to a collector or to Prometheus itself, and by a
// Prometheus endpoint that can be scraped.
//
// The one invariant: what is exported is what was recorded. The histograms go
// out bucket by bucket, with the edges they were recorded with; nothing is
// aggregated a second time, so a quantile computed from the exported data is
// the quantile of the report.
//
// Each arm is a telemetry source of its own (the arm is a resource attribute),
// which keeps metrics with standard names free of labels of ours. Rounds are
// summed: a label that grows with the length of the run belongs into the
// bundle, not into a time series database.
//
// It refuses to disturb the load: Exporter.Interval never waits for a network,
// memory is bounded, and a collector that is down or slow shows up in Stats
// and nowhere else. Without a flag and without an OTEL_ variable that asks for
// an export, nothing is started.
package telemetry
