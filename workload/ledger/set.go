package ledger

import (
	"slices"
	"strconv"
)

// lingering is how many members a set holds before every second Insert becomes
// a Discard of the oldest. A loss is found when the member is taken out.
const lingering = 4

// set is the state of a key that holds a set, beside the number of members
// that are not its own: those of another run, and those of which it is not
// known whether they are there. No two Inserts add the same member, and each is
// taken out once: both show what they found.
type set struct {
	members []member // oldest first
	turn    bool     // the next is a Discard, if there are enough
	missed  int      // members that were found lost by their number, and not yet which
}

// member is one that was added and is to be taken out.
type member struct {
	sequence uint64
	open     bool // nobody saw it arrive: it is among those that may raise the number
}

func (s *set) full() bool { return s.turn && len(s.members) >= lingering }

func (s *set) oldest() member { return s.members[0] }

func (s *set) drop() (m member) {
	m = s.members[0]
	s.members = slices.Delete(s.members, 0, 1)
	return m
}

// certain is how many members must be there.
func (s *set) certain() (n int64) {
	for _, m := range s.members {
		if !m.open {
			n++
		}
	}
	return n
}

// leaveSetOpen notes a write whose end nobody saw. A member that may be there
// is to be taken out like others; one that may be gone is not asked for again.
// Where both are open nobody will know what became of either.
func (e *Entry) leaveSetOpen(c *Call) {
	s, n := e.set, &e.number
	s.turn = c.Act == Insert
	switch {
	case c.Act == Insert:
		s.members = append(s.members, member{c.Sequence, true})
		n.up.leave()
		n.up.repeat(c.Attempts - 1)
	case s.drop().open:
		e.page.book.counts.undecided.Add(2)
		n.up.open--
	default:
		n.value++
		n.down.leave()
	}
}

// count judges the acknowledged operation of a set.
func (e *Entry) count(c *Call) (wrong bool) {
	shown, err := strconv.ParseInt(string(c.Reply.Value), 10, 64)
	if err != nil || shown < 0 || c.Act != Size && shown > 1 {
		return true
	}
	s := e.set
	switch c.Act {
	case Size:
		certain := s.certain()
		s.missed += int(e.showed(c, e.number.value+certain, shown))
		e.number.value -= certain
	case Insert:
		s.turn = true
		s.members = append(s.members, member{sequence: c.Sequence})
		if shown == 0 && c.Attempts <= 1 {
			e.violate(Duplicate, 1, c, tokenName(c.Sequence)+" to be new", "that it was there")
		}
		e.number.up.repeat(c.Attempts - 1) // the other try may come down after the member was taken out
	case Discard:
		s.turn = false
		e.discarded(c, s.drop(), shown == 1)
	}
	return false
}

// discarded judges what the removal of a member showed.
func (e *Entry) discarded(c *Call, m member, there bool) {
	switch {
	case m.open && there:
		_, applied := e.number.up.land(1)
		e.page.book.counts.applied.Add(uint64(applied))
	case m.open || there || c.Attempts > 1: // it may still come, or was taken out by the other try
	case e.set.missed > 0:
		e.set.missed--
		e.number.value++
	default:
		e.violate(Lost, 1, c, tokenName(m.sequence), "nothing")
	}
}

// forgetOpen leaves those members to their number of which it was not seen
// whether they arrived.
func (s *set) forgetOpen() {
	s.members = slices.DeleteFunc(s.members, func(m member) bool { return m.open })
}
