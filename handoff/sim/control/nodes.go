package control

import (
	"context"
	"fmt"
	"slices"

	"schload/handoff/sim"
)

// Enter puts a node into maintenance mode: its shards and the endpoints it
// serves go to other nodes. Databases are moved at the same time. It ends one
// second after the last effect.
func (p *Plane) Enter(ctx context.Context, expect Expect, node int) error {
	if err := p.node(node); err != nil {
		return err
	}
	if err := p.rest(node, true); err != nil {
		return err
	}
	err := p.each(func(d *database) error { return p.evacuate(ctx, expect, d, node) })
	if err != nil {
		p.rest(node, false)
	}
	return err
}

// Leave takes a node back into service. The endpoints that the cluster bound
// elsewhere go on; nothing is said of shards that move back.
func (p *Plane) Leave(node int) error {
	if err := p.node(node); err != nil {
		return err
	}
	return p.rest(node, false)
}

// rest notes that a node is in maintenance mode, or no longer.
func (p *Plane) rest(node int, on bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.resting[node] == on {
		return fmt.Errorf("node %d: maintenance mode is %s already", node, map[bool]string{true: "on", false: "off"}[on])
	}
	p.resting[node] = on
	return nil
}

// evacuate moves what a database has on a node.
func (p *Plane) evacuate(ctx context.Context, expect Expect, d *database, node int) error {
	if d.spec.OSSCluster {
		if !p.serves(d, node) {
			return nil
		}
		return p.MoveSlots(ctx, expect, d.id, "remove-add", "maintenance_mode")
	}
	from, to, err := p.route(d, node, 0)
	if err != nil {
		return err
	}
	ids := primaries(p.on(d, node))
	switch serves := p.serves(d, node); {
	case serves && d.spec.ProxyPolicy != sim.SingleProxy:
		err = p.play(ctx, expect, d, "maintenance-mode-multi-proxy", nil, nil)
	case serves && len(ids) > 0:
		err = p.play(ctx, expect, d, "maintenance-mode", []string{shardSetting(ids)}, firstMove)
	case serves:
		err = p.play(ctx, expect, d, "endpoint-rebind", nil, nil)
	case len(ids) > 0:
		err = p.play(ctx, expect, d, "shard-migration", []string{shardSetting(ids), "settle=0s"}, nil)
	}
	if err == nil {
		p.move(d, from, to)
	}
	return err
}

// Empty moves everything from a node, as before it is removed. The node stays.
func (p *Plane) Empty(ctx context.Context, expect Expect, node int) error {
	if err := p.node(node); err != nil {
		return err
	}
	return p.each(func(d *database) error { return p.evacuate(ctx, expect, d, node) })
}

// Vacate moves one database from the node that serves it, as maintenance mode
// of that node does.
func (p *Plane) Vacate(ctx context.Context, expect Expect, id int) error {
	d, err := p.find(id)
	if err != nil {
		return err
	}
	for node := 1; node <= p.nodes; node++ {
		if p.serves(d, node) {
			return p.evacuate(ctx, expect, d, node)
		}
	}
	return fmt.Errorf("bdb %d (%s): no node serves it", id, d.spec.Name)
}

// Fail makes nodes fall silent for a while, as without power. Clients of
// databases that another node serves notice nothing (measured).
func (p *Plane) Fail(ctx context.Context, expect Expect, nodes ...int) error {
	for _, node := range nodes {
		if err := p.node(node); err != nil {
			return err
		}
	}
	return p.each(func(d *database) error {
		if !slices.ContainsFunc(nodes, func(node int) bool { return p.serves(d, node) }) {
			return nil
		}
		return p.play(ctx, expect, d, "node-failure", nil, nil)
	})
}
