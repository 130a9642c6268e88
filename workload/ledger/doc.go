// Package ledger decides whether a database kept what it acknowledged: every
// write of a ledger key carries a token, and whatever a reply shows is held
// against what may legally be there.
//
// A Book belongs to one pool of one arm. It has a Page for each worker, and a
// page has keys of its own: no two operations on one key are in flight at
// once, so what happened to a key is a sequence, and verdicts need no guess.
// Only a write whose end nobody saw stays open: it may take effect at any
// later time, once for each time it was sent, or never. What such a write may
// explain is no violation (Jepsen's :info operations), and the reading back
// after the load says what became of it.
//
// The one invariant: nothing is invented. A violation is reported only where no
// order of the operations, and no fate of the open ones, explains what was
// seen; where that cannot be known any more the key is left out of judgement.
//
// Memory is bounded: some 400 bytes a key, whatever is done to it.
//
// It knows no commands and no client: package workload says what an operation
// did to a key, and package handoff brings the replies. It refuses to judge by
// time: only the order of one worker's operations counts.
package ledger
