package calibrate

import (
	"time"

	"schload/handoff"
	"schload/telemetry/record"
	"schload/workload"
)

// spoil breaks parts of the instrument, so that tests can show that a check
// notices. What is nil or zero is left whole.
type spoil struct {
	pool     func(*workload.Pool)              // what the engine is told to do
	sink     func(workload.Sink) workload.Sink // between engine and recorder
	interval func(*record.Interval)            // between recorder and bundle
	instants func([]time.Duration)             // that a schedule offered
	arm      func(*handoff.Arm)                // of an experiment
	open     func(*handoff.Config)             // how an arm reaches its target
	ledger   float64                           // share of operations taken off the ledger
}
