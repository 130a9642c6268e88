package ledger

import "strconv"

// Entry is one key of one worker, and what is known of it.
type Entry struct {
	label
	page    *Page
	space   Space
	batch   uint64
	blurred bool // too much is open: nothing can be said of the key any more
	used    bool
	register
	number number
}

// Space says what the key holds.
func (e *Entry) Space() Space { return e.space }

// Used implements Key.
func (e *Entry) Used() bool { return e.used }

// Issue implements Key. The sequence number of a read is 0.
func (e *Entry) Issue(a Act, reply *Reply) uint64 {
	e.used = true
	reply.reset(len(e.name) + tokenRoom)
	if !a.Writes() {
		return 0
	}
	return e.register.issue()
}

// Withdraw implements Key: what was never sent changed nothing.
func (e *Entry) Withdraw(uint64) {}

// Judge implements Key.
func (e *Entry) Judge(c Call) (wrong bool) { return e.judge(c, false) }

// Settle implements Key.
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
	known := e.known()
	if e.counts() {
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
	case !known: // there was nothing to hold it against
	default:
		e.page.book.counts.add(c.Act.Writes())
	}
	return wrong
}

// counts says whether the key is a number, or has one: its length.
func (e *Entry) counts() bool { return e.space == Counters || e.space == Lists }

// known says whether there is something to hold a reply against.
func (e *Entry) known() bool {
	if e.counts() {
		return !e.number.vague
	}
	return !e.register.vague
}

// leaveOpen notes a write whose end nobody saw.
func (e *Entry) leaveOpen(c *Call) {
	if e.counts() {
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
	e.page.book.violate(Violation{
		Kind: k, Count: n, Key: e.name, Command: c.Command, Conn: c.Reply.Conn, Node: c.Reply.Node, Expected: expected, Found: found,
	})
}
