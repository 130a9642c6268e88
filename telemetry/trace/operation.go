package trace

import (
	"schload/telemetry/mark"
	"schload/telemetry/record"
	"schload/workload"
)

// Reason says why an operation is traced.
type Reason string

// The reasons, the first that applies.
const (
	Wrong  Reason = "wrong"  // its reply cannot belong to it
	Failed Reason = "failed" // it ended in another error
	Late   Reason = "late"   // it succeeded, later than the limit of response time
	Slow   Reason = "slow"   // it succeeded in time, and took longer than Config.Beyond or Config.Share
)

// Operation is one that is traced: all that is known of it.
type Operation struct {
	workload.Sample // its instants count from the run's base

	Arm, Pool, Name string // Name is the command (GET)
	Reason          Reason
	Phase           record.Phase
	Round           int

	// Alike is how many operations of its pipeline ended alike and are told of by
	// this one; 1 without a pipeline. Batch is the pipeline's depth.
	Alike, Batch int

	Connection Connection
	Events     []mark.Mark // what befell its connection until it ended, oldest first
}

// Connection is the one that an operation used last. The zero value: there was
// none, or the client does not tell.
type Connection struct {
	Number  uint64 // within the arm, from 1
	Address string // host:port as it was dialled
	Node    string // host:port of the far end
}

// reasonOf is the reason of a sample that qualified.
func (p *Picker) reasonOf(s *workload.Sample) Reason {
	switch s.Outcome.Class {
	case workload.OK:
		if s.ResponseTime() > p.config.LateAfter {
			return Late
		}
		return Slow
	case workload.WrongReply, workload.CrossedReply:
		return Wrong
	}
	return Failed
}
