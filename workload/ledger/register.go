package ledger

import "slices"

// recently is how many acknowledged writes of a key are remembered one by one.
const recently = 8

// mostFloating bounds the open writes of a key; beyond it the key is given up.
const mostFloating = 8

// register is the state of a key that holds one value, as the sequence of the
// owner's operations makes it.
type register struct {
	issued uint64 // the newest write
	now    uint64 // the write whose effect was there last, 0 for none of ours
	gone   bool   // and left, or found, nothing
	vague  bool   // not known, until something is seen

	// The last writes that were acknowledged and have not been found lost,
	// newest first.
	recent [recently]acknowledged

	floating []floating
	doubt    *doubt // nil for none
}

type acknowledged struct {
	sequence uint64 // 0: none
	removes  bool
}

// floating is a write that may take effect at any later time.
type floating struct {
	sequence uint64
	removes  bool
	times    int  // how often
	open     bool // nobody knows whether it did
	told     bool // a reading back has decided on it
	covered  bool // something else may have taken its place unseen
}

// doubt is one or several reads that showed an older state. Whether they were
// stale or the newer write is lost, the next certain sight decides.
type doubt struct {
	reads    uint64
	seen     sight
	expected sight
	call     Call
	reply    Reply
}

// sight is what a reply showed of a key.
type sight struct {
	absent   bool
	exact    bool // sequence is known
	sequence uint64
}

func (r *register) issue() uint64 {
	r.issued++
	return r.issued
}

// state is what has to be seen if nothing that floats came down.
func (r *register) state() sight { return sight{absent: r.gone, exact: !r.gone, sequence: r.now} }

// is reports whether a sight can be one of a state.
func (s sight) is(state sight) bool {
	return s.absent == state.absent && (s.absent || !s.exact || s.sequence == state.sequence)
}

// agrees reports whether two sights can be of the same state.
func (s sight) agrees(o sight) bool { return s.is(o) || o.is(s) }

func (r *register) open() (n int) {
	for _, f := range r.floating {
		if f.open {
			n++
		}
	}
	return n
}

// leaveOpen notes that a write may take effect later. It reports false when
// there are too many.
func (r *register) leaveOpen(c *Call, open bool) bool {
	if len(r.floating) == mostFloating {
		return false
	}
	times := max(1, c.Attempts)
	if !open {
		times-- // one of them is the one that was acknowledged
	}
	r.floating = append(r.floating, floating{sequence: c.Sequence, removes: c.Act == Remove, times: times, open: open})
	return true
}

// cover notes that what floats may have come down unseen.
func (r *register) cover() {
	for i := range r.floating {
		r.floating[i].covered = true
	}
}

// look judges the acknowledged operation of a register.
func (e *Entry) look(c *Call) (wrong bool) {
	seen, shows, wrong := e.sightOf(c)
	switch {
	case wrong || e.blurred:
		return wrong
	case !c.Act.Writes():
		e.see(seen, c.Back, c)
		return false
	case shows && !e.itself(seen, c):
		e.see(seen, true, c)
	default: // what was there before nobody saw
		e.cover()
		e.settleDoubt()
	}
	e.acknowledge(c)
	return false
}

// sightOf reads what a reply shows of the key; a Put shows nothing.
func (e *Entry) sightOf(c *Call) (s sight, shows, wrong bool) {
	switch c.Act {
	case Put:
		return s, false, false
	case Exists:
		s.absent = string(c.Reply.Value) == "0"
		return s, true, !s.absent && string(c.Reply.Value) != "1"
	}
	if c.Reply.Nil {
		return sight{absent: true}, true, false
	}
	sequence, own, ok := e.sequence(c.Reply.Value)
	switch {
	case !ok || own && (sequence == 0 || sequence > e.issued):
		return s, false, true
	case own:
		return sight{exact: true, sequence: sequence}, true, false
	case !e.vague: // another run writes this key: nothing can be said of it
		e.blur(0)
	}
	return s, false, false
}

// itself reports whether a write may have seen its own effect: sent twice, it
// met itself, and what was there before the first time nobody saw.
func (e *Entry) itself(seen sight, c *Call) bool {
	if seen.exact {
		return seen.sequence == c.Sequence
	}
	return c.Act == Remove && seen.absent && c.Attempts > 1
}

func (e *Entry) acknowledge(c *Call) {
	e.settleDoubt() // what could have told is gone
	e.now, e.gone, e.vague = c.Sequence, c.Act == Remove, false
	copy(e.recent[1:], e.recent[:])
	e.recent[0] = acknowledged{c.Sequence, c.Act == Remove}
	if c.Attempts > 1 && !e.register.leaveOpen(c, false) {
		e.blur(0)
	}
}

