package ledger

import (
	"fmt"
	"strconv"
	"sync"
	"time"
)

// The trials of a book: keys that all workers of the pool read and write at
// once. What happened to one is no sequence, so its whole history is kept, to
// be checked for linearizability after the load.
//
// A key's history is bounded, and so is their number: a new key begins when the
// one before is full, at first one a second at most, then ever more rarely, so
// that they last for 40 minutes of a run, and for its beginning in any case.
const (
	mostEvents = 128
	mostTrials = 512
	trialGap   = time.Second // between the beginnings of the first trialStep keys; one more for each step after
	trialStep  = 64
)

type trials struct {
	mu      sync.Mutex
	all     []*Trial
	started time.Time
	next    time.Duration // when the next key may begin, since started
	clock   int64         // orders the beginnings and ends of all events
}

// Trial is a key that all workers use. Its methods may be called concurrently.
type Trial struct {
	label
	book   *Book
	events []Event
}

// Event is one operation on a key of a trial. Its sequence number is its place
// in the history, from 1, and its token if it wrote.
type Event struct {
	Began, Ended int64 // places in the order of all beginnings and ends of the book; Ended is 0 if nobody saw it
	Writes       bool
	Saw          uint64 // token that was there before: 0 nothing, Foreign one of another run
	Blind        bool   // what was there before is not known
	Times        int    // how often it may have been sent
	Void         bool   // it did not take place
}

// Foreign is the token of a value that was there before the run.
const Foreign = ^uint64(0)

// trial returns the key in use, nil if there is none for the moment.
func (b *Book) trial() *Trial {
	t := &b.trials
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.all); n > 0 && len(t.all[n-1].events) < mostEvents {
		return t.all[n-1]
	}
	if len(t.all) == mostTrials || time.Since(t.started) < t.next {
		return nil
	}
	name := fmt.Sprintf("%sledger:%s:%s:shared:string:%d", b.config.Prefix, b.config.Arm, b.config.Pool, len(t.all))
	t.next = time.Since(t.started) + trialGap*time.Duration(1+len(t.all)/trialStep)
	one := &Trial{label: label{clean(name), b.config.Nonce}, book: b, events: make([]Event, 0, mostEvents+mostEvents/4)}
	t.all = append(t.all, one)
	return one
}

// Trials yields the histories of the shared keys. No operation may be in flight.
func (b *Book) Trials() []*Trial { return b.trials.all }

// Events returns the key's history, in the order of beginnings.
func (t *Trial) Events() []Event { return t.events }

// Space implements Key.
func (t *Trial) Space() Space { return Strings }

// Used implements Key.
func (t *Trial) Used() bool { return true }

// Next implements Key.
func (t *Trial) Next(a Act) Act { return a }

// Resolve implements Key. Unresolved leaves shared keys out: their histories
// are judged as a whole.
func (t *Trial) Resolve(c Call) { t.Settle(c) }

// Issue implements Key.
func (t *Trial) Issue(a Act, reply *Reply) uint64 {
	reply.reset(len(t.name) + tokenRoom)
	all := &t.book.trials
	all.mu.Lock()
	defer all.mu.Unlock()
	all.clock++
	t.events = append(t.events, Event{Began: all.clock, Writes: a.Writes()})
	return uint64(len(t.events))
}

// Withdraw implements Key.
func (t *Trial) Withdraw(sequence uint64) {
	all := &t.book.trials
	all.mu.Lock()
	defer all.mu.Unlock()
	t.events[sequence-1].Void = true
}

// Judge implements Key.
func (t *Trial) Judge(c Call) (wrong bool) {
	all := &t.book.trials
	all.mu.Lock()
	defer all.mu.Unlock()
	all.clock++
	e := &t.events[c.Sequence-1]
	e.Times = max(1, c.Attempts)
	if c.End == Acknowledged {
		wrong = t.saw(e, c)
	}
	switch {
	case c.End == NotApplied, !e.Writes && (wrong || c.End == Open):
		e.Void = true
	case wrong || c.End == Open:
		e.Ended, e.Blind = 0, true
	default:
		e.Ended = all.clock
		t.book.counts.add(e.Writes)
	}
	return wrong
}

