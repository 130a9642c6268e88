package sim

import (
	"net"
	"sync"
	"syscall"
	"time"
)

const (
	usualBacklog = 4096 // what the system allows by default; it lowers what is more
	mostFillers  = 8
	fillerWait   = 100 * time.Millisecond
)

// crowd makes dials of a listener that accepts nobody hang. A backlog without
// room makes the kernel drop what knocks, as if the packets were lost; one
// connection always fits in and has to come from somewhere. Dials that hang
// get through once leave was called, when the kernel of the client knocks
// again.
func crowd(l *net.TCPListener) (leave func()) {
	backlog(l, 0)
	var fillers []net.Conn
	var wg sync.WaitGroup
	wg.Go(func() {
		for range mostFillers {
			c, err := net.DialTimeout("tcp", l.Addr().String(), fillerWait)
			if err != nil {
				return // full, as it is to be, or closed
			}
			fillers = append(fillers, c)
		}
	})
	return func() {
		wg.Wait()
		backlog(l, usualBacklog)
		for _, c := range fillers {
			c.Close()
		}
	}
}

// backlog changes how many connections wait at a listener to be accepted.
// Where it cannot, dials succeed and nobody answers.
func backlog(l *net.TCPListener, n int) {
	raw, err := l.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) { syscall.Listen(int(fd), n) })
}
