package report

import (
	"testing"

	"schload/internal/compare"
)

func TestDifferences(t *testing.T) {
	s := rolling()
	s.Rounds = 8
	bound := func(x float64) *float64 { return &x }
	s.Differences = []compare.Difference{
		{Metric: "harmed_ratio", Unit: "1", Arm: "on", Against: "off", Better: compare.Lower, Rounds: 8, Estimate: -0.0411, Low: bound(-0.0523), High: bound(-0.0302), Effect: -1, P: 2. / 256, PAdjusted: 0.0112, Verdict: compare.VerdictBetter},
		{Metric: "failed", Unit: "operations", Arm: "on", Against: "off", Better: compare.Lower, Rounds: 8, Estimate: -37, Low: bound(-52), High: bound(-4.5), Effect: -0.89, P: 0.0156, PAdjusted: 0.23, Verdict: compare.NoEvidence, RoundsNeeded: 14},
		{Metric: "missed", Unit: "operations", Arm: "on", Against: "off", Better: compare.Lower, Rounds: 8, P: 1, PAdjusted: 1, Verdict: compare.NotSeen},
		{Metric: "outage_longest_s", Unit: "s", Arm: "on", Against: "off", Better: compare.Lower, Rounds: 8, P: 1, PAdjusted: 1, Verdict: compare.NotSeen},
		{Metric: "response_p99_s", Unit: "s", Arm: "on", Against: "off", Better: compare.Lower, Rounds: 4, Estimate: 0.00213, Effect: 0.1, P: 0.000031, PAdjusted: 0.00041, Verdict: compare.NoEvidence},
		{Metric: "dials", Unit: "dials", Arm: "on", Against: "off", Better: compare.Lower, Rounds: 8, Estimate: 16, Low: bound(12), High: bound(17.5), Effect: 1, P: 2. / 256, PAdjusted: 0.0234, Verdict: compare.VerdictWorse},
	}
	golden(t, "differences", text(t, s))
}
