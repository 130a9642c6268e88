package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"schload/handoff/upgrade"
)

// Failover makes replicas primaries, of the primaries named or, without names,
// of all of a database. It ends with FAILED_OVER.
func (p *Plane) Failover(ctx context.Context, expect Expect, id int, uids ...int) error {
	d, err := p.find(id)
	if err != nil {
		return err
	}
	chosen, err := p.choose(d, uids)
	if err != nil {
		return err
	}
	if !d.spec.Replication {
		return fmt.Errorf("bdb %d (%s): cannot fail over without replicas: want replication true", id, d.spec.Name)
	}
	ids := primaries(chosen)
	if len(ids) == 0 {
		return fmt.Errorf("shard_is_slave: %v: want primaries", uids)
	}
	if d.spec.OSSCluster {
		return p.MoveSlots(ctx, expect, id, "slot-shuffle", "failover")
	}
	if err := p.play(ctx, expect, d, "failover", []string{shardSetting(ids), "settle=0s"}, nil); err != nil {
		return err
	}
	p.swap(d, chosen)
	return nil
}

// choose finds shards of a database by their ids; none are all.
func (p *Plane) choose(d *database, uids []int) ([]Shard, error) {
	all := p.shards(d)
	if len(uids) == 0 {
		return all, nil
	}
	var chosen []Shard
	for _, uid := range uids {
		i := slices.IndexFunc(all, func(s Shard) bool { return s.UID == uid })
		if i < 0 {
			return nil, fmt.Errorf("shard_not_exist: bdb %d has no shard %d", d.id, uid)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// swap exchanges the roles of shards and their twins.
func (p *Plane) swap(d *database, chosen []Shard) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range chosen {
		if c.Role != Primary {
			continue
		}
		for i := range d.shards {
			s := &d.shards[i]
			switch {
			case s.First != c.First:
			case s.UID == c.UID:
				s.Role = Replica
			default:
				s.Role = Primary
			}
		}
	}
}

// Migrate moves all shards of a database from one node to another. Of one with
// the OSS Cluster API the simulator chooses both, as for everything that moves
// its slots. From 0 is
// the node of its first primary; to 0 is the first that has none of its shards,
// or the next one. It ends with MIGRATED.
func (p *Plane) Migrate(ctx context.Context, expect Expect, id, from, to int) error {
	d, err := p.find(id)
	if err != nil {
		return err
	}
	if d.spec.OSSCluster {
		return p.MoveSlots(ctx, expect, id, "remove-add", "migrate")
	}
	if from, to, err = p.route(d, from, to); err != nil {
		return err
	}
	moving := p.on(d, from)
	if len(moving) == 0 {
		return fmt.Errorf("bdb %d (%s) has no shard on node %d: nothing to migrate", id, d.spec.Name, from)
	}
	ids := primaries(moving)
	if len(ids) == 0 { // replicas move in silence
		p.move(d, from, to)
		return nil
	}
	if err := p.play(ctx, expect, d, "shard-migration", []string{shardSetting(ids), "settle=0s"}, nil); err != nil {
		return err
	}
	p.move(d, from, to)
	return nil
}

// route completes and checks the two ends of a migration.
func (p *Plane) route(d *database, from, to int) (int, int, error) {
	shards := p.shards(d)
	if i := slices.IndexFunc(shards, func(s Shard) bool { return s.Role == Primary }); i >= 0 && from == 0 {
		from = shards[i].Node
	}
	if to == 0 {
		to = p.target(shards, from)
	}
	if from == to {
		return 0, 0, fmt.Errorf("node %d: source and target of the migration are the same node", to)
	}
	return from, to, errors.Join(p.node(from), p.node(to))
}

// target picks a node for what leaves another.
func (p *Plane) target(shards []Shard, from int) int {
	used := map[int]bool{from: true}
	for _, s := range shards {
		used[s.Node] = true
	}
	for n := 1; n <= p.nodes; n++ {
		if !used[n] {
			return n
		}
	}
	return from%p.nodes + 1
}

// on are the shards of a database on a node.
func (p *Plane) on(d *database, node int) []Shard {
	var there []Shard
	for _, s := range p.shards(d) {
		if s.Node == node {
			there = append(there, s)
		}
	}
	return there
}

// move moves shards. A twin that is on the target goes the other way: no node
// holds both.
func (p *Plane) move(d *database, from, to int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	leaving := map[int]bool{}
	for _, s := range d.shards {
		if s.Node == from {
			leaving[s.First] = true
		}
	}
	for i := range d.shards {
		s := &d.shards[i]
		switch {
		case s.Node == from:
			s.Node = to
		case s.Node == to && leaving[s.First]:
			s.Node = from
		}
	}
}

// Reshard moves slots between the shards of a database.
func (p *Plane) Reshard(ctx context.Context, expect Expect, id int) error {
	d, err := p.find(id)
	if err != nil {
		return err
	}
	if d.spec.OSSCluster {
		return p.play(ctx, expect, d, "oss-reshard", nil, nil)
	}
	return p.play(ctx, expect, d, "shard-migration", []string{shardSetting(primaries(p.shards(d))), "settle=0s"}, nil)
}

// windows are how long slots are announced before they move, by what moves
// them. That of migrations is a sample of another notice, those of failovers and
// of resharding are what mocks of clients' tests play.
var windows = map[string]string{"migrate": "12.3s", "maintenance_mode": "12.3s", "failover": "0s", "reshard": "1s"}

// MoveSlots moves hash slots of a database with the OSS Cluster API. Effect is
// remove-add, remove, add or slot-shuffle, by is what brings it about: migrate,
// maintenance_mode, failover or reshard.
func (p *Plane) MoveSlots(ctx context.Context, expect Expect, id int, effect, by string) error {
	d, err := p.find(id)
	if err != nil {
		return err
	}
	name := "oss-" + effect
	if effect != "slot-shuffle" {
		name = "oss-slot-" + effect
	}
	return p.play(ctx, expect, d, name, []string{"smigrated_after=" + windows[by]}, nil)
}

// shardStall is how long commands queue when a shard dies: nothing more was
// seen of it (measured), for how long was not published (assumption).
const shardStall = 500 * time.Millisecond

// LoseShard lets the primaries of a database die. Their replicas take over,
// unannounced; without replicas they are started again.
func (p *Plane) LoseShard(ctx context.Context, expect Expect, id int) error {
	d, err := p.find(id)
	if err != nil {
		return err
	}
	err = p.disturb(ctx, expect, d, upgrade.Action{Act: upgrade.Stall, For: shardStall, Detail: "a primary died: commands queue until another is there"})
	if err == nil && d.spec.Replication {
		p.swap(d, p.shards(d))
	}
	return err
}

// Upgrade upgrades a database to another version of Redis, in place.
func (p *Plane) Upgrade(ctx context.Context, expect Expect, id int) error {
	d, err := p.find(id)
	if err != nil {
		return err
	}
	if d.spec.Replication {
		return p.play(ctx, expect, d, "version-upgrade", nil, nil)
	}
	return p.play(ctx, expect, d, "version-upgrade-unreplicated", nil, nil)
}
