package experiment

import (
	"time"

	"schload/telemetry/mark"
)

const (
	// beat is how often the harness looks whether it is alive, and stall the
	// lateness of a beat that is worth telling: a tenth of the shortest outage
	// by default, far above what a healthy machine's scheduler does.
	beat  = 10 * time.Millisecond
	stall = 50 * time.Millisecond
)

// heartbeat marks every span in which the whole process stood still, until
// stop is closed. An outage or a latency of that size at that time may be the
// harness's own.
func (r *run) heartbeat(stop <-chan struct{}) {
	timer := time.NewTimer(beat)
	defer timer.Stop()
	for {
		set := time.Since(r.Base)
		select {
		case <-stop:
			return
		case <-timer.C:
		}
		if late := time.Since(r.Base) - set - beat; late >= stall {
			r.Timeline.Mark(mark.Mark{At: set + beat, Duration: late, Kind: mark.Harness, Name: "stall", Source: "harness",
				Detail: "the harness stood still"})
		}
		timer.Reset(beat)
	}
}
