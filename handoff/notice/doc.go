// Package notice is the vocabulary of maintenance pushes: the seven kinds, a
// parser and an encoder for the frames Redis sends on a RESP3 connection.
//
// The one invariant: Append writes the captured shapes byte for byte, and what
// Parse accepts re-encodes to an equal Notice.
//
// It knows no connection and no client. It refuses to guess: a frame of
// another shape is an error that names what was expected.
package notice
