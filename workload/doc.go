// Package workload is the load engine: schedules of intended instants, the
// pacer that waits for them, worker pools with their operation mix, keys and
// values, and the law that every operation that fell due is accounted for.
//
// The one invariant is the conservation law: due = ok + failed + missed, for
// every pool, exactly, however the run ends.
//
// The engine is open loop: the intended instants are fixed before the run by
// a Schedule, and a slow target changes when operations are sent, never when
// they were due. Closed loop exists as a labelled special case.
//
// It knows nothing of Redis clients and nothing of histograms: a Target does
// the operations (package handoff is the real one), a Sink takes the samples
// (package record is the real one). It refuses to retry, to forgive lateness
// and to drop an operation silently.
package workload
