// Package raw executes operations over bare RESP on sockets, without any
// client library: one connection for each worker, no pool, no retries, a new
// connection after an error. An arm of this kind is a calibration: what it is
// faster than another arm by is that arm's client.
//
// The one invariant: each operation is sent once and gets the outcome it would
// get behind a library, so that what differs is time alone.
//
// It knows commands with one element as their reply, and refuses the others:
// lists, scripts and transactions (Commands).
//
// It knows nothing of errors of other packages: how an error is classified is
// given to it (Config.Classify). It never opts in to maintenance notices.
//
// The way of an operation allocates nothing (TestAllocations).
package raw
