//go:build unix

package experiment

import (
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff"
	"schload/handoff/sim"
	"schload/handoff/upgrade"
	"schload/internal/bundle"
	"schload/internal/memnet"
	"schload/telemetry/mark"
	"schload/workload"
)

// sockets gives the bench's connections what the library's health check asks
// of a socket. A network in memory has none, so that there every idle
// connection passes for a healthy one; with them the library finds out in
// virtual time what it finds out in reality.
func (b *bench) sockets() *bench {
	b.t.Helper()
	states := socketStates(b.t)
	b.wrap = func(conn net.Conn) net.Conn { return &socketLike{conn.(*memnet.Conn), states} }
	return b
}

// states are sockets that are in a state and stay in it, for receivers that
// only peek.
type states struct{ quiet, unread, ended uintptr }

func socketStates(t *testing.T) states {
	t.Helper()
	pair := func() (near, far int) {
		fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { syscall.Close(fds[0]) })
		return fds[0], fds[1]
	}
	quiet, open := pair()
	t.Cleanup(func() { syscall.Close(open) })
	unread, sent := pair()
	if _, err := syscall.Write(sent, []byte{'>'}); err != nil {
		t.Fatal(err)
	}
	syscall.Close(sent) // an end that shows only behind what is unread
	ended, gone := pair()
	syscall.Close(gone)
	return states{uintptr(quiet), uintptr(unread), uintptr(ended)}
}

// socketLike is a connection in memory that answers for a socket in its state.
type socketLike struct {
	*memnet.Conn
	states
}

func (s *socketLike) SyscallConn() (syscall.RawConn, error) { return rawSocket{s}, nil }

// Write takes the first command after the far end's close, as a kernel does.
func (s *socketLike) Write(p []byte) (int, error) {
	if s.FarEnd() == io.EOF {
		return len(p), nil
	}
	return s.Conn.Write(p)
}

// rawSocket lends the sockets to those who peek.
type rawSocket struct{ *socketLike }

func (r rawSocket) Control(do func(fd uintptr)) error {
	do(r.now())
	return nil
}

func (r rawSocket) Read(look func(fd uintptr) bool) error {
	look(r.now())
	return nil
}

func (r rawSocket) Write(func(fd uintptr) bool) error { return syscall.ENOTSUP }

// now returns the socket that is in the state of the connection: what is unread
// comes before the end.
func (s *socketLike) now() uintptr {
	switch {
	case s.Unread():
		return s.unread
	case s.FarEnd() != nil:
		return s.ended
	}
	return s.quiet
}

// An idle connection of an arm with handoffs holds the pushes of the upgrade
// unread. If the server closes it then, the library's health check finds the
// push and not the close behind it, and gives the connection to a command,
// which fails. Without handoffs there is no push, the check finds the close and
// the library dials instead (docs/FINDINGS.md, 7).
//
// The connections are those to a node that left and comes back within the
// minute for which the library keeps its pool: in the second round, never in
// the first, and not if it comes back later or another node comes.
func TestUnreadPushHidesClose(t *testing.T) {
	for name, test := range map[string]struct {
		nodes, rounds int
		recovery      time.Duration
		hides         bool
	}{
		"back within a minute": {4, 2, 5 * time.Second, true},
		"back later":           {4, 2, 2 * time.Minute, false},
		"other nodes":          {5, 4, 3 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBenchWith(t, sim.Config{Nodes: test.nodes}, "oss-slot-remove-add").use("on-noretry", "off-noretry").sockets()
				b.config.Pools[0].Schedule.Rate = workload.Constant(50)
				b.config.Rounds, b.config.Recovery = test.rounds, test.recovery
				result, s := b.run(t.Context())
				on, off := arm2(t, s, "on-noretry"), arm2(t, s, "off-noretry")
				if got := on.Errors["eof"] > 0; got != test.hides || off.Errors["eof"] > 0 {
					t.Error(append(append([]any{"want eof on:", test.hides, "and none off: on"}, describe(on)...), append([]any{"off"}, describe(off)...)...)...)
				}
				failed, found := deadConnections(t, result.Dir)
				if uint64(failed) < on.Errors["eof"] { // readings of the slot map meet some, too
					t.Errorf("%d connections were closed by the server, idle, and read a push when a command found out; want one for each of %v", failed, on.Errors)
				}
				if test.hides && found == 0 {
					t.Error("off: want connections that were closed as theirs were, and found stale before use")
				}
			})
		})
	}
}

// deadConnections counts the connections that a node closed when it left and
// that their arm found out later, in another round: those of the arm on which
// read a notice in that instant and failed a command, and those of the arm off
// which were thrown away before use.
func deadConnections(t *testing.T, dir string) (failed, found int) {
	t.Helper()
	kept, err := bundle.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	timeline, err := kept.Timeline()
	if err != nil {
		t.Fatal(err)
	}
	left, read := map[string]mark.Mark{}, map[uint64]time.Duration{}
	for _, m := range timeline {
		switch {
		case m.Kind == mark.Step && m.Name == string(upgrade.Close):
			left[m.Node] = m
		case m.Kind == mark.Notice && m.Arm == "on-noretry":
			read[m.Conn] = m.At
		}
	}
	for _, m := range timeline {
		if m.Kind != mark.Close || m.Name != handoff.ByServer || m.Round <= 1 {
			continue
		}
		at, told := read[m.Conn]
		switch {
		case m.Arm == "off-noretry" && m.Detail == "stale":
			found++
		case m.Detail != "eof":
		case m.Arm != "on-noretry" || !told || at != m.At || left[m.Node].At == 0:
			t.Errorf("%+v, last notice at %v: want it idle since its node left", m, at)
		default:
			failed++
		}
	}
	return failed, found
}
