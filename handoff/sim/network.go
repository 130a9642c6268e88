package sim

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"syscall"
)

// network is where the nodes listen: each at an address of its own, a loopback
// address unless others were given, all on one port. Clients tell nodes apart by
// address, some by nothing else.
//
// A machine with a single loopback address gives each node a port of its own
// instead, and one more for the endpoint, at which the node answers that the
// address record names.
type network struct {
	listen   func(network, address string) (net.Listener, error)
	port     int      // the endpoint's
	addrs    []string // of the nodes, host:port
	fallback string   // for people; empty when every node has its address

	doors    []net.Listener // by node; nil while it refuses
	lifts    map[int]func() // by isolated node: what lets dials pass again
	front    bool           // the endpoint has an address of its own, beside those of nodes
	entrance net.Listener   // there; nil while it refuses
}

const portAttempts = 20

// hostOf is the address of a node, counted from 0.
func hostOf(hosts []string, node int) string {
	if len(hosts) > 0 {
		return hosts[node]
	}
	return fmt.Sprintf("127.0.0.%d", node+2)
}

// checkHosts wants one IPv4 address for each node, each of them once.
func checkHosts(hosts []string, nodes int) error {
	if len(hosts) > 0 && len(hosts) != nodes {
		return fmt.Errorf("%d node addresses for %d nodes: want one for each", len(hosts), nodes)
	}
	for i, host := range hosts {
		ip, err := netip.ParseAddr(host)
		if err != nil || !ip.Is4() || ip.IsUnspecified() || ip.IsMulticast() {
			return fmt.Errorf("node address %q: want an IPv4 address of this machine", host)
		}
		if slices.Contains(hosts[:i], host) {
			return fmt.Errorf("node address %s is there twice: clients tell nodes apart by address", host)
		}
	}
	return nil
}

// EntranceHost is the address of the endpoint's own, where it has one.
const EntranceHost = "127.0.0.1"

func openNetwork(c Config) (*network, error) {
	n := &network{listen: c.Listen}
	if n.listen == nil {
		n.listen = net.Listen
	}
	var err error
	for range portAttempts {
		err = n.bind(c)
		if c.Port != 0 || !errors.Is(err, syscall.EADDRINUSE) {
			break // a free port of one address may be taken at another: try the next
		}
	}
	if errors.Is(err, syscall.EADDRNOTAVAIL) && len(c.Hosts) == 0 {
		err = n.bindFallback(c)
	}
	if err != nil {
		n.close()
		return nil, explain(err)
	}
	return n, nil
}

// bind takes every node's address, to be sure of them all.
func (n *network) bind(c Config) error {
	n.port, n.addrs, n.doors = c.Port, nil, nil
	for i := range c.Nodes {
		if err := n.add(hostOf(c.Hosts, i), n.port); err != nil {
			n.close()
			return err
		}
		n.port = portOf(n.doors[0])
	}
	if n.front = c.Entrance; n.front {
		if _, err := n.enter(true); err != nil {
			n.close()
			return err
		}
	}
	n.keep(c.home())
	return nil
}

func (n *network) bindFallback(c Config) error {
	entrance, err := n.listen("tcp", net.JoinHostPort(EntranceHost, strconv.Itoa(c.Port)))
	if err != nil {
		return err
	}
	n.port, n.front, n.entrance, n.addrs, n.doors = portOf(entrance), true, entrance, nil, nil
	n.fallback = fmt.Sprintf("this machine has one loopback address: nodes share %s and differ by port, the endpoint's is %d; "+
		"clients that tell nodes apart by address alone will not hand over", EntranceHost, n.port)
	for range c.Nodes {
		if err := n.add(EntranceHost, 0); err != nil {
			return err
		}
	}
	n.keep(c.home())
	return nil
}

// add listens for one more node.
func (n *network) add(host string, port int) error {
	door, err := n.listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return err
	}
	n.doors = append(n.doors, door)
	n.addrs = append(n.addrs, door.Addr().String())
	return nil
}

// keep lets all doors but those of some nodes go again: a node listens when
// the endpoint is bound to it.
func (n *network) keep(nodes []int) {
	for node := range n.doors {
		if !slices.Contains(nodes, node) {
			n.refuse(node)
		}
	}
}

func portOf(l net.Listener) int {
	if addr, ok := l.Addr().(*net.TCPAddr); ok {
		return addr.Port
	}
	return 0
}

// explain adds the fix to an error of listening.
func explain(err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w: another program, or another simulator, has the port: end it, or choose another port, 0 for a free one", err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%w: it is no address of this machine: nodes must have addresses that it has", err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%w: choose a port above 1023, or 0 for a free one", err)
	}
	return err
}

// open makes a node listen. It returns nil if it does already.
func (n *network) open(node int) (net.Listener, error) {
	if n.doors[node] != nil {
		return nil, nil
	}
	door, err := n.listen("tcp", n.addrs[node])
	if err != nil {
		return nil, explain(err)
	}
	n.doors[node] = door
	return door, nil
}

// isolate makes dials of a node's address hang, as far as the system allows it:
// where it does not, they succeed and nobody answers.
func (n *network) isolate(node int, on bool) {
	if lift := n.lifts[node]; lift != nil {
		lift()
		delete(n.lifts, node)
	}
	if door := n.doors[node]; on && door != nil {
		if n.lifts == nil {
			n.lifts = make(map[int]func())
		}
		n.lifts[node] = dig(door)
	}
}

// refuse makes a node's address refuse dials.
func (n *network) refuse(node int) {
	if door := n.doors[node]; door != nil {
		door.Close()
		n.doors[node] = nil
		n.isolate(node, false)
	}
}

// enter makes the endpoint's own port accept or refuse, where it has one. It
// returns a listener when a new one was made.
func (n *network) enter(on bool) (net.Listener, error) {
	switch {
	case !n.front || on == (n.entrance != nil):
		return nil, nil
	case !on:
		n.entrance.Close()
		n.entrance = nil
		return nil, nil
	}
	entrance, err := n.listen("tcp", net.JoinHostPort(EntranceHost, strconv.Itoa(n.port)))
	if err != nil {
		return nil, explain(err)
	}
	n.entrance = entrance
	return entrance, nil
}

// hosts are the addresses of the nodes without their ports.
func (n *network) hosts() []string {
	var hosts []string
	for _, addr := range n.addrs {
		host, _, _ := net.SplitHostPort(addr)
		hosts = append(hosts, host)
	}
	return hosts
}

func (n *network) close() {
	for node := range n.doors {
		n.refuse(node)
	}
	if n.entrance != nil {
		n.entrance.Close()
		n.entrance = nil
	}
}
