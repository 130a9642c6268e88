package handoff

import (
	"encoding/binary"
	"syscall"
)

// States of a TCP socket, from the kernel's include/net/tcp_states.h.
const (
	tcpClose     = 7 // without our having closed it: the far end's reset
	tcpCloseWait = 8 // the far end's FIN is here
)

// tcpState tells how the far end ended a connection by the socket's state,
// which stands whatever is unread and whoever looked before. (A reset shows in
// an error only once, and the library's own check takes it.)
func tcpState(fd int) (how string, known bool) {
	// The option is a structure; asked for as an int, its first byte is the
	// state.
	info, err := syscall.GetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_INFO)
	if err != nil {
		return "", false // not TCP
	}
	switch firstByte(info) {
	case tcpClose:
		return "reset", true
	case tcpCloseWait:
		return "eof", true
	}
	return "", true
}

// firstByte returns the first byte in memory of a 32-bit value.
func firstByte(v int) byte {
	var b [4]byte
	binary.NativeEndian.PutUint32(b[:], uint32(v))
	return b[0]
}