// saw notes what a reply showed; it reports a value nobody can have written.
func (t *Trial) saw(e *Event, c Call) (wrong bool) {
	if c.Reply.Nil {
		return false
	}
	sequence, own, ok := t.sequence(c.Reply.Value)
	switch {
	case !ok || own && (sequence == 0 || sequence > uint64(len(t.events)) || !t.events[sequence-1].Writes):
		t.book.violate(Violation{Kind: Wrong, Count: 1, Key: t.name, Command: c.Command, Conn: c.Reply.Conn, Node: c.Reply.Node,
			Expected: "a value of this run", Found: strconv.Quote(string(c.Reply.Value))})
		return true
	case !own:
		e.Saw = Foreign
	case sequence == c.Sequence: // it was sent twice, and met itself
		e.Blind = true
	default:
		e.Saw = sequence
	}
	return false
}

// Settle implements Key: the reading back is the last event. It counts the
// acknowledged writes that are lost, and what became of those nobody saw end.
func (t *Trial) Settle(c Call) {
	t.Judge(c)
	if last := t.events[len(t.events)-1]; last.Void {
		t.decide(nil)
		return
	}
	met := t.met()
	t.decide(met)
	t.lose(met, c)
}

// met returns how often each token was seen by what took its place, or at the
// end: by the sequence number.
func (t *Trial) met() []bool {
	met := make([]bool, len(t.events)+1)
	for i, e := range t.events {
		if last := i == len(t.events)-1; e.Void || e.Blind || e.Saw == Foreign || !e.Writes && !last {
			continue
		}
		met[e.Saw] = true
	}
	return met
}

// lose reports the acknowledged writes that are gone.
func (t *Trial) lose(met []bool, c Call) {
	lost, certain := t.astray()
	if !certain {
		lost = t.unmet(met)
	}
	last := t.events[len(t.events)-1].Saw
	found := sight{absent: last == 0, exact: last != Foreign, sequence: last}
	for _, sequence := range lost {
		t.book.violate(Violation{Kind: Lost, Count: 1, Key: t.name, Command: c.Command, Conn: c.Reply.Conn, Node: c.Reply.Node,
			Expected: tokenName(sequence) + " until it is replaced", Found: found.name()})
	}
}

// astray returns the acknowledged writes that are not among those which what is
// there at the end took the place of, one after the other. That is uncertain
// where one of these did not show what was there before it.
func (t *Trial) astray() (lost []uint64, certain bool) {
	kept := make([]bool, len(t.events)+1)
	at := t.events[len(t.events)-1].Saw
	for at != 0 && at != Foreign {
		if e := t.events[at-1]; kept[at] || e.Blind || e.Times > 1 {
			return nil, false
		}
		kept[at] = true
		at = t.events[at-1].Saw
	}
	for i, e := range t.events {
		if e.Writes && !e.Void && e.Ended != 0 && !kept[i+1] {
			lost = append(lost, uint64(i+1))
		}
	}
	return lost, true
}

// unmet returns acknowledged writes whose value nothing replaced and that are
// not there at the end, less those that something unseen may have replaced.
func (t *Trial) unmet(met []bool) (lost []uint64) {
	unseen := 0
	for i, e := range t.events {
		switch {
		case e.Void || !e.Writes:
			continue
		case e.Blind || e.Times > 1:
			unseen += e.Times
		}
		if e.Ended != 0 && !met[i+1] {
			lost = append(lost, uint64(i+1))
		}
	}
	return lost[:max(0, len(lost)-unseen)]
}

// decide says what became of the writes whose end nobody saw: those that were
// met were applied; of the others it is certain that they were not if nothing
// else can have replaced them unseen.
func (t *Trial) decide(met []bool) {
	open := 0
	for _, e := range t.events {
		if e.Writes && !e.Void && (e.Blind || e.Times > 1) {
			open++
		}
	}
	for i, e := range t.events {
		switch counts := &t.book.counts; {
		case !e.Writes || e.Void || e.Ended != 0:
		case met != nil && (met[i+1] || t.read(uint64(i+1))):
			counts.applied.Add(1)
		case met != nil && open == 1:
			counts.undone.Add(1)
		default:
			counts.undecided.Add(1)
		}
	}
}

// read says whether a read saw a token.
func (t *Trial) read(sequence uint64) bool {
	for _, e := range t.events {
		if !e.Void && !e.Blind && e.Saw == sequence {
			return true
		}
	}
	return false
}
