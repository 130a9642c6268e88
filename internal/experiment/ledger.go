package experiment

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"schload/internal/linear"
	"schload/telemetry/mark"
	"schload/telemetry/record"
	"schload/workload"
	"schload/workload/ledger"
)

const (
	// sampledKeys are the ledger keys of a worker and type when only a share
	// of the operations goes there.
	sampledKeys = 16
	// mostLedgerKeys bounds those of a pool and type when all do.
	mostLedgerKeys = 1 << 16
	// mostViolations bounds the marks of violations of an arm; all are counted.
	mostViolations = 1000
	// mostResolving bounds the reading back between two rounds.
	mostResolving = 5 * time.Second
	// mostCheck bounds the check of one key for linearizability, mostChecking
	// those of a run.
	mostCheck    = 250 * time.Millisecond
	mostChecking = 10 * time.Second
)

// openLedgers makes the ledgers of all arms and writes their first values. The
// arms' keys are apart: each arm is asked whether its own writes were kept.
func (r *run) openLedgers(ctx context.Context, arms []*arm) error {
	if r.Ledger == 0 {
		return nil
	}
	for _, a := range arms {
		report := r.violations(a)
		for _, pool := range r.Pools {
			if pool.Kind != workload.KindCommands {
				a.books = append(a.books, nil) // messages have an account of their own, canaries need none
				continue
			}
			b := &book{pool: pool.Name, filed: map[int]ledger.Counts{}}
			b.Book = r.newBook(a.name, pool, func(v ledger.Violation) { report(v, b.found(v)) })
			b.run = workload.Run{Base: r.Base, Pool: pool, Target: a.client, Ledger: b.Book}
			a.books = append(a.books, b)
			if err := b.run.OpenLedger(ctx); err != nil {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				return err
			}
		}
	}
	return nil
}

func (r *run) newBook(arm string, pool workload.Pool, report func(ledger.Violation)) *ledger.Book {
	pool = pool.WithDefaults()
	keys := sampledKeys
	switch {
	case r.LedgerKeys > 0:
		keys = r.LedgerKeys
	case r.Ledger == 1:
		keys = min(pool.Keys.Space, mostLedgerKeys) / pool.Workers
	}
	spaces := pool.LedgerSpaces()
	return ledger.New(ledger.Config{
		Prefix: pool.Keys.Prefix, Arm: arm, Pool: pool.Name, Nonce: r.nonce(), Spaces: spaces,
		Workers: pool.Workers, Keys: max(keys, pool.Pipeline, 1), Share: r.Ledger, Report: report,
	})
}

// settleLedgers reads the ledgers' keys back once the load has ended.
func (r *run) settleLedgers(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	began := time.Now()
	for _, a := range r.arms {
		for _, b := range a.ledgers() {
			b.run.SettleLedger(ctx)
			r.linearizable(a.name, b, began)
		}
	}
}

// resolveLedgers reads those keys back on which the round has left something
// open. The load goes on, under a phase that counts for nothing.
func (r *run) resolveLedgers(ctx context.Context, round int) {
	ctx, cancel := context.WithTimeout(ctx, mostResolving)
	defer cancel()
	r.calm(true)
	for _, a := range r.arms {
		for _, b := range a.ledgers() {
			b.resolve(round)
			b.run.ResolveLedger(ctx)
			b.resolve(0)
		}
	}
	r.calm(false)
}

// fileLedgers counts what the arm's ledgers found so far.
func (a *arm) fileLedgers() {
	for _, b := range a.ledgers() {
		b.file()
	}
}

// turnLedgers says that another round is on.
func (r *run) turnLedgers(round int) {
	for _, a := range r.arms {
		for _, b := range a.ledgers() {
			b.turn(round)
		}
	}
}

