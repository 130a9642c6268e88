package experiment

import (
	"sync"

	"schload/internal/linear"
	"schload/workload"
	"schload/workload/ledger"
)

// book is a pool's ledger and what of it was read. What it counts belongs to
// the round that is on, or to the one that is being read back.
type book struct {
	*ledger.Book
	pool  string
	shown bool         // the counts were read before
	run   workload.Run // opens it before the load, and reads it back

	mu        sync.Mutex
	linear    [3]uint64             // keys by linear.Result, not yet read
	round     int                   // that is on
	resolving int                   // the round that is read back; 0: none
	before    ledger.Counts         // as of the last filing
	filed     map[int]ledger.Counts // by round, not yet read
}

// file counts what was done since the last filing. Violations are counted one
// by one, by found.
func (b *book) file() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fileLocked()
}

func (b *book) fileLocked() {
	now := b.Counts()
	now.Violations = [ledger.Kinds]uint64{}
	round := b.round
	if b.resolving > 0 {
		round = b.resolving
	}
	b.filed[round] = b.filed[round].Plus(now.Minus(b.before))
	b.before = now
}

// found counts a violation and returns the round in which it is counted: its
// mark has to say the same.
func (b *book) found(v ledger.Violation) (round int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	round = b.round
	if v.Back && b.resolving > 0 { // the round that is read back is over
		round = b.resolving
	}
	counts := b.filed[round]
	counts.Violations[v.Kind] += v.Count
	b.filed[round] = counts
	return round
}

// turn says that another round is on.
func (b *book) turn(round int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fileLocked()
	b.round = round
}

// resolve says that a round is being read back; 0 that none is any more.
func (b *book) resolve(round int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fileLocked()
	b.resolving = round
}

// judge counts what became of a key's history.
func (b *book) judge(result linear.Result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.linear[result]++
}

// take returns what was filed, and judged, since the last call.
func (b *book) take() (filed map[int]ledger.Counts, judged [3]uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	filed, judged = b.filed, b.linear
	b.filed, b.linear = map[int]ledger.Counts{}, [3]uint64{}
	return filed, judged
}
