package control

import (
	"context"
	"time"

	"schload/handoff/sim"
	"schload/handoff/upgrade"
)

// Rebind moves the endpoint to the proxy of the next node. It ends one second
// after the old proxy closed its connections, or later.
func (p *Plane) Rebind(ctx context.Context, expect Expect, id int) error {
	return p.plain(ctx, expect, id, "endpoint-rebind")
}

// Restart restarts the proxy that serves a database, without a notice.
func (p *Plane) Restart(ctx context.Context, expect Expect, id int) error {
	return p.plain(ctx, expect, id, "proxy-restart")
}

// Widen adds proxies to the endpoint, without a notice.
func (p *Plane) Widen(ctx context.Context, expect Expect, id int) error {
	return p.plain(ctx, expect, id, "widening")
}

// Policy applies a proxy policy to an endpoint: another one widens it, in
// silence, the one it has binds it anew, to the next node.
func (p *Plane) Policy(ctx context.Context, expect Expect, id int, policy string) error {
	if policy == sim.SingleProxy {
		return p.Rebind(ctx, expect, id)
	}
	return p.Widen(ctx, expect, id)
}

// Include adds a node's proxy to those that serve an endpoint, in silence.
// Which nodes join is not ours to choose: the next ones do.
func (p *Plane) Include(ctx context.Context, expect Expect, id, node int) error {
	if err := p.node(node); err != nil {
		return err
	}
	d, err := p.find(id)
	if err != nil {
		return err
	}
	if p.serves(d, node) {
		return nil
	}
	return p.Widen(ctx, expect, id)
}

// Exclude takes a node's proxy from an endpoint. If it alone serves, the
// endpoint moves to the next node.
func (p *Plane) Exclude(ctx context.Context, expect Expect, id, node int) error {
	if err := p.node(node); err != nil {
		return err
	}
	d, err := p.find(id)
	if err != nil {
		return err
	}
	if !p.serves(d, node) {
		return nil
	}
	return p.Rebind(ctx, expect, id)
}

// serves reports whether a database's endpoint leads to a node.
func (p *Plane) serves(d *database, node int) bool {
	nodes := d.sim.Nodes()
	return node <= len(nodes) && nodes[node-1].Serving
}

// Blackout loses every packet between clients and the serving node for so
// long; 0 is as long as the catalog says.
func (p *Plane) Blackout(ctx context.Context, expect Expect, id int, lasts time.Duration) error {
	var settings []string
	if lasts > 0 {
		settings = []string{"blackout=" + lasts.String()}
	}
	return p.plain(ctx, expect, id, "network-failure", settings...)
}

// Latency adds a delay to the replies of a database for so long; id 0 is every
// database.
func (p *Plane) Latency(ctx context.Context, expect Expect, id int, delay, lasts time.Duration) error {
	slow := func(d *database) error {
		return p.disturb(ctx, expect, d, upgrade.Action{Act: upgrade.Slow, For: lasts, Delay: delay, Detail: "replies take longer"})
	}
	if id == 0 {
		return p.each(slow)
	}
	d, err := p.find(id)
	if err != nil {
		return err
	}
	return slow(d)
}
