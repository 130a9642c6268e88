package bundle

import (
	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// The attributes of a resource. The arm is absent where a metric belongs to
// the run itself. Attribute values are strings in every file, the round too,
// so that a series has the same attributes in histograms and counters.
const (
	attrService = "service.name"
	attrVersion = "service.version"
	attrRun     = "schload.run.id"
	attrArm     = "schload.arm"
	attrUpgrade = "schload.upgrade"
)

// The attributes of record.RunInfo that tell runs apart.
const (
	attrClient = "client.version"
	attrHash   = "config.hash"
)

// intervalName is the gauge every line begins with: the interval's length. It
// keeps the bounds of an interval in which nothing else happened.
const intervalName = "schload.interval"

// zeroThreshold is the upper edge of OTLP's zero bucket, in seconds.
const zeroThreshold = 0x1p-20

const scale = histogram.Scale

var units = func() map[string]string {
	units := map[string]string{intervalName: "s"}
	for _, m := range record.Metrics {
		units[m.Name] = m.Unit
	}
	return units
}()
