package calibrate

import (
	"testing"

	"schload/telemetry/record"
	"schload/workload"
)

func TestLaws(t *testing.T) {
	wantPass(t, inVirtualTime(t, laws, spoil{}))
}

func TestLawsAreNoticed(t *testing.T) {
	for _, tt := range []struct {
		name, word string
		spoil      spoil
	}{
		{"half of the service time", "in no service time", spoil{sink: filtered(func(x *workload.Sample) bool {
			x.Sent += x.ServiceTime() / 2
			return true
		})}},
		{"more than there was", "more service time than was in flight", spoil{sink: filtered(func(x *workload.Sample) bool {
			x.Done += x.ServiceTime() / 10
			return true
		})}},
		{"an operation lost", "is not", spoil{sink: filtered(every(500))}},
		{"failures taken for successes", "the target failed", spoil{sink: filtered(func(x *workload.Sample) bool {
			x.Outcome.Class = workload.OK
			return true
		})}},
		{"the engine does not say", "did not say what was in flight", spoil{interval: func(iv *record.Interval) { iv.Levels = nil }}},
	} {
		t.Run(tt.name, func(t *testing.T) { wantFail(t, inVirtualTime(t, laws, tt.spoil), tt.word) })
	}
}
