package bundle

import "schload/telemetry/histogram"

// The histograms of a series, as metrics.
const (
	ResponseTime = "schload.operation.response_time"
	ServiceTime  = "db.client.operation.duration"
	Lateness     = "schload.operation.lateness"
)

// The attributes of a series' points. Values are strings in every file, the
// round too, so that a series has the same attributes in histograms and
// counters.
const (
	attrOperation = "db.operation.name"
	attrOutcome   = "schload.outcome"
	attrPhase     = "schload.phase"
	attrRound     = "schload.round"
	attrPool      = "schload.pool"
)

// The attributes of a resource. The arm is absent where a metric belongs to
// the run itself.
const (
	attrService = "service.name"
	attrVersion = "service.version"
	attrRun     = "schload.run.id"
	attrArm     = "schload.arm"
	attrUpgrade = "schload.upgrade"
)

// intervalName is the gauge every line begins with: the interval's length. It
// keeps the bounds of an interval in which nothing else happened.
const intervalName = "schload.interval"

// zeroThreshold is the upper edge of OTLP's zero bucket, in seconds.
const zeroThreshold = 0x1p-20

const scale = histogram.Scale

// unit returns the unit of a metric in UCUM; "" if the name is not known.
func unit(name string) string {
	switch name {
	case ResponseTime, ServiceTime, Lateness, intervalName:
		return "s"
	case "schload.operations", "schload.operations.due", "schload.operations.missed", "schload.operations.late":
		return "{operation}"
	case "schload.attempts.hidden":
		return "{attempt}"
	case "schload.connection.dials", "schload.connection.closes", "schload.connections",
		"schload.connections.proved", "schload.connections.relaxed":
		return "{connection}"
	case "redis.client.maintenance.notifications":
		return "{notification}"
	case "schload.handoffs":
		return "{handoff}"
	}
	return ""
}
