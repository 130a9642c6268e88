package experiment

import (
	"context"
	"fmt"
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
	// mostCheck bounds the check of one key for linearizability, mostChecking
	// those of a run.
	mostCheck    = 250 * time.Millisecond
	mostChecking = 10 * time.Second
)

// book is a pool's ledger and what of it was read.
type book struct {
	*ledger.Book
	pool   string
	before ledger.Counts // as of the last reading
	shown  bool          // the counts were read before
	linear [3]uint64     // keys by linear.Result, not yet read
	run    workload.Run  // opens it before the load, and settles it after
}

// openLedgers makes the ledgers of all arms and writes their first values. The
// arms' keys are apart: each arm is asked whether its own writes were kept.
func (r *run) openLedgers(ctx context.Context) error {
	if r.Ledger == 0 {
		return nil
	}
	for _, a := range r.arms {
		report := r.violations(a.name)
		for i, pool := range r.Pools {
			b := &book{pool: pool.Name, Book: r.newBook(a.name, pool, report)}
			b.run = workload.Run{Base: r.Base, Pool: pool, Target: a.target(i), Ledger: b.Book}
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
	if r.Ledger == 1 {
		keys = min(pool.Keys.Space, mostLedgerKeys) / pool.Workers
	}
	spaces, _ := pool.LedgerSpaces()
	return ledger.New(ledger.Config{
		Prefix: pool.Keys.Prefix, Arm: arm, Pool: pool.Name, Nonce: uint32(r.Base.UnixNano() / 1000), Spaces: spaces,
		Workers: pool.Workers, Keys: max(keys, pool.Pipeline, 1), Share: r.Ledger, Report: report,
	})
}

// settleLedgers reads the ledgers' keys back once the load has ended.
func (r *run) settleLedgers(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	began := time.Now()
	for _, a := range r.arms {
		for _, b := range a.books {
			b.run.SettleLedger(ctx)
			r.linearizable(a.name, b, began)
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
		b.linear[result]++
		if result == linear.OK {
			continue
		}
		r.Timeline.Mark(mark.Mark{At: time.Since(r.Base), Kind: mark.Integrity, Name: "linearizability_" + result.String(), Source: "arm", Arm: arm, Pool: b.pool,
			Detail: fmt.Sprintf("%s: %d operations of several clients", t.Name(), len(t.Events()))})
	}
}

// violations leaves a mark of each violation, up to mostViolations.
func (r *run) violations(arm string) func(ledger.Violation) {
	var marked atomic.Int64
	return func(v ledger.Violation) {
		now := time.Since(r.Base)
		switch n := marked.Add(1); {
		case n == mostViolations+1:
			r.Timeline.Mark(mark.Mark{At: now, Kind: mark.Harness, Name: "violations_not_listed", Source: "harness", Arm: arm,
				Detail: fmt.Sprintf("%d violations are listed; those that follow are counted only", mostViolations)})
			return
		case n > mostViolations:
			return
		}
		r.Timeline.Mark(mark.Mark{At: now, Kind: mark.Integrity, Name: v.Kind.String(), Source: "arm", Arm: arm, Pool: v.Pool,
			Conn: v.Conn, Node: v.Node, Detail: r.evidence(arm, v, now)})
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

// judged returns what an arm's ledgers counted since the reading before.
// Wrong replies are among the operations, by their class.
func (a *arm) judged() (counts []record.Count) {
	for _, b := range a.books {
		now := b.Counts()
		new := now.Minus(b.before)
		b.before = now
		add := func(name, key, value string, n uint64) {
			if n == 0 && b.shown {
				return
			}
			counts = append(counts, record.Count{Name: name, Arm: a.name, Value: n,
				Attrs: []record.Attr{{Key: record.AttrPool, Value: b.pool}, {Key: key, Value: value}}})
		}
		add(record.IntegrityChecks, record.AttrType, "read", new.Reads)
		add(record.IntegrityChecks, record.AttrType, "write", new.Writes)
		for k := range ledger.Wrong {
			add(record.IntegrityViolations, record.AttrType, k.String(), new.Violations[k])
		}
		add(record.IntegrityIndeterminate, record.AttrResult, "applied", new.Applied)
		add(record.IntegrityIndeterminate, record.AttrResult, "not_applied", new.Undone)
		add(record.IntegrityIndeterminate, record.AttrResult, "unknown", new.Undecided)
		for result, n := range b.linear {
			add(record.IntegrityLinearizable, record.AttrResult, linear.Result(result).String(), n)
			b.linear[result] = 0
		}
		b.shown = true
	}
	return counts
}
