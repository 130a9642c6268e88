package workload

import (
	"context"
	"fmt"
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

// LedgerSpaces returns the kinds of keys for which the pool needs a ledger,
// and the commands of its mix that a ledger cannot judge.
//
// A canary needs none: it asks whether the target answers, not what.
func (p Pool) LedgerSpaces() (spaces []ledger.Space, left []string) {
	if p.Kind == KindCanary {
		return nil, nil
	}
	for _, w := range p.Mix {
		c, err := findCommand(w.Command)
		if err != nil {
			continue // Validate says so
		}
		s, ok := ledgers[c.space]
		switch {
		case c.act == unjudged && c.space != keyless && c.space != echoSpace && c.space != leaseSpace:
			left = append(left, c.name)
		case c.act != unjudged && ok && !slices.Contains(spaces, s):
			spaces = append(spaces, s)
		}
	}
	return spaces, left
}

// begin says that the operations built from now on are one batch.
func (m *maker) begin() {
	if m.page != nil {
		m.page.Begin()
	}
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
	key := m.page.Take(in, shared)
	if key == nil {
		return false
	}
	m.issue(key, c, op, s, from)
	return true
}

func (m *maker) issue(key ledger.Key, c command, op *Operation, s *slot, from *source) {
	e := &s.entry
	e.key, e.act = key, c.act
	e.sequence = key.Issue(c.act, &e.reply)
	op.Command, op.Key, op.Reply = c.name, key.Name(), &e.reply
	if c.payload == value {
		b := key.AppendToken(s.blank(op.Key, m.filler), e.sequence)
		op.Value = s.fill(len(b), m.size(from), m.filler)
	}
}

// withdraw says that the batch is not sent.
func (m *maker) withdraw() {
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
	return r.sweep(ctx, func(key ledger.Key) string {
		return map[ledger.Space]string{ledger.Strings: "SET", ledger.Hashes: "HSET"}[key.Space()]
	}, func(op *Operation, e *entry, out Outcome) error {
		if e.key.Judge(e.call(op, out)) || out.Class != OK {
			return fmt.Errorf("target: writing ledger key %s ended in %s: the target must accept writes, and SET with GET (Redis 6.2 or newer); --integrity none leaves the ledger out", op.Key, out.Class)
		}
		return nil
	})
}

// SettleLedger reads all ledger keys that were used back, after the run: what
// is there now says what is lost, and what became of writes whose end nobody
// saw. Counters and lists are counted up once more, for that reply shows them.
func (r Run) SettleLedger(ctx context.Context) {
	_ = r.sweep(ctx, func(key ledger.Key) string {
		if !key.Used() {
			return ""
		}
		return map[ledger.Space]string{ledger.Strings: "GET", ledger.Hashes: "HGET", ledger.Counters: "INCR", ledger.Lists: "LPUSH"}[key.Space()]
	}, func(op *Operation, e *entry, out Outcome) error {
		again := []Outcome{out}
		for range settleTries - 1 { // a connection may have died in silence
			if again[0].Class == OK || e.act.Writes() {
				break
			}
			r.Target.Do(ctx, []Operation{*op}, again)
		}
		e.key.Settle(e.call(op, again[0]))
		return nil
	})
}

// sweep does one operation on every ledger key for which command names one.
func (r Run) sweep(ctx context.Context, command func(ledger.Key) string, took func(*Operation, *entry, Outcome) error) error {
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
	for key := range r.Ledger.Keys() {
		name := command(key)
		if name == "" {
			continue
		}
		c, _ := findCommand(name)
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
