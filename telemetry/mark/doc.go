// Package mark is the vocabulary of the run's timeline: a mark is one
// time-stamped fact (a stage step, a notice, a handoff, a dial, a close, an
// outage). Clients, simulator, stages and the harness write marks; the bundle
// keeps them; comparison and reports read them.
//
// The one invariant: At counts from the run's base instant on the monotonic
// clock, for every source, so marks of different sources can be ordered.
//
// It refuses to count things: bounded totals live in package record, because a
// dial storm may overflow a timeline but must never falsify a total.
package mark
