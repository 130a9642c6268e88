package mark

import "time"

// Kind says what sort of fact a mark states.
type Kind string

// The kinds of marks. One word per idea; docs/BUNDLE.md lists their fields.
const (
	Phase      Kind = "phase"       // a phase began; Name is the phase
	Step       Kind = "step"        // the stage did something; Name is the act
	Notice     Kind = "notice"      // a maintenance push reached a connection; Name is its kind (MOVING, ...)
	Handoff    Kind = "handoff"     // a connection's handoff; Name is started, succeeded or failed
	Dial       Kind = "dial"        // a connection was dialled; Name is ok or an outcome class
	Close      Kind = "close"       // a connection ended; Name is who closed it (server, client)
	Coverage   Kind = "coverage"    // an event is followed no longer; Count of Of connections read its notice, Duration from the first to the last
	Relaxed    Kind = "relaxed"     // a relaxed-timeout window ended; Duration is its length
	Outage     Kind = "outage"      // an arm had no success although operations were due; Duration is its length
	BrownOut   Kind = "brown_out"   // successes came, but all of them late; Duration is its length
	Gap        Kind = "gap"         // the longest span of late without a success although operations were due; Duration is its length
	SlotMap    Kind = "slot_map"    // an arm read the slot map of its cluster
	WrongReply Kind = "wrong_reply" // a reply that cannot belong to its command; Detail is the evidence
	Message    Kind = "message"     // receivers lost messages (gap), or messages reached nobody (unheard); Duration is how long
	Integrity  Kind = "integrity"   // the database did not keep what it acknowledged; Name is the violation
	Injection  Kind = "injection"   // the simulator injected a fault; Name is the fault
	Invalid    Kind = "invalid"     // something disqualifies the run; Detail says what
	Worker     Kind = "worker"      // what one worker of a merged run felt alone; Name is outage, brown_out or stall
	Harness    Kind = "harness"     // the tool about itself: export failures, saturation
)

// Essential says whether a timeline without marks of the kind cannot be read.
// They are few, and the last to be dropped.
func (k Kind) Essential() bool {
	switch k {
	case Phase, Step, Outage, BrownOut, Gap, Coverage, SlotMap, WrongReply, Integrity, Injection, Invalid, Harness:
		return true
	}
	return false
}

// Mark is one time-stamped fact. The zero value of every field but At and
// Kind means "does not apply".
type Mark struct {
	At       time.Duration `json:"at_ns"`                 // since the run's base instant
	Duration time.Duration `json:"duration_ns,omitempty"` // for facts that last, At is the beginning; of a notice the time it announces
	Kind     Kind          `json:"kind"`
	Name     string        `json:"name,omitempty"`
	Round    int           `json:"round,omitempty"`  // 1..N
	Source   string        `json:"source,omitempty"` // sim, stage, arm or harness; of a phase also notices
	Worker   string        `json:"worker,omitempty"` // of a merged run, whose mark it is
	Arm      string        `json:"arm,omitempty"`
	Pool     string        `json:"pool,omitempty"`
	Slots    string        `json:"slots,omitempty"` // a range of hash slots, 0-1023
	Conn     uint64        `json:"conn,omitempty"`  // connection number within the arm, from 1
	Node     string        `json:"node,omitempty"`  // host:port of the far end
	Seq      *int64        `json:"seq,omitempty"`   // sequence id of a notice (0 is legal)
	Count    uint64        `json:"count,omitempty"` // of Of
	Of       uint64        `json:"of,omitempty"`
	Detail   string        `json:"detail,omitempty"`
	Origin   string        `json:"origin,omitempty"` // of the number behind a step: measured, documented, test, assumption
}

// Sink receives marks. It must be safe for concurrent use and must not block:
// it is called on the paths that carry operations.
type Sink func(Mark)

// Discard is the Sink that keeps nothing.
func Discard(Mark) {}
