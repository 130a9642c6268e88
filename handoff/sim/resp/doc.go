// Package resp is the Redis wire format as a proxy needs it: requests and
// replies as whole frames of bytes, never as values.
//
// The one invariant: what Requests and Replies return, put together, is the
// stream that was read, byte for byte, and a frame ends exactly where the
// protocol says it does. Whoever writes between two frames therefore never
// writes into one.
//
// It reads RESP2 and RESP3, nested aggregates, attributes and streamed types
// included. Every size is bounded; a peer that breaks the protocol costs its
// own connection and nothing else. It refuses to interpret: what a reply
// means is the client's concern.
package resp
