// Package tidy keeps the repository's rules as tests: who may import whom,
// that every package says what it is, which names and calls are banned, and
// that the README and docs name only what exists.
//
// Its one invariant: a rule is a fact that can be read from the files. Sizes
// and taste stay with the reader's eye.
//
// Files are parsed, never executed through the go command: the test cache
// hides a violation from a test that shells out.
package tidy