// see holds a sight against what may be there. It is certain when it comes
// from a write, which cannot be answered from a copy, or after the load.
func (e *Entry) see(s sight, certain bool, c *Call) {
	switch {
	case e.vague:
		if !s.exact || !e.landed(s) {
			e.hide(s)
			e.adopt(s)
		}
	case s.is(e.state()):
		e.hide(s)
		if e.doubt != nil && !e.doubt.seen.agrees(s) {
			e.settleDoubt()
		}
	case e.landed(s):
		e.settleDoubt()
	case e.givenUp(s):
		e.adopt(s)
	case !slices.ContainsFunc(e.recent[:], e.missing(s)):
		e.violate(OutOfOrder, 1, c, e.state().name(), s.name())
		e.settleDoubt()
		e.adopt(s)
	case certain:
		e.lose(s, c)
	default:
		e.suspect(s, c)
	}
}

// givenUp reports whether a sight is of a write of which nothing is known: said
// to be without effect, or found lost.
func (e *Entry) givenUp(s sight) bool {
	return s.exact && s.sequence > e.now &&
		!slices.ContainsFunc(e.recent[:], func(w acknowledged) bool { return w.sequence == s.sequence })
}

// hide notes that something was seen that is no proof of what floats, but would
// look the same if it had come down.
func (r *register) hide(s sight) {
	for i := range r.floating {
		f := &r.floating[i]
		f.covered = f.covered || s.is(f.effect())
	}
}

// effect is what is seen once the write has come down.
func (f floating) effect() sight {
	return sight{absent: f.removes, exact: !f.removes, sequence: f.sequence}
}

// adopt takes what was seen for what is there.
func (e *Entry) adopt(s sight) {
	e.gone, e.vague = s.absent, !s.absent && !s.exact
	if s.exact {
		e.now = s.sequence
	}
}

// landed reports whether a write that floated explains the sight. Where several
// writes do, and each leaves another value, the state is not known from then on.
func (e *Entry) landed(s sight) bool {
	fits := func(f floating) bool { return s.is(f.effect()) }
	at := slices.IndexFunc(e.floating, fits)
	if at < 0 {
		return false
	}
	if !s.absent && slices.ContainsFunc(e.floating[at+1:], fits) {
		e.vague = true
	} else {
		e.land(at)
	}
	e.cover() // the others may have come down before it
	return true
}

func (e *Entry) land(at int) {
	f := &e.floating[at]
	e.now, e.gone, e.vague = f.sequence, f.removes, false
	if f.open {
		f.open = false
		e.page.book.counts.applied.Add(1)
	}
	if f.times--; f.times == 0 {
		e.floating = slices.Delete(e.floating, at, at+1)
	}
}

// missing tells the acknowledged writes that a sight says are not in effect:
// those after the one it shows. Where it does not show which that is, only the
// last one is certain.
func (e *Entry) missing(s sight) func(acknowledged) bool {
	now := e.now
	return func(w acknowledged) bool {
		if !s.exact {
			return w.sequence != 0 && w.sequence == now
		}
		return w.sequence > s.sequence && w.sequence <= now
	}
}

// lose reports the acknowledged writes that are gone, each by itself.
func (e *Entry) lose(s sight, c *Call) {
	missing := e.missing(s)
	for i := recently - 1; i >= 0; i-- {
		w := e.recent[i]
		if !missing(w) {
			continue
		}
		expected := sight{exact: true, sequence: w.sequence}.name()
		if w.removes {
			expected = "nothing, removed by " + expected
		}
		e.violate(Lost, 1, c, expected, s.name())
		e.recent[i] = acknowledged{}
	}
	if e.doubt != nil && e.doubt.seen.agrees(s) {
		e.doubt = nil // those reads showed the loss
	}
	e.settleDoubt()
	e.adopt(s)
}

// suspect keeps a read that showed an older state until it is known why.
func (e *Entry) suspect(s sight, c *Call) {
	if e.doubt != nil && !e.doubt.seen.agrees(s) {
		e.settleDoubt()
	}
	if e.doubt == nil {
		e.doubt = &doubt{seen: s, expected: e.state(), call: *c, reply: Reply{Conn: c.Reply.Conn, Node: c.Reply.Node}}
	}
	e.doubt.reads++
}

// settleDoubt says that what was read before was stale: something newer is, or
// may be, still there.
func (e *Entry) settleDoubt() {
	d := e.doubt
	if d == nil {
		return
	}
	e.doubt = nil
	d.call.Reply = &d.reply
	e.violate(Stale, d.reads, &d.call, d.expected.name(), d.seen.name())
}
