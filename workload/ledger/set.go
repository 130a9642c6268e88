package ledger

import (
	"slices"
	"strconv"
)

// lingering is how many members a set holds before every second Insert becomes
// a Discard of the oldest. A loss is found when the member is taken out.
const lingering = 4

// set is the state of a key that holds a set. No two Inserts add the same
// member, and each is taken out once: both show what they found.
type set struct {
	vague   bool  // it is not known how many members of others it has
	others  int64 // that many
	members []member
	turn    bool // the next is a Discard, if there are enough
	missed  int  // members that were found lost by their number, and not yet which

	// What may be there or not, beside the members.
	inserts, discards         int // whose end nobody saw
	toldInserts, toldDiscards int // of them: it was said what became of them
}

// member is one that was added and is to be taken out.
type member struct {
	sequence uint64
	open     bool // nobody saw it arrive
}

func (s *set) full() bool { return s.turn && len(s.members) >= lingering }

func (s *set) oldest() member { return s.members[0] }

// open is how many writes it is not known of what became of them.
func (s *set) open() int {
	n := s.inserts + s.discards - s.toldInserts - s.toldDiscards
	for _, m := range s.members {
		if m.open {
			n++
		}
	}
	return n
}

func (s *set) unresolved() bool { return s.open() > 0 || s.inserts+s.discards > 0 }

// leaveOpen notes a write whose end nobody saw. A member that may be there is
// to be taken out like others; one that may be gone is not asked for again.
// Where both are open nobody will know what became of either.
func (e *Entry) leaveSetOpen(c *Call) {
	s := e.set
	s.turn = c.Act == Insert
	if c.Act == Insert {
		s.members = append(s.members, member{c.Sequence, true})
		s.repeat(c)
		return
	}
	if s.drop().open {
		e.page.book.counts.undecided.Add(2)
		s.inserts++
		s.toldInserts++
		return
	}
	s.discards++
}

// repeat notes the tries of an Insert beyond the first: they may come down after
// the member was taken out.
func (s *set) repeat(c *Call) {
	more := max(0, c.Attempts-1)
	s.inserts += more
	s.toldInserts += more
}

func (s *set) drop() (m member) {
	m = s.members[0]
	s.members = slices.Delete(s.members, 0, 1)
	return m
}

// count judges the acknowledged operation of a set.
func (e *Entry) count(c *Call) (wrong bool) {
	shown, err := strconv.ParseInt(string(c.Reply.Value), 10, 64)
	if err != nil || shown < 0 || c.Act != Size && shown > 1 {
		return true
	}
	s, again := e.set, c.Attempts > 1
	switch c.Act {
	case Size:
		e.hold(c, shown)
	case Insert:
		s.turn = true
		s.members = append(s.members, member{sequence: c.Sequence})
		if shown == 0 && !again {
			e.violate(Duplicate, 1, c, tokenName(c.Sequence)+" to be new", "that it was there")
		}
		s.repeat(c)
	case Discard:
		s.turn = false
		e.discarded(c, s.drop(), shown == 1, again)
	}
	return false
}

// discarded judges what the removal of a member showed.
func (e *Entry) discarded(c *Call, m member, there, again bool) {
	switch {
	case m.open && there:
		e.page.book.counts.applied.Add(1)
	case m.open: // it may still come
		e.set.inserts++
	case !there && !again && e.set.missed > 0:
		e.set.missed--
		e.set.others++
	case !there && !again:
		e.violate(Lost, 1, c, tokenName(m.sequence), "nothing")
	}
}

// hold compares the number of members with what it should be, and says what
// became of what is open: all that may be there is, or none, or nobody knows.
func (e *Entry) hold(c *Call, shown int64) {
	s := e.set
	certain, maybe := s.expected()
	switch {
	case s.vague:
		s.vague, s.others = false, s.others+shown-certain
	case shown < certain:
		lost := certain - shown
		e.violate(Lost, uint64(lost), c, strconv.FormatInt(certain, 10)+" members or more", strconv.FormatInt(shown, 10))
		s.others -= lost
		s.missed += int(lost)
	case shown > certain+maybe:
		more := shown - certain - maybe
		e.violate(Duplicate, uint64(more), c, "at most "+strconv.FormatInt(certain+maybe, 10)+" members", strconv.FormatInt(shown, 10))
		s.others += more
	}
	if c.Back {
		e.tell(shown - certain)
	}
}

// expected is how many members the set has for certain, and how many more it
// may have.
func (s *set) expected() (certain, maybe int64) {
	certain, maybe = s.others, int64(s.inserts+s.discards)
	for _, m := range s.members {
		if m.open {
			maybe++
		} else {
			certain++
		}
	}
	return certain, maybe
}

// tell says what became of what is open, given how many of the members are
// there that may be. It gives up what was told before.
func (e *Entry) tell(there int64) {
	s, counts := e.set, &e.page.book.counts
	_, maybe := s.expected()
	inserts, discards := uint64(s.open()-s.discards+s.toldDiscards), uint64(s.discards-s.toldDiscards)
	switch {
	case there <= 0:
		counts.undone.Add(inserts)
		counts.applied.Add(discards)
	case there >= maybe:
		counts.applied.Add(inserts)
		counts.undone.Add(discards)
	default:
		counts.undecided.Add(inserts + discards)
	}
	arriving := s.inserts - s.toldInserts
	s.members = slices.DeleteFunc(s.members, func(m member) bool {
		if m.open {
			arriving++ // if it is there it is one of the others now
		}
		return m.open
	})
	s.others += max(0, min(there, maybe))
	s.inserts, s.toldInserts = arriving, arriving
	s.discards, s.toldDiscards = 0, 0
}
