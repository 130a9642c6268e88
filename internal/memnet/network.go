package memnet

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
)

// Network is a set of listeners that can be dialled. Its methods are safe for
// concurrent use.
type Network struct {
	// Lookup resolves host names of dialled addresses; the first address it
	// returns is used. Nil knows literal addresses and localhost only. Set it
	// before the first Dial.
	Lookup func(ctx context.Context, host string) ([]string, error)

	mu        sync.Mutex
	listeners map[netip.AddrPort]*listener
	holes     map[netip.AddrPort]chan struct{} // closed when the hole is lifted
	port      uint16                           // last ephemeral port given out
}

// Ephemeral ports are given out from here on, as Linux does.
const firstEphemeral = 32768

// New returns a network without listeners.
func New() *Network {
	return &Network{
		listeners: make(map[netip.AddrPort]*listener),
		holes:     make(map[netip.AddrPort]chan struct{}),
		port:      firstEphemeral - 1,
	}
}

// Listen has the contract of net.Listen for the networks tcp, tcp4 and tcp6:
// the address is a literal IP and a port, an empty host or an unspecified
// address hears dials of any address, and port 0 takes the next free one. An
// address in use is EADDRINUSE.
func (n *Network) Listen(network, address string) (net.Listener, error) {
	addr, err := parse(network, address)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if addr.Port() == 0 {
		addr = netip.AddrPortFrom(addr.Addr(), n.ephemeral(addr.Addr()))
	}
	if n.listeners[addr] != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: net.TCPAddrFromAddrPort(addr),
			Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}
	}
	l := newListener(n, addr)
	n.listeners[addr] = l
	return l, nil
}

// Dial has the contract of net.Dialer.DialContext. Nobody listening is
// ECONNREFUSED, a black-holed address waits for ctx, and a connection is
// established as soon as the listener's backlog holds it, accepted or not.
func (n *Network) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	addr, err := n.resolve(ctx, network, address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	conn, err := n.dial(ctx, addr)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: net.TCPAddrFromAddrPort(addr), Err: err}
	}
	return conn, nil
}

func (n *Network) dial(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
	if err := n.pass(ctx, addr); err != nil {
		return nil, err
	}
	n.mu.Lock()
	l := n.listener(addr)
	source := netip.AddrPortFrom(loopback(addr.Addr()), n.ephemeral(loopback(addr.Addr())))
	n.mu.Unlock()
	if l == nil {
		return nil, refused
	}
	near, far := pair(net.TCPAddrFromAddrPort(source), net.TCPAddrFromAddrPort(addr))
	if err := l.offer(ctx, far); err != nil {
		return nil, err
	}
	return near, nil
}

// Blackhole makes dials of a literal address hang until their context ends, as
// a host does that is gone without a trace; on = false lifts it and the dials
// that hang go on. Established connections are untouched. It panics when
// address is not a literal IP and port.
func (n *Network) Blackhole(address string, on bool) {
	addr := netip.MustParseAddrPort(address)
	n.mu.Lock()
	defer n.mu.Unlock()
	hole, dark := n.holes[addr]
	switch {
	case on && !dark:
		n.holes[addr] = make(chan struct{})
	case !on && dark:
		close(hole)
		delete(n.holes, addr)
	}
}

// pass waits until addr is no black hole.
func (n *Network) pass(ctx context.Context, addr netip.AddrPort) error {
	for {
		n.mu.Lock()
		hole := n.holes[addr]
		n.mu.Unlock()
		if hole == nil {
			return ctx.Err()
		}
		select {
		case <-hole:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// listener finds who hears addr: the listener of the address itself, else one
// of an unspecified address.
func (n *Network) listener(addr netip.AddrPort) *listener {
	for _, host := range []netip.Addr{addr.Addr(), netip.IPv4Unspecified(), netip.IPv6Unspecified()} {
		if l := n.listeners[netip.AddrPortFrom(host, addr.Port())]; l != nil {
			return l
		}
	}
	return nil
}

// ephemeral returns the next port nobody listens on.
func (n *Network) ephemeral(host netip.Addr) uint16 {
	for {
		if n.port++; n.port < firstEphemeral {
			n.port = firstEphemeral
		}
		if n.listeners[netip.AddrPortFrom(host, n.port)] == nil {
			return n.port
		}
	}
}

func (n *Network) resolve(ctx context.Context, network, address string) (netip.AddrPort, error) {
	addr, err := parse(network, address)
	if err == nil || n.Lookup == nil {
		return addr, err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return netip.AddrPort{}, err
	}
	hosts, err := n.Lookup(ctx, host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if len(hosts) == 0 {
		return netip.AddrPort{}, unknown(host)
	}
	return parse(network, net.JoinHostPort(hosts[0], port))
}

func parse(network, address string) (netip.AddrPort, error) {
	if !slices.Contains([]string{"tcp", "tcp4", "tcp6"}, network) {
		return netip.AddrPort{}, net.UnknownNetworkError(network)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return netip.AddrPort{}, err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("port %q of %q: want a number from 0 to 65535", port, address)
	}
	switch host {
	case "":
		host = "0.0.0.0"
	case "localhost":
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return netip.AddrPort{}, unknown(host)
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(number)), nil
}

func unknown(host string) error {
	return &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func loopback(peer netip.Addr) netip.Addr {
	if peer.Is6() {
		return netip.IPv6Loopback()
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}
