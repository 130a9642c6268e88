// Package record is where samples become numbers: each goroutine of the load
// engine owns a shard, once per interval the reader takes what the shards
// hold and adds it up, and the result, an Interval, is what the bundle
// stores, telemetry exports and the live view shows.
//
// The one invariant: nothing is counted twice and nothing is lost between
// intervals; the sum of all intervals is the run.
//
// It knows no exporter and no file format (packages telemetry and bundle), and
// it refuses to keep history: an Interval that was handed out is gone.
package record
