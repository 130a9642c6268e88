package workload

import (
	"fmt"
	"time"
)

// Class is the bounded set of outcomes of an operation, separated by cause.
// OK is the only success. The set follows what a Redis operation can meet
// during maintenance; package handoff maps client errors to it.
type Class uint8

// The outcome classes.
const (
	OK            Class = iota
	DialRefused         // nobody listens at the address dialled
	DialTimeout         // the dial got no answer in time
	DialOther           // name resolution, unreachable, TLS: the dial failed for another reason
	ReadTimeout         // the reply did not come in time
	WriteTimeout        // the command could not be written in time
	Reset               // the connection was reset (ECONNRESET, EPIPE)
	EOF                 // the server closed the connection in an orderly way
	PoolTimeout         // no connection of the pool became free in time
	PoolExhausted       // the pool refused to open another connection
	Redirect            // MOVED or ASK reached the caller
	Loading             // LOADING
	Readonly            // READONLY
	Clusterdown         // CLUSTERDOWN
	Masterdown          // MASTERDOWN
	Tryagain            // TRYAGAIN
	Conflict            // EXEC did nothing, for somebody else had written a watched key
	Noauth              // NOAUTH, WRONGPASS, NOPERM
	ServerError         // any other error reply
	WrongReply          // a reply that cannot belong to its command
	CrossedReply        // a wrong or unreadable reply on a connection in the client's own handoff
	Canceled            // the run ended before the operation did
	Other
	classes // count
)

// Classes is the number of outcome classes, OK included: the size of an array
// indexed by Class.
const Classes = int(classes)

var classNames = [Classes]string{
	"ok", "dial_refused", "dial_timeout", "dial_other", "read_timeout", "write_timeout",
	"reset", "eof", "pool_timeout", "pool_exhausted", "redirect", "loading", "readonly",
	"clusterdown", "masterdown", "tryagain", "conflict", "noauth", "server_error", "wrong_reply",
	"crossed_reply", "canceled", "other",
}

// String returns the class as files and metrics spell it: read_timeout.
func (c Class) String() string {
	if int(c) >= Classes {
		return fmt.Sprintf("class(%d)", uint8(c))
	}
	return classNames[c]
}

// MarshalText implements encoding.TextMarshaler.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Class) UnmarshalText(text []byte) error {
	for i, name := range classNames {
		if name == string(text) {
			*c = Class(i)
			return nil
		}
	}
	return fmt.Errorf("unknown outcome class %q", text)
}

// Effect says whether a failed operation may have changed the data
// (the distinction Jepsen draws between :fail and :info).
type Effect uint8

// The effects.
const (
	Applied       Effect = iota // acknowledged
	NotApplied                  // certainly without effect
	Indeterminate               // it may have been applied
)

// Outcome is how one operation ended.
type Outcome struct {
	Class    Class
	Effect   Effect
	Conn     uint32 // number of the connection used last, if the client was asked to tell; else 0
	Attempts int    // tries the client made, at least 1; 0 when the client does not say
}

// Sample is one operation that was started: its three instants since the
// run's base, and its outcome.
type Sample struct {
	Operation int // index into the pool's Mix
	Intended  time.Duration
	Sent      time.Duration
	Done      time.Duration
	Outcome   Outcome
}

// ResponseTime is what the application felt: from the intended instant.
func (s Sample) ResponseTime() time.Duration { return s.Done - s.Intended }

// ServiceTime is what the client and server took: from the send.
func (s Sample) ServiceTime() time.Duration { return s.Done - s.Sent }

// Lateness is how long the operation waited before it was sent.
func (s Sample) Lateness() time.Duration { return s.Sent - s.Intended }

// Reason says why an operation that fell due was never started.
type Reason uint8

// The reasons of missed operations.
const (
	Deadline  Reason = iota // it could not start before its start deadline
	NoWorker                // overload policy drop: no worker was free at its intended instant
	QueueFull               // more operations were waiting than the queue holds
	Ended                   // the run was interrupted while it waited
	reasons
)

// Reasons is the number of reasons: the size of an array indexed by Reason.
const Reasons = int(reasons)

// String returns the reason as files and metrics spell it.
func (r Reason) String() string {
	return [...]string{"deadline", "no_worker", "queue_full", "ended"}[r]
}

// Sink takes what one goroutine of the engine observed. The engine asks for
// one Sink per goroutine, so a Sink needs no protection against concurrent
// calls, and none of its methods may block or allocate.
type Sink interface {
	// Due states that n operations fell due at the intended instant.
	Due(intended time.Duration, n int)
	// Done states that n operations ended alike (n > 1: a pipeline).
	Done(s Sample, n int)
	// Missed states that n operations were never started.
	Missed(intended time.Duration, reason Reason, n int)
}
