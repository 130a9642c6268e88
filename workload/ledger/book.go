package ledger

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"
)

// Space is a set of keys that hold one type of value.
type Space uint8

// The spaces.
const (
	Strings  Space = iota // Read, Exists, Swap, Remove
	Hashes                // Read, Put
	Counters              // Add
	Lists                 // Push, Pop
	Sets                  // Insert, Discard, Size
	Scores                // Add
	spaces
)

var spaceNames = [spaces]string{"string", "hash", "counter", "list", "set", "zset"}

// String returns the space as keys spell it.
func (s Space) String() string { return spaceNames[s] }

// Config says what a book is about.
type Config struct {
	Prefix string  // what its keys begin with
	Arm    string  // both are part of its keys
	Pool   string  //
	Nonce  uint32  // of the run: what another run left behind is told apart
	Spaces []Space // that are used

	Workers int
	Keys    int     // of each space and worker; at least as many as are in flight at once
	Share   float64 // of the operations, 0 to 1

	// Report receives violations, from any goroutine. It must not block. Nil
	// leaves them to the counts.
	Report func(Violation)
}

// Book is the ledger of one pool of one arm. Counts may be called at any time.
type Book struct {
	config Config
	pages  []*Page
	counts counts
	trials trials
}

// Key is a key of a book.
type Key interface {
	Name() string
	Space() Space
	Used() bool // it was ever written or read

	// Next returns the act to do in place of one that was asked for: sets are
	// emptied as they are filled.
	Next(a Act) Act

	// Issue begins an operation, readies what its reply is brought in, and
	// returns the operation's sequence number; of a Discard the one of the
	// Insert that is undone.
	Issue(a Act, reply *Reply) (sequence uint64)

	// AppendToken writes what the value of a write begins with.
	AppendToken(to []byte, sequence uint64) []byte

	// Withdraw says that an operation was never sent.
	Withdraw(sequence uint64)

	// Judge takes the end of an operation, and reports whether its reply is
	// one that nobody can have written: then it is not the answer to this
	// operation, and neither acknowledges nor shows anything.
	Judge(c Call) (wrong bool)

	// Settle is Judge for the reading back after the load: nothing is in flight
	// any more, what is seen now is what is there, and what is open is decided.
	Settle(c Call)

	// Resolve is Settle for the reading back of a key that Unresolved gave out,
	// while the load goes on. What is decided may still explain what is seen
	// later, until the second Resolve after it. The key is in use again.
	Resolve(c Call)
}

// New returns an empty book.
func New(c Config) *Book {
	if c.Report == nil {
		c.Report = func(Violation) {}
	}
	b := &Book{config: c, trials: trials{started: time.Now()}}
	for worker := range c.Workers {
		p := &Page{book: b, worker: worker}
		for _, s := range c.Spaces {
			p.entries[s] = p.enumerate(s)
		}
		b.pages = append(b.pages, p)
	}
	return b
}

// Page returns a worker's page.
func (b *Book) Page(worker int) *Page { return b.pages[worker] }

// Share is the share of operations that goes to the book's keys.
func (b *Book) Share() float64 { return b.config.Share }

// Counts returns the sums so far.
func (b *Book) Counts() Counts { return b.counts.load() }

func (b *Book) violate(v Violation) {
	v.Pool = b.config.Pool
	b.counts.violations[v.Kind].Add(v.Count)
	b.config.Report(v)
}

// Keys yields all keys of the book. No operation may be in flight.
func (b *Book) Keys() iter.Seq[Key] {
	return func(yield func(Key) bool) {
		for _, t := range b.trials.all {
			if !yield(t) {
				return
			}
		}
		for _, p := range b.pages {
			for s := range p.entries {
				for i := range p.entries[s] {
					if !yield(&p.entries[s][i]) {
						return
					}
				}
			}
		}
	}
}

// Page is the keys of one worker, who alone may use it.
type Page struct {
	book    *Book
	worker  int
	entries [spaces][]Entry
	next    [spaces]int
}

func (p *Page) enumerate(s Space) []Entry {
	c := p.book.config
	head := fmt.Sprintf("%sledger:%s:%s:%d:%s:", c.Prefix, c.Arm, c.Pool, p.worker, s)
	head = clean(head)
	entries := make([]Entry, c.Keys)
	for i := range entries {
		entries[i] = Entry{label: label{head + strconv.Itoa(i), p.book.config.Nonce}, space: s, page: p}
		entries[i].vague, entries[i].number.vague = true, true
		if s == Sets {
			entries[i].set = &set{}
		}
	}
	return entries
}

// clean takes out what ends the key within a value.
func clean(name string) string { return strings.ReplaceAll(name, string(separator), "_") }

// Take returns the key for the next operation in a space: one that nothing is
// in flight on, the one that was left alone for longest, so that what happened
// to a key is looked at before it is written again. The key is the operation's
// until it is judged or withdrawn. If shared is asked for, it is one that all
// workers use, where there is one. It returns nil if there is none.
func (p *Page) Take(s Space, a Act, shared bool) Key {
	if shared {
		if t := p.book.trial(); t != nil {
			return t
		}
	}
	entries := p.entries[s]
	for range entries {
		e := &entries[p.next[s]]
		if p.next[s]++; p.next[s] == len(entries) {
			p.next[s] = 0
		}
		if !e.held.CompareAndSwap(false, true) {
			continue
		}
		if !e.blurred && !(a == Put && e.doubt != nil) { // it would cover what is in doubt
			return e
		}
		e.held.Store(false)
	}
	return nil
}

// Unresolved yields the keys on which something is open or in doubt, other
// than shared ones. It may be used while the load goes on: a key that it yields
// is kept from operations until Resolve was called, and keys on which one is in
// flight are left out.
func (b *Book) Unresolved() iter.Seq[Key] {
	return func(yield func(Key) bool) {
		for _, p := range b.pages {
			for s := range p.entries {
				for i := range p.entries[s] {
					e := &p.entries[s][i]
					if !e.held.CompareAndSwap(false, true) {
						continue
					}
					if !e.unresolved() {
						e.held.Store(false)
						continue
					}
					if !yield(e) {
						return
					}
				}
			}
		}
	}
}
