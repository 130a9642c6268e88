// Package sim is the embedded maintenance simulator: a database behind one
// endpoint name, or with the OSS Cluster API, served by several nodes, on which
// upgrade plans are played.
//
// Each node is a proxy of its own at its own loopback address, all on one
// port. Clients speak to a proxy; the proxy answers the handshake and the
// opt-in to maintenance notices itself and forwards commands to the shards: an
// in-process store, or real Redis servers. A built-in name server holds the
// endpoint's address record, which moves when the plan says so. With the OSS
// Cluster API nodes serve hash slots, which move instead.
//
// The one invariant: notices are written between whole replies, only to
// connections that asked for them, and by the rules of real deployments; every
// act is written down as a mark at the instant it was done.
//
// How it is built: what happens when is decided by core, a state machine
// without I/O, clock or goroutine. One goroutine, the director, owns it and
// carries out its effects, none of which waits for a client. Each client
// connection is one goroutine that reads, runs or forwards, and replies.
//
// It refuses to stand in for a Redis server: it has no persistence and no
// replication, and its in-process store knows fewer commands.
package sim
