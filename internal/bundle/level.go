package bundle

import (
	"fmt"

	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"

	"schload/telemetry/record"
)

// mostLevel is more than any gauge of schload: what is read from one may be
// taken for a whole number of 63 bits.
const mostLevel = 1 << 63

// signed are the levels that may be less than nothing: what go-redis counts up
// and down by itself, which it may do in the wrong order, and an instant, for a
// client may dial before the run's base.
var signed = func() map[string]bool {
	signed := map[string]bool{record.DialsPeakAt: true}
	for _, m := range record.Metrics {
		if m.Kind == record.UpDownCounter {
			signed[m.Name] = true
		}
	}
	return signed
}()

// leastOf is the least that a level of that name can be. Of a gauge that is not
// schload's nothing is known.
func leastOf(name string) float64 {
	if units[name] == "" || signed[name] {
		return -mostLevel
	}
	return 0
}

// levelOf is a gauge's value, whichever of its two kinds a point has.
func levelOf(p *metricspb.NumberDataPoint) float64 {
	if i, ok := p.GetValue().(*metricspb.NumberDataPoint_AsInt); ok {
		return float64(i.AsInt)
	}
	return p.GetAsDouble()
}

// checkLevel refuses what would spoil every sum it is added to.
func checkLevel(name string, v float64) error {
	least := leastOf(name)
	if v >= least && v < mostLevel { // NaN is neither
		return nil
	}
	return fmt.Errorf("value %v is no level: want a number from %v to %v", v, least, float64(mostLevel))
}
