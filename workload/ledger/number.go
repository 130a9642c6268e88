package ledger

import "strconv"

// number is the state of a counter, or the length of a list. Every reply to a
// write shows it, so that it is known after each.
type number struct {
	value    int64
	vague    bool // not known yet
	up, down int  // operations that may still raise or lower it, for all anybody knows
	covered  bool // what is open may have had its effect unseen

	toldUp, toldDown int // of up and down: it was said what became of them
}

// open is how many operations it is not known of what became of them.
func (n *number) open() int { return n.up + n.down - n.toldUp - n.toldDown }

// tell notes that it was said of all what became of them, and gives up those
// of which it was said before.
func (n *number) tell() {
	n.up, n.down = n.up-n.toldUp, n.down-n.toldDown
	n.toldUp, n.toldDown, n.covered = n.up, n.down, false
}

// repeat notes a reading back that may raise the number later, so many times,
// and that nobody asks about.
func (n *number) repeat(times int) {
	n.up += times
	n.toldUp += times
}

func (n *number) leaveOpen(a Act) {
	if a == Pop {
		n.down++
	} else {
		n.up++
	}
	n.empty()
}

// empty notes that taking from a list leaves no trace where nothing is left.
func (n *number) empty() { n.covered = n.covered || n.down > 0 && n.value <= int64(n.down) }

// tally judges the acknowledged operation of a counter or a list.
func (e *Entry) tally(c *Call) (wrong bool) {
	n := &e.number
	switch {
	case c.Act != Pop:
		shown, err := strconv.ParseInt(string(c.Reply.Value), 10, 64)
		if err != nil || shown < 1 {
			return true
		}
		e.showed(c, n.value+1, shown)
	case c.Reply.Nil:
		e.showed(c, n.value, 0)
	case n.vague:
	case n.value > 0:
		n.value--
	default: // something was there although nothing was known to be
		e.showed(c, 0, 1)
		n.value = 0
	}
	n.empty()
	return false
}

// showed compares a number with the one that was expected: open operations
// explain a difference as far as they go.
func (e *Entry) showed(c *Call, expected, shown int64) {
	n, counts := &e.number, &e.page.book.counts
	if n.vague {
		n.value, n.vague = shown, false
		n.covered = n.covered || n.open() > 0
		return
	}
	n.value = shown
	n.covered = n.covered || n.up > 0 && n.down > 0
	explain := func(open, told *int, difference int64) int64 {
		explained := min(int64(*open), difference)
		counts.applied.Add(uint64(min(explained, int64(*open-*told))))
		*open -= int(explained)
		*told = min(*told, *open)
		return difference - explained
	}
	switch {
	case shown > expected:
		if rest := explain(&n.up, &n.toldUp, shown-expected); rest > 0 {
			e.violate(Duplicate, uint64(rest), c, "at most "+strconv.FormatInt(shown-rest, 10), strconv.FormatInt(shown, 10))
		}
	case shown < expected:
		if rest := explain(&n.down, &n.toldDown, expected-shown); rest > 0 {
			n.covered = n.covered || n.open() > 0
			e.violate(Lost, uint64(rest), c, strconv.FormatInt(shown+rest, 10)+" or more", strconv.FormatInt(shown, 10))
		}
	}
}
