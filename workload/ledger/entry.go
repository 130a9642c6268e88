package ledger

import (
	"slices"
	"strconv"
	"sync/atomic"
)

// Entry is one key of one worker, and what is known of it.
type Entry struct {
	label
	page    *Page
	space   Space
	held    atomic.Bool // an operation or the reading back has the key
	blurred bool        // too much is open: nothing can be said of the key any more
	used    bool
	register
	number number
	set    *set // of Sets
}

// Space says what the key holds.
func (e *Entry) Space() Space { return e.space }

// Used implements Key.
func (e *Entry) Used() bool { return e.used }

// Next implements Key.
func (e *Entry) Next(a Act) Act {
	if a == Insert && e.set.full() {
		return Discard
	}
	return a
}

// Issue implements Key. The sequence number of a read is 0.
func (e *Entry) Issue(a Act, reply *Reply) uint64 {
	e.used = true
	reply.reset(len(e.name) + tokenRoom)
	switch {
	case !a.Writes():
		return 0
	case a == Discard:
		return e.set.oldest().sequence
	}
	return e.register.issue()
}

// Withdraw implements Key: what was never sent changed nothing.
func (e *Entry) Withdraw(uint64) { e.held.Store(false) }

// Judge implements Key.
func (e *Entry) Judge(c Call) (wrong bool) {
	wrong = e.judge(c)
	e.held.Store(false)
	return wrong
}

// Settle implements Key.
func (e *Entry) Settle(c Call) {
	c.Back = true
	switch {
	case e.blurred:
	case c.End != Acknowledged, c.Act.Writes() && c.Attempts > 1, e.judge(c):
		e.blur(0)
	default:
		e.decide()
	}
}

// Resolve implements Key. Where nothing could be read everything stays open.
func (e *Entry) Resolve(c Call) {
	c.Back = true
	switch {
	case e.blurred:
	case c.End == Acknowledged && !(c.Act.Writes() && c.Attempts > 1):
		if !e.judge(c) {
			e.decide()
		}
	case c.Act.Writes() && c.End != NotApplied: // the reading back of a number raises it
		e.number.up.repeat(max(1, c.Attempts))
	}
	e.held.Store(false)
}

// unresolved reports whether something may still take effect, or a read is in
// doubt.
func (e *Entry) unresolved() bool {
	return !e.blurred && (e.doubt != nil || len(e.floating) > 0 || e.number.up.all+e.number.down.all > 0)
}

func (e *Entry) judge(c Call) (wrong bool) {
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
	switch {
	case e.counts():
		wrong = e.tally(&c)
	case e.set != nil:
		wrong = e.count(&c)
	default:
		wrong = e.look(&c)
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
func (e *Entry) counts() bool { return e.space == Counters || e.space == Lists || e.space == Scores }

// known says whether there is something to hold a reply against.
func (e *Entry) known() bool {
	if e.counts() || e.set != nil {
		return !e.number.vague
	}
	return !e.register.vague
}

// leaveOpen notes a write whose end nobody saw.
func (e *Entry) leaveOpen(c *Call) {
	switch {
	case e.counts():
		e.number.leaveOpen(c.Act)
		return
	case e.set != nil:
		e.leaveSetOpen(c)
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
// back did not show was not applied, unless something may have covered it. What
// was decided the time before explains nothing any more: whatever carried it
// has ended long ago.
func (e *Entry) decide() {
	c := &e.page.book.counts
	if e.set != nil {
		e.set.forgetOpen()
	}
	e.floating = slices.DeleteFunc(e.floating, func(f floating) bool { return f.told })
	for i := range e.floating {
		f := &e.floating[i]
		switch {
		case !f.open:
		case f.covered:
			c.undecided.Add(1)
		default:
			c.undone.Add(1)
		}
		f.open, f.told = false, true
	}
	if len(e.floating) == 0 {
		e.floating = nil
	}
	if n := uint64(e.number.open()); e.number.covered {
		c.undecided.Add(n)
	} else {
		c.undone.Add(n)
	}
	e.number.tell()
}

func (e *Entry) violate(k Kind, n uint64, c *Call, expected, found string) {
	e.page.book.violate(Violation{
		Kind: k, Count: n, Key: e.name, Command: c.Command, Conn: c.Reply.Conn, Node: c.Reply.Node, Back: c.Back, Expected: expected, Found: found,
	})
}
