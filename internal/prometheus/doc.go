// Package prometheus reads a run back from a Prometheus server: counters and
// native histograms through its HTTP API, as of the run's last samples.
//
// Its one invariant: nothing is computed from a part. What it returns is, bucket
// by bucket, what was exported; a sum that was reset, a series that ended before
// the others, buckets of another width and whatever the server warns of are
// errors that name the fix.
//
// Counts reach the API as decimals of doubles, exact up to 2^53, and buckets as
// the edges of their scale, from which their number is told without doubt. What
// Prometheus does not keep are the extremes: of the shortest and the longest
// duration it knows the bucket.
package prometheus
