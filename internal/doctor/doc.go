// Package doctor looks before a run starts: whether the target can be reached,
// speaks RESP3, and supports handoffs, and says what is missing and how to fix
// it.
//
// The one invariant: a check goes as far as it can and changes nothing on the
// target.
package doctor
