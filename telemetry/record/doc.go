// Package record is where samples become numbers: each goroutine of the load
// engine owns a shard, once per interval the reader takes what the shards
// hold and adds it up, and the result, an Interval, is what the bundle
// stores, telemetry exports and the live view shows.
//
//	goroutine -> Sink (its shard) --\
//	goroutine -> Sink (its shard) ---+-> Collect -> Interval -> Cumulative
//	dispatcher -> Sink (its shard) -/       |
//	                                        +-> Totals, outage marks
//
// The one invariant: nothing is counted twice and nothing is lost between
// intervals; the sum of all intervals (Cumulative) is the run.
//
// A sample is filed under the phase and round of its intended instant, warm-up
// included, in three histograms for its operation and its outcome, ok or
// failed. Failures are counted by class, missed operations by reason.
//
// Recording takes no lock, waits for nobody and allocates only when a
// goroutine meets a series for the first time; collecting waits for no
// goroutine that is idle or blocked. How: see shard.go.
//
// Outages are told apart from silence, over all pools of an arm: see tracker
// in outage.go for the rule and its exactness.
//
// It knows no exporter and no file format (packages telemetry and bundle), and
// it refuses to keep history: an Interval that was handed out is gone.
package record
