package record

import (
	"time"

	"schload/telemetry/histogram"
)

// Interval is what was recorded between two instants since the run's base.
// All values are deltas but Levels.
type Interval struct {
	From, To time.Duration

	// Phase and Round are those in which the larger part of the interval lies:
	// what is counted without knowing its own belongs there. A bundle keeps them
	// as marks, not with its intervals.
	Phase Phase
	Round int

	Series []Series
	Counts []Count
	Levels []Level

	Distributions []Distribution
	Retried       []Retried
}

// Key names one set of operations. Operation is the command (GET); Outcome is
// ok or failed.
type Key struct {
	Arm, Pool, Operation, Outcome string
	Phase                         Phase
	Round                         int // 1..N, 0 before the first round
}

// Series holds the three histograms of one Key, never mixed. One of messages
// has Delivery and nothing else, and a Key without operation and outcome.
type Series struct {
	Key
	Response, Service, Lateness *histogram.Histogram
	Delivery                    *histogram.Histogram

	// First are the service times of those that took one try; nil: all of Service.
	// Interval.Retried has the others. Neither is part of a bundle.
	First *histogram.Histogram
}

// Count is a delta of one monotonic counter. Name is one of Metrics.
type Count struct {
	Name  string
	Arm   string // empty: the run itself
	Attrs []Attr // sorted by Key
	Value uint64
}

// Level is a gauge's value at the end of the interval.
type Level struct {
	Name  string
	Arm   string
	Attrs []Attr
	Value float64
}

// Seconds is a duration as a Level holds it: the double nearest to it, from
// which the nanoseconds can be told again up to 2^23 s. (Duration.Seconds adds
// two doubles and may miss that one.)
func Seconds(d time.Duration) float64 { return float64(d) / 1e9 }

// Distribution holds how long things other than operations took, those of the
// interval alone. Name is one of Metrics.
type Distribution struct {
	Name  string
	Arm   string
	Attrs []Attr // sorted by Key
	Times *histogram.Histogram
}

// Attr is one attribute of a series. The set of keys and the range of values
// are bounded per metric.
type Attr struct{ Key, Value string }
