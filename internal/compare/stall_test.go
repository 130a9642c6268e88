package compare

import (
	"testing"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/mark"
)

// While the harness stands still nothing can be said of an arm: that time is
// taken off its outages, and a span that owes its length to it is none.
func TestStallsAreNotOutages(t *testing.T) {
	const ms = time.Millisecond
	outage := func(at, length time.Duration) mark.Mark {
		return mark.Mark{Kind: mark.Outage, Arm: "on", At: at, Duration: length}
	}
	stall := func(at, length time.Duration) mark.Mark {
		return mark.Mark{Kind: mark.Harness, Name: "stall", At: at, Duration: length}
	}
	for _, tt := range []struct {
		name    string
		outages []mark.Mark
		stalls  []mark.Mark
		windows uint64
		longest time.Duration
		own     int
	}{
		{"no stall", []mark.Mark{outage(1000*ms, 900*ms)}, nil, 1, 900 * ms, 0},
		{"all of it", []mark.Mark{outage(1000*ms, 900*ms)}, []mark.Mark{stall(990*ms, 920*ms)}, 0, 0, 1},
		{"a part, the rest is long enough", []mark.Mark{outage(1000*ms, 900*ms)}, []mark.Mark{stall(1100*ms, 200*ms)}, 1, 700 * ms, 0},
		{"two parts", []mark.Mark{outage(1000*ms, 900*ms)}, []mark.Mark{stall(500*ms, 700*ms), stall(1800*ms, 400*ms)}, 1, 600 * ms, 0},
		{"exactly the limit remains", []mark.Mark{outage(1000*ms, 900*ms)}, []mark.Mark{stall(1100*ms, 400*ms)}, 0, 0, 1},
		{"elsewhere", []mark.Mark{outage(1000*ms, 900*ms)}, []mark.Mark{stall(100*ms, 900*ms), stall(1900*ms, 900*ms)}, 1, 900 * ms, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, own := timeline{outages: tt.outages, stalls: tt.stalls, limit: 500 * ms}.outage(place{arm: "on"})
			if o.Windows != tt.windows || o.Longest != bundle.Seconds(tt.longest) || o.Total != o.Longest || own != tt.own {
				t.Errorf("got %+v and %d of its own, want %d windows of %v and %d", o, own, tt.windows, tt.longest, tt.own)
			}
		})
	}
}
