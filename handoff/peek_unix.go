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
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return ""
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return ""
	}
	how := ""
	_ = raw.Control(func(fd uintptr) {
		known := false
		if how, known = tcpState(int(fd)); !known {
			how = drain(int(fd))
		}
	})
	return how
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
