package ledger

import "strconv"

// Entry is one key and what is known of it.
type Entry struct {
	Key   string
	Space Space

	page    *Page
	batch   uint64
	blurred bool // too much is open: nothing can be said of the key any more
	used    bool
	register
	number number
}

// Used says whether the key was ever written or read.
func (e *Entry) Used() bool { return e.used }

// Issue begins an operation and returns the sequence number of a write, 0 for
// an operation that writes no value. An operation that is never sent needs no
// Judge. It readies reply, which may be nil.
func (e *Entry) Issue(a Act, reply *Reply) uint64 {
	e.used = true
	if reply != nil {
		reply.reset(len(e.Key) + tokenRoom)
	}
	if !a.Writes() {
		return 0
	}
	return e.register.issue()
}

// Judge takes the end of an operation, and reports whether its reply is one
// that nobody can have written: then it is not the answer to this operation,
// and neither acknowledges nor shows anything.
func (e *Entry) Judge(c Call) (wrong bool) { return e.judge(c, false) }

// Settle is Judge for the reading back after the load: nothing is in flight
// any more, what is seen now is what is there, and what is open is decided.
func (e *Entry) Settle(c Call) {
	switch {
	case e.blurred:
	case c.End != Acknowledged, c.Act.Writes() && c.Attempts > 1, e.judge(c, true):
		e.blur(0)
	default:
		e.decide()
	}
}

func (e *Entry) judge(c Call, last bool) (wrong bool) {
	switch {
	case e.blurred:
		return false
	case c.End == NotApplied:
		return false
	case c.End == Open:
		if c.Act.Writes() {
			e.leaveOpen(&c)
		}
		return false
	}
	if e.Space == Counters || e.Space == Lists {
		wrong = e.tally(&c)
	} else {
		wrong = e.look(&c, last)
	}
	switch {
	case e.blurred:
	case wrong:
		e.violate(Wrong, 1, &c, "a value of this run", strconv.Quote(string(c.Reply.Value)))
		if c.Act.Writes() {
			e.leaveOpen(&c)
		}
	case c.Act.Writes():
		e.page.book.counts.writes.Add(1)
	default:
		e.page.book.counts.reads.Add(1)
	}
	return wrong
}

// leaveOpen notes a write whose end nobody saw.
func (e *Entry) leaveOpen(c *Call) {
	if e.Space == Counters || e.Space == Lists {
		e.number.leaveOpen(c.Act)
		return
	}
	if !e.register.leaveOpen(c, true) {
		e.blur(1)
	}
}

// blur gives the key up: what is open on it stays unknown.
func (e *Entry) blur(more int) {
	e.settleDoubt()
	e.blurred = true
	n := more + e.number.open() + e.register.open()
	e.page.book.counts.undecided.Add(uint64(n))
	e.floating, e.number = nil, number{}
}

// decide says what became of the writes that are open still: what the reading
// back did not show was not applied, unless something may have covered it.
func (e *Entry) decide() {
	c := &e.page.book.counts
	for _, f := range e.floating {
		switch {
		case !f.open:
		case f.covered:
			c.undecided.Add(1)
		default:
			c.undone.Add(1)
		}
	}
	e.floating = nil
	if n := uint64(e.number.open()); e.number.covered {
		c.undecided.Add(n)
	} else {
		c.undone.Add(n)
	}
	e.number.up, e.number.down, e.number.covered = 0, 0, false
}

func (e *Entry) violate(k Kind, n uint64, c *Call, expected, found string) {
	b := e.page.book
	b.counts.violations[k].Add(n)
	v := Violation{
		Kind: k, Count: n, Pool: b.config.Pool, Worker: e.page.worker, Key: e.Key,
		Command: c.Command, Expected: expected, Found: found,
	}
	if c.Reply != nil {
		v.Conn, v.Node = c.Reply.Conn, c.Reply.Node
	}
	b.config.Report(v)
}
