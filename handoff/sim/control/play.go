package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"schload/handoff/notice"
	"schload/handoff/sim"
	"schload/handoff/upgrade"
)

// Expect is told how long the rest of a request will take.
type Expect = func(time.Duration)

// play plays an upgrade of the catalog on a database; cut, which may be nil,
// changes the plan before. It returns when the plan's length has passed.
func (p *Plane) play(ctx context.Context, expect Expect, d *database, name string, settings []string, cut func(upgrade.Plan) upgrade.Plan) error {
	u, err := upgrade.Load(name)
	if err == nil {
		u, err = u.Set(append(p.config.Suite.Settings[name], settings...))
	}
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.plays++
	seed := p.config.Seed + p.plays
	p.mu.Unlock()
	plan, err := u.Plan(seed, p.config.Speed)
	if err != nil {
		return err
	}
	if cut != nil {
		plan = cut(plan)
	}
	expect(plan.Length)
	return d.sim.Play(ctx, plan)
}

// primaries spells the ids of a database's primaries among shards, as notices
// carry them.
func primaries(shards []Shard) []string {
	var ids []string
	for _, s := range shards {
		if s.Role == Primary {
			ids = append(ids, strconv.Itoa(s.UID))
		}
	}
	return ids
}

func shardSetting(ids []string) string { return "shards=" + strings.Join(ids, ",") }

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
	if err := p.play(ctx, expect, d, "failover", []string{shardSetting(ids), "settle=0s"}, nil); err != nil {
		return err
	}
	p.swap(d, chosen)
	return nil
}

// choose finds shards of a database by their ids; none are all.
func (p *Plane) choose(d *database, uids []int) ([]Shard, error) {
	all := p.all(d)
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

// Migrate moves all shards of a database from one node to another. From 0 is
// the node of its first primary; to 0 is the first that has none of its shards,
// or the next one. It ends with MIGRATED.
func (p *Plane) Migrate(ctx context.Context, expect Expect, id, from, to int) error {
	d, err := p.find(id)
	if err != nil {
		return err
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
	p.mu.Lock()
	if from == 0 {
		for _, s := range d.shards {
			if s.Role == Primary {
				from = s.Node
				break
			}
		}
	}
	if to == 0 {
		to = p.target(d, from)
	}
	p.mu.Unlock()
	if from == to {
		return 0, 0, fmt.Errorf("node %d: source and target of the migration are the same node", to)
	}
	return from, to, errors.Join(p.node(from), p.node(to))
}

// target picks a node for what leaves another.
func (p *Plane) target(d *database, from int) int {
	used := map[int]bool{from: true}
	for _, s := range d.shards {
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
	p.mu.Lock()
	defer p.mu.Unlock()
	var there []Shard
	for _, s := range d.shards {
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

// Blackout loses every packet between clients and the serving node for so
// long; 0 is as long as the catalog says.
func (p *Plane) Blackout(ctx context.Context, expect Expect, id int, lasts time.Duration) error {
	var settings []string
	if lasts > 0 {
		settings = []string{"blackout=" + lasts.String()}
	}
	return p.plain(ctx, expect, id, "network-failure", settings...)
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

func (p *Plane) plain(ctx context.Context, expect Expect, id int, name string, settings ...string) error {
	d, err := p.find(id)
	if err != nil {
		return err
	}
	return p.play(ctx, expect, d, name, settings, nil)
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
		p.swap(d, p.all(d))
	}
	return err
}

// disturb does one act that lasts. No upgrade of the catalog has it.
func (p *Plane) disturb(ctx context.Context, expect Expect, d *database, a upgrade.Action) error {
	a.For, a.Origin = p.Scaled(a.For), upgrade.Assumption
	expect(a.For)
	return d.sim.Play(ctx, upgrade.Plan{Upgrade: upgrade.Upgrade{Name: "disturbance"}, Speed: p.config.Speed, Length: a.For, Actions: []upgrade.Action{a}})
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
	return p.play(ctx, expect, d, "shard-migration", []string{shardSetting(primaries(p.all(d))), "settle=0s"}, nil)
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

// all are the shards of a database.
func (p *Plane) all(d *database) []Shard {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Shard(nil), d.shards...)
}

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

// each does something to every database at the same time.
func (p *Plane) each(do func(*database) error) error {
	p.mu.Lock()
	all := append([]*database(nil), p.databases...)
	p.mu.Unlock()
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i, d := range all {
		wg.Go(func() { errs[i] = do(d) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// evacuate moves what a database has on a node.
func (p *Plane) evacuate(ctx context.Context, expect Expect, d *database, node int) error {
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

// serves reports whether a database's endpoint leads to a node.
func (p *Plane) serves(d *database, node int) bool {
	nodes := d.sim.Nodes()
	return node <= len(nodes) && nodes[node-1].Serving
}

// firstMove cuts a plan before its second MOVING, which comes minutes later
// when the node leaves maintenance mode: whoever asks for maintenance mode
// waits for its beginning only.
func firstMove(plan upgrade.Plan) upgrade.Plan {
	moved := false
	for i, a := range plan.Actions {
		if a.Act == upgrade.Notify && a.Notice == notice.Moving {
			if moved {
				return until(plan, i)
			}
			moved = true
		}
	}
	return plan
}

// until keeps the actions in front of those of one instant.
func until(plan upgrade.Plan, i int) upgrade.Plan {
	for i > 0 && plan.Actions[i-1].At == plan.Actions[i].At {
		i--
	}
	plan.Actions = plan.Actions[:i]
	plan.Length = 0
	for _, a := range plan.Actions {
		plan.Length = max(plan.Length, a.End()+settled)
	}
	return plan
}

// settled is how long after its last effect a request has ended.
const settled = time.Second

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
