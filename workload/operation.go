package workload

import (
	"context"

	"schload/workload/ledger"
)

// Operation is one command of the mix, ready to be sent. Key and Value are
// valid until the Target's Do returns: their memory is used again for the next
// operation. A Target that keeps them longer must copy them (strings.Clone,
// bytes.Clone).
type Operation struct {
	Index   int    // in the mix
	Command string // upper case; one of Commands, or a Form's
	Form    Form
	Key     string // "" for PING
	Value   []byte // what is written; nil for commands that write none
	Slot    uint16 // the hash slot of Key plus 1; 0: it has none, or nobody said

	// Keys are all keys of MGET and MSET, Key being the first, and Values what
	// MSET writes to them. Both are nil for other commands.
	Keys   []string
	Values [][]byte

	// Reply is set where the engine itself judges what was replied: for operations
	// on keys of a ledger and on keys that expire, and for messages. The Target
	// writes the reply into it.
	Reply *ledger.Reply
}

// Form says which of a command's forms is sent, where it has more than one.
type Form uint8

// The forms of commands.
const (
	PlainForm   Form = iota // what Commands says
	AuditedForm             // on a key of a ledger: SET with the option GET, GETDEL for DEL, ZADD with INCR, and SCARD, so that every write shows what it found
	MessageForm             // of a pool that delivers messages: PUBLISH, SPUBLISH, and XADD that drops nothing
)

// Target does operations. Do is called by many goroutines at once, with as
// many operations as the pool's pipeline is deep, and fills outcomes[i] with
// what became of ops[i]; an outcome it leaves alone counts as failed (Other).
// When ctx is done it must give up soon. The operations it gave up are
// outcomes too (Canceled).
type Target interface {
	Do(ctx context.Context, ops []Operation, outcomes []Outcome)
}

// Forker is a Target that gives each worker a Target of its own, such as one
// with its own connection. One goroutine at a time uses what Fork returns.
type Forker interface{ Fork() Target }

// own returns a worker's own target.
func own(t Target) Target {
	if f, ok := t.(Forker); ok {
		return f.Fork()
	}
	return t
}
