// Package race tells tests whether the race detector is on.
//
// It exists for one reason: go-redis 9.23 races with itself while it hands a
// connection over (an application's goroutine against the handoff's), so tests
// that play a move through the real client cannot run under the detector.
// Everything else does.
package race
