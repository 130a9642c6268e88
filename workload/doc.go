// Package workload is the load engine: schedules of intended instants, the
// pacer that waits for them, worker pools with their operation mix, keys and
// values, and the law that every operation that fell due is accounted for.
//
// The one invariant is the conservation law: due = ok + failed + missed, for
// every pool, exactly, however the run ends. Run.Do checks it, and, in an open
// loop, that what fell due is what the schedule says.
//
// # The life of an operation
//
// The engine is open loop: a Schedule is a pure function that fixes the
// intended instants before the run, and a slow target changes when operations
// are sent, never when they were due. One dispatcher for each pool walks the
// schedule, waits with a Pacer and puts what is due into one queue; whichever
// worker is free takes the next. The pool's Overload says what becomes of an
// operation that finds no worker. Closed loop exists as a labelled special
// case.
//
// What operation i is (command, key, size) follows from the pool's seed and i
// by a generator seeded for each i anew, so the pools of two arms that differ
// in nothing but the target offer the identical sequence, whichever worker
// takes which operation.
//
// Instants are read as time.Since of the run's base, whose monotonic clock
// never steps.
//
// With a ledger (Run.Ledger) a share of the operations goes to keys of its own,
// whose replies are judged: package ledger says what a database must not lose.
//
// It knows nothing of Redis clients and nothing of histograms: a Target does
// the operations (package handoff is the real one), a Sink takes the samples
// (package record is the real one). It refuses to retry, to forgive lateness
// and to drop an operation silently.
package workload
