package handoff

import (
	"context"
	"net/netip"
	"time"
)

// endpointType returns the endpoint type to ask for when the arm says auto.
// The rule is the one clients share: names for TLS, because certificates name
// hosts, else addresses; internal when the target's address is private.
//
// The library would do the same through the system's resolver; this asks the
// run's, which may be the simulator's.
func endpointType(ctx context.Context, c Config) string {
	if c.Arm.EndpointType != AutoEndpoint {
		return c.Arm.EndpointType
	}
	internal := isInternal(ctx, c)
	switch {
	case c.Target.TLS() && internal:
		return InternalFQDN
	case c.Target.TLS():
		return ExternalFQDN
	case internal:
		return InternalIP
	}
	return ExternalIP
}

// lookupTime bounds how long Open waits for the target's address.
const lookupTime = 2 * time.Second

// isInternal reports whether the target has a private address. A name that
// does not resolve is external, as in the library: the dial will say so.
func isInternal(ctx context.Context, c Config) bool {
	if c.Target.Host() == "localhost" {
		return true
	}
	if addr, err := netip.ParseAddr(c.Target.Host()); err == nil {
		return private(addr)
	}
	if c.Resolver == nil && c.Dial != nil {
		return false // a network of its own: the system's resolver knows nothing of it
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	addrs, err := c.Resolver.LookupNetIP(ctx, "ip", c.Target.Host())
	for _, addr := range addrs {
		if !private(addr) {
			return false
		}
	}
	return err == nil && len(addrs) > 0
}

// sharedSpace is RFC 6598, for networks behind a carrier's translation.
var sharedSpace = netip.MustParsePrefix("100.64.0.0/10")

func private(addr netip.Addr) bool {
	addr = addr.Unmap()
	return addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast() || sharedSpace.Contains(addr)
}
