package workload

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"schload/workload/ledger"
)

// entry is the ledger key of an operation in a slot; key is nil if it has none.
type entry struct {
	key      ledger.Key
	act      ledger.Act
	sequence uint64
	reply    ledger.Reply
}

// ledgerStream separates the draw for the ledger from every other use of the
// pool's seed: with a ledger, the operations that do not go to it are the same
// as without.
const ledgerStream = 0x1ed9e7

// sharedShare is the share of the reads and writes of a ledger's strings that
// goes to keys which all workers use at once.
const sharedShare = 1.0 / 16

// LedgerSpaces returns the kinds of keys for which the pool needs a ledger.
// Messages have an account of their own, and a canary needs none: it asks
// whether the target answers, not what.
func (p Pool) LedgerSpaces() (spaces []ledger.Space) {
	if p.Kind != KindCommands {
		return nil
	}
	for _, w := range p.Mix {
		c, err := findCommand(w.Command)
		if err != nil {
			continue // Validate says so
		}
		if s, ok := ledgers[c.space]; ok && c.act != unjudged && !slices.Contains(spaces, s) {
			spaces = append(spaces, s)
		}
	}
	return spaces
}

// enter makes operation index one on a ledger key, if it is drawn. Which
// operations are drawn depends on the seed alone; the key is the worker's.
func (m *maker) enter(index uint64, c command, op *Operation, s *slot, from *source) bool {
	s.entry.key = nil
	if scramble(m.seed^scramble(index^ledgerStream)) >= m.ledgered {
		return false
	}
	in, ok := ledgers[c.space]
	if !ok || c.act == unjudged {
		return false
	}
	shared := (c.act == ledger.Read || c.act == ledger.Swap) && in == ledger.Strings && from.float() < sharedShare
	key := m.page.Take(in, c.act, shared)
	if key == nil {
		return false
	}
	m.issue(key, c, op, s, from)
	return true
}

func (m *maker) issue(key ledger.Key, c command, op *Operation, s *slot, from *source) {
	e := &s.entry
	if key.Next(c.act) == ledger.Discard {
		c = removal
	}
	e.key, e.act = key, c.act
	e.sequence = key.Issue(c.act, &e.reply)
	op.Command, op.Form, op.Key, op.Reply = c.name, AuditedForm, key.Name(), &e.reply
	op.Slot = slotOf(op.Key)
	switch {
	case c.space == zsetSpace: // one member, whose score counts
		op.Value = m.member(s, op.Key, 0)
	case c.payload == value:
		b := key.AppendToken(s.blank(op.Key, m.filler), e.sequence)
		op.Value = s.fill(len(b), m.size(from), m.filler)
	case c.payload == member:
		b := key.AppendToken(s.blank(op.Key, m.filler), e.sequence)
		op.Value = s.fill(len(b), m.values.Size, m.filler)
	}
}

// withdraw says that the batch is not sent.
func (m *maker) withdraw() {
	m.unsend()
	if m.page == nil {
		return
	}
	for i := range m.slots {
		if e := &m.slots[i].entry; e.key != nil {
			e.key.Withdraw(e.sequence)
		}
	}
}

// judge takes the outcomes of a batch to the ledger. A reply that nobody can
// have written is no success.
func (m *maker) judge(ops []Operation, outcomes []Outcome) {
	if m.leases != nil {
		m.judgeLeases(ops, outcomes)
	}
	m.sent(outcomes)
	if m.page == nil {
		return
	}
	for i := range outcomes {
		e, out := &m.slots[i].entry, &outcomes[i]
		if e.key != nil && e.key.Judge(e.call(&ops[i], *out)) {
			out.Class, out.Effect = WrongReply, Indeterminate
		}
	}
}

func (e *entry) call(op *Operation, out Outcome) ledger.Call {
	end := ledger.End(out.Effect)
	if out.Class != OK && out.Effect == Applied {
		end = ledger.Open // a target that did not say
	}
	return ledger.Call{Command: op.Command, Act: e.act, Sequence: e.sequence, End: end, Attempts: out.Attempts, Reply: &e.reply}
}

