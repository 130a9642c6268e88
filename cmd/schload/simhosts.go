package main

import (
	"context"
	"fmt"
	"net"
	"time"
)

// lookUp makes addresses of the names among the nodes' hosts. Clients are then
// led by names: an endpoint's own address is a loopback one, which no other
// machine reaches.
func (f *simFlags) lookUp(ctx context.Context) error {
	if len(f.hosts) == 0 {
		return nil
	}
	f.advertise = "name"
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for i, host := range f.hosts {
		addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", host)
		if err != nil {
			return fmt.Errorf("--node-hosts %s: %w: want IPv4 addresses of this machine, or names for them", host, err)
		}
		f.hosts[i] = addrs[0].Unmap().String()
	}
	return nil
}
