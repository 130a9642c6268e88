package ledger

import "sync/atomic"

// Kind is a kind of violation.
type Kind uint8

// The kinds of violations.
const (
	Lost       Kind = iota // an acknowledged write is gone
	Stale                  // a read showed what was there before a write that had been acknowledged; the write is still there
	Duplicate              // an operation was applied more often than it was asked for
	OutOfOrder             // a reader saw a newer value, then an older one, and no acknowledged write lies between
	Wrong                  // a value nobody wrote
	kinds
)

// Kinds is the number of kinds: the size of an array indexed by Kind.
const Kinds = int(kinds)

// String returns the kind as files and metrics spell it.
func (k Kind) String() string {
	return [...]string{"lost_acknowledged_write", "stale_read", "duplicate_application", "out_of_order", "wrong_reply"}[k]
}

// Violation is one or several of a kind that one reply gave evidence of.
type Violation struct {
	Kind     Kind
	Count    uint64
	Pool     string
	Key      string
	Command  string
	Conn     uint64
	Node     string
	Back     bool   // the reading back found it
	Expected string // what had to be there: a token, a number, nothing
	Found    string // what was there
}

// Counts are the sums of a book. They only grow.
type Counts struct {
	Reads, Writes              uint64 // replies that were held against what may be there
	Violations                 [Kinds]uint64
	Applied, Undone, Undecided uint64 // open writes by what became of them: applied, not applied, unknown
}

// Minus returns what was added since before.
func (c Counts) Minus(before Counts) Counts {
	c.Reads -= before.Reads
	c.Writes -= before.Writes
	c.Applied -= before.Applied
	c.Undone -= before.Undone
	c.Undecided -= before.Undecided
	for k, n := range before.Violations {
		c.Violations[k] -= n
	}
	return c
}

// Plus returns the sums of both.
func (c Counts) Plus(more Counts) Counts {
	c.Reads += more.Reads
	c.Writes += more.Writes
	c.Applied += more.Applied
	c.Undone += more.Undone
	c.Undecided += more.Undecided
	for k, n := range more.Violations {
		c.Violations[k] += n
	}
	return c
}

// counts is Counts while workers add to it.
type counts struct {
	reads, writes              atomic.Uint64
	violations                 [Kinds]atomic.Uint64
	applied, undone, undecided atomic.Uint64
}

func (c *counts) add(write bool) {
	if write {
		c.writes.Add(1)
	} else {
		c.reads.Add(1)
	}
}

func (c *counts) load() (out Counts) {
	out.Reads, out.Writes = c.reads.Load(), c.writes.Load()
	out.Applied, out.Undone, out.Undecided = c.applied.Load(), c.undone.Load(), c.undecided.Load()
	for k := range c.violations {
		out.Violations[k] = c.violations[k].Load()
	}
	return out
}
