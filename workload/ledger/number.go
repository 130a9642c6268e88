package ledger

import "strconv"

// number is the state of a counter, or the length of a list. Every reply to a
// write shows it, so that it is known after each.
type number struct {
	value   int64
	vague   bool // not known yet
	up      floats
	down    floats
	covered bool // what is open may have had its effect unseen
}

// floats are operations that may still raise a number, or lower it, for all
// anybody knows.
type floats struct {
	all  int
	old  int // of them: a reading back has passed them by
	open int // of them, or fewer: it was not said yet what became of them
}

// leave notes an operation whose end nobody saw.
func (f *floats) leave() {
	f.all++
	f.open++
}

// repeat notes tries of which nobody asks what became of them.
func (f *floats) repeat(times int) { f.all += max(0, times) }

// land takes away what explains a difference, the oldest first: what is young
// may float for longest. It returns how much is left of the difference, and of
// how many it is known now that they were applied.
func (f *floats) land(difference int64) (rest int64, applied int) {
	explained := int(min(int64(f.all), difference))
	applied = min(explained, f.open)
	f.all -= explained
	f.old = max(0, f.old-explained)
	f.open -= applied
	return difference - int64(explained), applied
}

// tell notes that it was said of all what became of them. It gives up those of
// which it was said before.
func (f *floats) tell() {
	f.all -= f.old
	f.old, f.open = f.all, 0
}

// open is how many operations it is not known of what became of them.
func (n *number) open() int { return n.up.open + n.down.open }

func (n *number) tell() {
	n.up.tell()
	n.down.tell()
	n.covered = false
}

func (n *number) leaveOpen(a Act) {
	if a == Pop {
		n.down.leave()
	} else {
		n.up.leave()
	}
	n.empty()
}

// empty notes that taking from a list leaves no trace where nothing is left.
func (n *number) empty() { n.covered = n.covered || n.down.all > 0 && n.value <= int64(n.down.all) }

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
// explain a difference as far as they go. It returns how many were lost.
func (e *Entry) showed(c *Call, expected, shown int64) (lost int64) {
	n, counts := &e.number, &e.page.book.counts
	if n.vague {
		n.value, n.vague = shown, false
		n.covered = n.covered || n.open() > 0
		return 0
	}
	n.value = shown
	n.covered = n.covered || n.up.open > 0 && n.down.open > 0
	switch {
	case shown > expected:
		rest, applied := n.up.land(shown - expected)
		counts.applied.Add(uint64(applied))
		if rest > 0 {
			e.violate(Duplicate, uint64(rest), c, "at most "+strconv.FormatInt(shown-rest, 10), strconv.FormatInt(shown, 10))
		}
	case shown < expected:
		rest, applied := n.down.land(expected - shown)
		counts.applied.Add(uint64(applied))
		if rest > 0 {
			n.covered = n.covered || n.open() > 0
			e.violate(Lost, uint64(rest), c, strconv.FormatInt(shown+rest, 10)+" or more", strconv.FormatInt(shown, 10))
		}
		return rest
	}
	return 0
}
