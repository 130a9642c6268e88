package main

import (
	"context"
	"fmt"
	"net"
)

// nameServer is a resolver that asks the name server at an address for every
// name; nil, which is the system's, without one. The name server's own name is
// looked up once: it must not be in the way of every dial.
func nameServer(ctx context.Context, address string) (*net.Resolver, error) {
	if address == "" {
		return nil, nil
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("--resolver %q: want HOST:PORT such as 127.0.0.1:5353", address)
	}
	addrs, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("--resolver %s: %w", address, err)
	}
	server := net.JoinHostPort(addrs[0], port)
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server)
	}}, nil
}
