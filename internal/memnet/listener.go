package memnet

import (
	"context"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
)

// Backlog is how many connections wait at a listener for Accept; the next dial
// waits until there is room.
const Backlog = 1024

var refused = os.NewSyscallError("connect", syscall.ECONNREFUSED)

type listener struct {
	network *Network
	addr    netip.AddrPort
	backlog chan *Conn
	closed  chan struct{}
	once    sync.Once
}

func newListener(n *Network, addr netip.AddrPort) *listener {
	return &listener{network: n, addr: addr, backlog: make(chan *Conn, Backlog), closed: make(chan struct{})}
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case <-l.closed:
		return nil, l.shut()
	default:
	}
	select {
	case c := <-l.backlog:
		return c, nil
	case <-l.closed:
		return nil, l.shut()
	}
}

func (l *listener) shut() error {
	return &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
}

// Close implements net.Listener: later dials are refused, connections nobody
// accepted are reset, accepted ones live on.
func (l *listener) Close() error {
	first := false
	l.once.Do(func() {
		first = true
		l.network.mu.Lock()
		delete(l.network.listeners, l.addr)
		l.network.mu.Unlock()
		close(l.closed)
		l.drain()
	})
	if !first {
		return &net.OpError{Op: "close", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
	}
	return nil
}

// Addr returns a *net.TCPAddr.
func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.addr) }

// Blackhole is Network.Blackhole for the address of the listener.
func (l *listener) Blackhole(on bool) { l.network.Blackhole(l.addr.String(), on) }

// offer puts the far end of a new connection into the backlog.
func (l *listener) offer(ctx context.Context, far *Conn) error {
	select {
	case <-l.closed:
		return refused
	case <-ctx.Done():
		return ctx.Err()
	case l.backlog <- far:
	}
	select {
	case <-l.closed: // Close may have drained before the send
		l.drain()
	default:
	}
	return nil
}

func (l *listener) drain() {
	for {
		select {
		case c := <-l.backlog:
			c.Abort()
		default:
			return
		}
	}
}
