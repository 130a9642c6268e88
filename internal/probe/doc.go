// Package probe asks a service once whether it works: an HTTP server that
// answers, a Redis server that replies, runs that go on. It is what containers
// without a shell have as their healthcheck.
//
// The one invariant: nil means that the thing asked for was seen, within the
// time that the context gives; everything else is an error that says what was
// seen instead.
package probe
