// Package notice is the vocabulary of maintenance pushes: the seven kinds, a
// parser and an encoder for the frames Redis sends on a RESP3 connection.
//
// The one invariant: Append writes the captured shapes byte for byte, and what
// Parse accepts re-encodes to an equal Notice.
//
// Shapes and their history are those of Redis Enterprise 8.6.2 and Redis
// Software 8.0.22 as captured for the tests of StackExchange.Redis (August
// 2026). Older drafts still live in test doubles; Parse accepts those that
// real clients accept and names the others in its error.
//
// It knows no connection and no client. It refuses to guess: a frame of
// another shape is an error that names what was expected.
package notice
