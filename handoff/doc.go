// Package handoff is the client under load: one Redis client configuration
// (an arm), driven by package workload, proved on every connection and
// observed from outside while maintenance happens around it.
//
// The one invariant: an arm is proved, not believed. What a connection
// negotiated is read from the bytes that passed over it, and a client that is
// not what its arm claims says so in its Proof.
//
// The database behind an arm is an endpoint or an OSS cluster (Config.Cluster).
// On a cluster the library has a client, and a pool, for every node; each of
// them is observed as the one client of an endpoint is.
//
// go-redis does the work; its types never leave this package. The two things it
// has once per process, a metrics recorder and a logger, are set by the first
// Open. What is recorded is routed to its client by the connection it happened
// on, so clients with different arms run side by side.
//
// It refuses to repair: a command is sent as the library sends it, retries and
// all, and what the library hides (retries, overflow dials, crossed replies)
// is counted instead of corrected.
package handoff