// ledgerBatch is how many ledger keys are written or read together at most.
const ledgerBatch = 100

// settleTries is how often a key is read back at most.
const settleTries = 3

// OpenLedger gives every ledger key that holds a value its first one, before
// the run. It returns an error if a write fails. The run's clock and sink know
// nothing of it.
func (r Run) OpenLedger(ctx context.Context) error {
	return r.sweep(ctx, r.Ledger.Keys(), opening, func(op *Operation, e *entry, out Outcome) error {
		if e.key.Judge(e.call(op, out)) || out.Class != OK {
			return fmt.Errorf("target: writing ledger key %s ended in %s: the target must accept writes, and SET with GET (Redis 6.2 or newer); --integrity none leaves the ledger out", op.Key, out.Class)
		}
		return nil
	})
}

// opening is what gives a key its first value, or shows what is there.
var opening = map[ledger.Space]string{ledger.Strings: "SET", ledger.Hashes: "HSET", ledger.Sets: count.name}

// reading is what reads a key back. Numbers are counted up once more, for that
// reply shows them.
var reading = map[ledger.Space]string{
	ledger.Strings: "GET", ledger.Hashes: "HGET", ledger.Counters: "INCR", ledger.Lists: "LPUSH", ledger.Sets: count.name, ledger.Scores: "ZADD",
}

// SettleLedger reads all ledger keys that were used back, after the run: what
// is there now says what is lost, and what became of writes whose end nobody
// saw.
func (r Run) SettleLedger(ctx context.Context) {
	used := func(yield func(ledger.Key) bool) {
		for key := range r.Ledger.Keys() {
			if key.Used() && !yield(key) {
				return
			}
		}
	}
	r.readBack(ctx, used, ledger.Key.Settle)
}

// ResolveLedger reads those ledger keys back on which something is open, while
// the load goes on: what cannot be known any better later is decided. Nothing
// that the load does on a key falls together with its reading. The run's clock
// and sink know nothing of it.
func (r Run) ResolveLedger(ctx context.Context) {
	r.readBack(ctx, r.Ledger.Unresolved(), ledger.Key.Resolve)
}

func (r Run) readBack(ctx context.Context, keys iter.Seq[ledger.Key], judge func(ledger.Key, ledger.Call)) {
	_ = r.sweep(ctx, keys, reading, func(op *Operation, e *entry, out Outcome) error {
		again := []Outcome{out}
		for range settleTries - 1 { // a connection may have died in silence
			if again[0].Class == OK || e.act.Writes() {
				break
			}
			r.Target.Do(ctx, []Operation{*op}, again)
		}
		judge(e.key, e.call(op, again[0]))
		return nil
	})
}

// sweep does one operation on every key of a space for which there is one.
func (r Run) sweep(ctx context.Context, keys iter.Seq[ledger.Key], by map[ledger.Space]string, took func(*Operation, *entry, Outcome) error) error {
	r.Pool = r.Pool.WithDefaults()
	size := r.Pool.together(ledgerBatch)
	m := newMaker(newRecipe(r.Pool), 0, size)
	ops, outcomes := make([]Operation, 0, size), make([]Outcome, size)
	flush := func() error {
		for i := range ops {
			outcomes[i] = Outcome{Class: Other}
		}
		r.Target.Do(ctx, ops, outcomes[:len(ops)])
		for i := range ops {
			if err := took(&ops[i], &m.slots[i].entry, outcomes[i]); err != nil {
				return err
			}
		}
		ops = ops[:0]
		return nil
	}
	number := uint64(0)
	for key := range keys {
		c, err := findCommand(by[key.Space()])
		switch {
		case by[key.Space()] == "":
			continue
		case err != nil:
			c = count
		}
		from := draw(m.seed, number)
		number++
		ops = append(ops, Operation{Index: -1})
		m.issue(key, c, &ops[len(ops)-1], &m.slots[len(ops)-1], &from)
		if len(ops) == cap(ops) {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if len(ops) == 0 {
		return nil
	}
	return flush()
}
