package telemetry

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// What is stated and not in the list, or as another kind than there, is a
// mistake of the program: it stops where it is stated, not where it is sent.
func TestUnlistedMetricPanics(t *testing.T) {
	counted := func(name string) record.Interval {
		return record.Interval{To: time.Second, Counts: []record.Count{{Name: name, Arm: "on", Value: 1}}}
	}
	stated := func(name string) record.Interval {
		return record.Interval{To: time.Second, Levels: []record.Level{{Name: name, Arm: "on", Value: 1}}}
	}
	timed := func(name string) record.Interval {
		return record.Interval{To: time.Second, Distributions: []record.Distribution{{Name: name, Arm: "on", Times: new(histogram.Histogram)}}}
	}
	for want, interval := range map[string]record.Interval{
		`"schload.typo" is not in record.Metrics`:                                     counted("schload.typo"),
		`"schload.typo.gauge" is not in record.Metrics`:                               stated("schload.typo.gauge"),
		`"schload.typo.time" is not in record.Metrics`:                                timed("schload.typo.time"),
		`"schload.connections" is stated as counter, and record.Metrics has it as ga`: counted(record.Connections),
		`"schload.handoffs" is stated as gauge or updowncounter`:                      stated(record.Handoffs),
		`"schload.outage.longest" is stated as histogram`:                             timed(record.OutageLongest),
	} {
		t.Run(want, func(t *testing.T) {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
					t.Errorf("panic %q, want one that says %s", got, want)
				}
			}()
			newSource("on", base, new(health)).add(interval)
		})
	}
}

// Zeros that the run prepares besides are stated, too.
func TestUnlistedZeroPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a zero of schload.typo was prepared")
		}
	}()
	newSource("on", base, new(health)).prepare(arms, []record.Count{{Name: "schload.typo", Arm: "on"}})
}