// linearizable checks the histories of a book's shared keys. What there is no
// time for any more is unknown.
func (r *run) linearizable(arm string, b *book, began time.Time) {
	for _, t := range b.Trials() {
		result := linear.Unknown
		if time.Since(began) < mostChecking {
			result = linear.Check(t.Events(), mostCheck)
		}
		b.judge(result)
		if result == linear.OK {
			continue
		}
		r.Timeline.Mark(mark.Mark{At: time.Since(r.Base), Kind: mark.Integrity, Name: "linearizability_" + result.String(), Source: "arm", Arm: arm, Pool: b.pool,
			Detail: fmt.Sprintf("%s: %d operations of several clients", t.Name(), len(t.Events()))})
	}
}

// violations leaves a mark of each violation, up to mostViolations.
func (r *run) violations(a *arm) func(v ledger.Violation, round int) {
	var marked atomic.Int64
	return func(v ledger.Violation, round int) {
		now := time.Since(r.Base)
		switch n := marked.Add(1); {
		case n == mostViolations+1:
			r.Timeline.Mark(mark.Mark{At: now, Kind: mark.Harness, Name: "violations_not_listed", Source: "harness", Arm: a.name,
				Detail: fmt.Sprintf("%d violations are listed; those that follow are counted only", mostViolations)})
			return
		case n > mostViolations:
			return
		}
		r.Timeline.Mark(mark.Mark{At: now, Kind: mark.Integrity, Name: v.Kind.String(), Source: "arm", Round: round, Arm: a.name, Pool: v.Pool,
			Conn: a.conn(v.Conn), Node: v.Node, Detail: r.evidence(a.name, v, now)})
	}
}

func (r *run) evidence(arm string, v ledger.Violation, now time.Duration) string {
	text := fmt.Sprintf("%s %s: expected %s, found %s", v.Command, v.Key, v.Expected, v.Found)
	if v.Count > 1 {
		text += fmt.Sprintf(" (%d times)", v.Count)
	}
	if notice, ok := r.Timeline.lastNotice(arm); ok {
		return text + fmt.Sprintf("; %v after the last notice, %s", (now-notice.At).Round(time.Millisecond), notice.Name)
	}
	return text + "; no notice so far"
}

// ledgers are the books there are.
func (a *arm) ledgers() []*book {
	return slices.DeleteFunc(slices.Clone(a.books), func(b *book) bool { return b == nil })
}

// judged returns what an arm's ledgers counted since the reading before.
// Wrong replies are among the operations, by their class.
func (a *arm) judged() (counts []record.Count) {
	for _, b := range a.ledgers() {
		filed, histories := b.take()
		for _, round := range slices.Sorted(maps.Keys(filed)) {
			counts = append(counts, a.judgedIn(b, round, filed[round])...)
		}
		for result, n := range histories {
			if n > 0 || !b.shown {
				counts = append(counts, a.judgement(b, record.IntegrityLinearizable, record.AttrResult, linear.Result(result).String(), n))
			}
		}
		b.shown = true
	}
	return counts
}

func (a *arm) judgement(b *book, name, key, value string, n uint64, more ...record.Attr) record.Count {
	return record.Count{Name: name, Arm: a.name, Value: n,
		Attrs: append([]record.Attr{{Key: record.AttrPool, Value: b.pool}, {Key: key, Value: value}}, more...)}
}

// judgedIn returns what a ledger counted in a round. Counts of zero are given
// once.
func (a *arm) judgedIn(b *book, round int, new ledger.Counts) (counts []record.Count) {
	add := func(name, key, value string, n uint64) {
		if n > 0 || !b.shown {
			counts = append(counts, a.judgement(b, name, key, value, n, record.Attr{Key: record.AttrRound, Value: strconv.Itoa(round)}))
		}
	}
	add(record.IntegrityChecks, record.AttrType, "read", new.Reads)
	add(record.IntegrityChecks, record.AttrType, "write", new.Writes)
	for k := range ledger.Wrong {
		add(record.IntegrityViolations, record.AttrType, k.String(), new.Violations[k])
	}
	add(record.IntegrityIndeterminate, record.AttrResult, "applied", new.Applied)
	add(record.IntegrityIndeterminate, record.AttrResult, "not_applied", new.Undone)
	add(record.IntegrityIndeterminate, record.AttrResult, "unknown", new.Undecided)
	return counts
}
