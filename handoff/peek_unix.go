//go:build unix

package handoff

import (
	"errors"
	"net"
	"syscall"
)

// peekEnd asks the kernel whether the far end has already ended a connection
// that is about to be closed: "eof", "reset", or "" when it has not.
//
// Subtle: Control, not Read. Read would wait for a reader that is still blocked
// on the connection, and Close is what is to wake that reader
// (TestCloseWakesReader).
func peekEnd(conn net.Conn) string {
	how := ""
	socket(conn, func(fd int) {
		known := false
		if how, known = tcpState(fd); !known {
			how = drain(fd)
		}
	})
	return how
}

// glanceEnd is peekEnd for a connection that is in use: it takes nothing away,
// and says "" where that is the only way to tell.
func glanceEnd(conn net.Conn) (how string) {
	socket(conn, func(fd int) { how, _ = tcpState(fd) })
	return how
}

// socket calls do with the socket under a connection, if it has one.
func socket(conn net.Conn, do func(fd int)) {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return
	}
	if raw, err := sc.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { do(int(fd)) })
	}
}

// drain finds the end by receiving. An end that follows unread bytes shows
// only behind them (a push that nobody read hides the server's close from the
// library for this reason), so at most 64 KiB are taken away; the connection is
// being closed anyway.
func drain(fd int) string {
	var buf [1024]byte
	for range 64 {
		n, _, err := syscall.Recvfrom(fd, buf[:], syscall.MSG_DONTWAIT)
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
			return "reset"
		case err != nil:
			return ""
		case n == 0:
			return "eof"
		}
	}
	return ""
}
