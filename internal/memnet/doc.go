// Package memnet is a network in memory: listeners, dials and connections
// that behave as TCP on a loopback interface does, without a socket. Tests in
// testing/synctest bubbles run whole clients and servers over it in virtual
// time, and the simulator reaches its in-process shards through it.
//
// The one invariant: whoever waits here waits durably in the sense of
// testing/synctest (on a sync.Cond or a channel, never inside a mutex), so a
// bubble's clock advances exactly when every goroutine is idle. Make networks,
// connections and listeners inside the bubble that uses them.
//
// It refuses to imitate what the tests do not need: no latency, no loss, no
// segments. What is written is readable at once; a connection's buffer is
// bounded (Window), so a reader that stops reads stops its writer.
package memnet
