package bundle

import (
	"slices"
	"testing"
	"time"
)

// Each limit is found alone, by a reason that is listed, and what is at a limit
// or unknown is not beyond it.
func TestExceeded(t *testing.T) {
	const length = Seconds(100 * time.Second)
	steal := func(d time.Duration) *Seconds { s := Seconds(d); return &s }
	for _, tt := range []struct {
		health *Health
		want   string
	}{
		{nil, ""},
		{&Health{SchedLatency: Spread{P99: Seconds(time.Second)}}, ""}, // of no time
		{&Health{Length: length, Processors: 2}, ""},
		{&Health{Length: length, SchedLatency: Spread{P99: Seconds(schedLimit)}}, ""},
		{&Health{Length: length, SchedLatency: Spread{P99: Seconds(schedLimit + 1)}}, ReasonSched},
		{&Health{Length: length, GCPause: Spread{Sum: Seconds(1100 * time.Millisecond)}}, ReasonPause},
		{&Health{Length: length, Processors: 2, Steal: steal(19 * time.Second)}, ""},
		{&Health{Length: length, Processors: 2, Steal: steal(21 * time.Second)}, ReasonSteal},
		{&Health{Length: length, Files: &Stock{Used: 95, Limit: 100}}, ReasonFiles},
	} {
		list := tt.health.Exceeded()
		if tt.want == "" && len(list) == 0 {
			continue
		}
		if len(list) != 1 || list[0].Reason != tt.want || list[0].Text == "" || !slices.Contains(Reasons, list[0].Reason) {
			t.Errorf("%+v: beyond %+v, want %q", tt.health, list, tt.want)
		}
	}
}
