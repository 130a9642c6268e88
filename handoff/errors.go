package handoff

import (
	"fmt"
	"strings"
)

// Problem says what is wrong with a target; commands choose their exit code
// by it.
type Problem string

// The problems of a target.
const (
	Unreachable Problem = "unreachable" // no connection: name, address, port, network
	BadTLS      Problem = "tls"         // no encrypted connection: certificate, server name, plain port
	BadAuth     Problem = "auth"        // user or password missing, wrong or without permission
	NoRESP3     Problem = "resp3"       // the server does not speak RESP3
	NoOptIn     Problem = "opt_in"      // the server refuses the opt-in an arm insists on
	NoCluster   Problem = "cluster"     // the server knows no slot map, or one without slots
	BadReply    Problem = "reply"       // the server answered, but not as a Redis that is ready
)

// TargetError says that an arm cannot work with its target. Its text is one
// line: target, what is missing, how to fix it.
type TargetError struct {
	Target  Target
	Arm     string
	Problem Problem
	Missing string // what is missing or wrong
	Fix     string // what to do about it
	Err     error  // what the client got, may be nil
}

// Error implements error.
func (e *TargetError) Error() string {
	return fmt.Sprintf("arm %s: %v: %s; %s", e.Arm, e.Target, oneLine(e.Missing), e.Fix)
}

// Unwrap returns the error behind it.
func (e *TargetError) Unwrap() error { return e.Err }

func oneLine(text string) string {
	return strings.Join(strings.Fields(text), " ")
}
