package calibrate

import (
	"testing"
	"time"

	"schload/workload"
)

func TestStall(t *testing.T) {
	wantPass(t, inVirtualTime(t, stall, spoil{}))
}

// A generator that waits for replies, or one that counts from the send, or that
// drops what it cannot send, does not know how many had to wait.
func TestStallIsNoticed(t *testing.T) {
	for _, tt := range []struct {
		name, word string
		spoil      spoil
	}{
		{"closed loop", "due in all", spoil{pool: func(p *workload.Pool) {
			p.Schedule = workload.Schedule{Arrival: workload.ClosedLoop, Think: 16 * time.Millisecond}
		}}},
		{"counts from the send", "in the stall", spoil{sink: filtered(func(x *workload.Sample) bool {
			x.Intended = x.Sent
			return true
		})}},
		{"drops", "in the stall, want 1000", spoil{pool: func(p *workload.Pool) { p.Overload = workload.Drop }}},
		{"loses samples", "invalid", spoil{sink: filtered(every(100))}},
		{"flatters by 2 %", "response time of rank", spoil{sink: filtered(func(x *workload.Sample) bool {
			x.Sent -= x.Lateness() / 50
			x.Done -= x.ResponseTime() / 50
			return true
		})}},
		{"adds the wait to the service", "service time p95", spoil{sink: filtered(func(x *workload.Sample) bool {
			x.Sent = x.Intended
			return true
		})}},
	} {
		t.Run(tt.name, func(t *testing.T) { wantFail(t, inVirtualTime(t, stall, tt.spoil), tt.word) })
	}
}

// What only the machine explains is no fault of the instrument.
func TestStallOnABusyMachine(t *testing.T) {
	var f finding
	f.misses(hopeless+1, "late")
	f.doubt(false, "busy")
	if len(f.wrong) != 0 || len(f.noise) != 2 {
		t.Errorf("got %+v, want noise alone", f)
	}
}
