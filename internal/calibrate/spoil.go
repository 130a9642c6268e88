package calibrate

import (
	"time"

	"schload/handoff"
	"schload/handoff/sim"
	"schload/telemetry/record"
	"schload/workload"
)

// spoil breaks parts of the instrument, so that tests can show that a check
// notices. What is nil is left whole.
type spoil struct {
	pool     func(*workload.Pool)                  // what the engine is told to offer
	sink     func(workload.Sink) workload.Sink     // between engine and recorder
	interval func(*record.Interval)                // between recorder and bundle
	instants func([]time.Duration)                 // at which operations were sent
	open     func(*sim.Simulator, *handoff.Config) // how an arm reaches its target
}
