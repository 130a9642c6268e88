package faultinjector

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"schload/handoff/sim/control"
	"schload/handoff/sim/jobs"
)

// action does one thing and returns when it is over.
type action func(ctx context.Context, expect control.Expect, in *Injector, p params) (map[string]any, error)

// actions are the types of actions that are known, sequences aside.
var actions = map[string]action{
	"failover":      about(failOver),
	"migrate":       migrate,
	"bind":          about((*control.Plane).Rebind),
	"dmc_restart":   about((*control.Plane).Restart),
	"proxy_failure": about((*control.Plane).Restart),
	"reshard":       about((*control.Plane).Reshard),
	"shard_failure": about((*control.Plane).LoseShard),
	"upgrade":       about((*control.Plane).Upgrade),
	"play_upgrade":  play, // ours: no other fault injector has it
	"network_failure": func(ctx context.Context, expect control.Expect, in *Injector, p params) (map[string]any, error) {
		id, err := p.id("bdb_id", "bdbId")
		lasts, derr := p.duration(time.Second, "delay")
		if err := cmp.Or(err, derr); err != nil {
			return nil, err
		}
		return nil, in.plane.Blackout(ctx, expect, id, lasts)
	},
	"network_latency":  latency,
	"maintenance_mode": maintenance,
	"node_failure":     atNode(fail),
	"node_remove":      atNode((*control.Plane).Empty),
	"cluster_failure":  loseCluster,

	"slot_migrate":               scenarioAction("slot-migrate"),
	"topology_change_standalone": scenarioAction("topology-change-standalone"),

	"update_cluster_config":   configure,
	"execute_rladmin_command": rladminAction,
	"execute_rlutil_command": func(_ context.Context, _ control.Expect, _ *Injector, p params) (map[string]any, error) {
		return nil, fmt.Errorf("rlutil %.80q: the simulator has no rlutil: want execute_rladmin_command", p.text("rlutil_command"))
	},
	"create_database": create,
	"delete_database": remove,
	"reset_cluster":   reset,
}

// sequence_of_actions is registered here because it looks into the table.
func init() { actions["sequence_of_actions"] = sequence }

// work is the job of an action. What is wrong with the action is found when
// its turn comes, and is why the job fails.
func (in *Injector) work(kind string, p params) jobs.Work {
	return func(ctx context.Context, expect func(time.Duration)) (map[string]any, error) {
		do, known := actions[kind]
		if !known {
			return nil, fmt.Errorf("unsupported action type: %.80q", kind)
		}
		output, err := do(ctx, expect, in, p)
		if err == nil && output == nil {
			output = map[string]any{}
		}
		return output, err
	}
}

// about is an action on one database.
func about(do move) action {
	return func(ctx context.Context, expect control.Expect, in *Injector, p params) (map[string]any, error) {
		id, err := p.id("bdb_id", "bdbId")
		if err != nil {
			return nil, err
		}
		return nil, do(in.plane, ctx, expect, id)
	}
}

// atNode is an action on one node.
func atNode(do move) action {
	return func(ctx context.Context, expect control.Expect, in *Injector, p params) (map[string]any, error) {
		node, err := p.id("node_id")
		if err != nil {
			return nil, err
		}
		return nil, do(in.plane, ctx, expect, node)
	}
}

// play plays any upgrade of the catalog on a database.
func play(ctx context.Context, expect control.Expect, in *Injector, p params) (map[string]any, error) {
	id, err := p.id("bdb_id", "bdbId")
	if err != nil {
		return nil, err
	}
	name := p.text("upgrade")
	return map[string]any{"upgrade": name}, in.plane.Play(ctx, expect, id, name)
}

func migrate(ctx context.Context, expect control.Expect, in *Injector, p params) (map[string]any, error) {
	id, err := p.id("bdb_id", "bdbId")
	from, _, ferr := p.number("source_node")
	to, _, terr := p.number("target_node")
	if err := cmp.Or(err, ferr, terr); err != nil {
		return nil, err
	}
	return nil, in.plane.Migrate(ctx, expect, id, from, to)
}

func maintenance(ctx context.Context, expect control.Expect, in *Injector, p params) (map[string]any, error) {
	node, err := p.id("node_id")
	on, ferr := p.flag("enabled", true)
	if err := cmp.Or(err, ferr); err != nil {
		return nil, err
	}
	if on {
		return nil, in.plane.Enter(ctx, expect, node)
	}
	return nil, in.plane.Leave(node)
}

// latency slows one database, or all. Its lengths are ours: the real action
// shapes a node's whole network and has no end of its own.
func latency(ctx context.Context, expect control.Expect, in *Injector, p params) (map[string]any, error) {
	delay, err := p.duration(time.Millisecond, "latency", "latency_ms", "delay_ms")
	lasts, lerr := p.duration(time.Second, "duration", "duration_seconds")
	id, _, nerr := p.number("bdb_id", "bdbId")
	if err := cmp.Or(err, lerr, nerr); err != nil {
		return nil, err
	}
	return nil, in.plane.Latency(ctx, expect, id, cmp.Or(delay, 100*time.Millisecond), cmp.Or(lasts, 10*time.Second))
}

func fail(p *control.Plane, ctx context.Context, expect control.Expect, node int) error {
	return p.Fail(ctx, expect, node)
}

// loseCluster fails several nodes at once. Unlike a real one, they come back.
func loseCluster(ctx context.Context, expect control.Expect, in *Injector, p params) (map[string]any, error) {
	list, _ := p["node_ids"].([]any)
	if len(list) == 0 {
		return nil, &paramError{"node_ids", p["node_ids"], "a list of node numbers"}
	}
	var nodes []int
	for _, v := range list {
		node, err := params{"node_ids": v}.id("node_ids")
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, node)
	}
	return nil, in.plane.Fail(ctx, expect, nodes...)
}

// configure changes options of the cluster; those that mean nothing here are
// left alone.
func configure(_ context.Context, _ control.Expect, in *Injector, p params) (map[string]any, error) {
	config, ok := p["config"].(map[string]any)
	if !ok {
		return nil, &paramError{"config", p["config"], "an object such as {\"client_maint_notifications\": true}"}
	}
	on, err := params(config).flag("client_maint_notifications", in.plane.Notices())
	if err != nil {
		return nil, err
	}
	in.plane.SetNotices(on)
	return map[string]any{"client_maint_notifications": on}, nil
}

// create creates a database as its specification says, numbers as written.
func create(ctx context.Context, _ control.Expect, in *Injector, p params) (map[string]any, error) {
	config, ok := p["database_config"].(map[string]any)
	if !ok {
		return nil, &paramError{"database_config", p["database_config"], "an object: parameters of the database belong into it"}
	}
	spec, err := specify(config)
	if err != nil {
		return nil, err
	}
	d, err := in.plane.Create(ctx, spec)
	if err != nil {
		return nil, err
	}
	return Describe(d), nil
}

func specify(config map[string]any) (spec control.Spec, err error) {
	text, err := json.Marshal(config)
	if err == nil {
		err = json.Unmarshal(text, &spec)
	}
	if err != nil {
		return spec, fmt.Errorf("database_config: %w", err)
	}
	return spec, nil
}

// Describe is a database as the tests of clients read it: what creating one
// answers, and an entry of endpoints.json.
func Describe(d control.Database) map[string]any {
	return map[string]any{
		"bdb_id": d.ID, "name": d.Name, "username": cmp.Or(d.Username, "default"), "password": d.Password, "tls": d.TLS,
		"oss_cluster": d.OSSCluster, "endpoints": []string{d.Endpoint.URL()},
		"raw_endpoints": []map[string]any{{
			"addr": d.Endpoint.Addrs, "addr_type": "external", "dns_name": d.Endpoint.Host, "port": d.Endpoint.Port,
			"oss_cluster_api_preferred_endpoint_type": "ip", "oss_cluster_api_preferred_ip_type": cmp.Or(d.PreferredIPType, "internal"),
			"proxy_policy": d.ProxyPolicy, "uid": d.Endpoint.UID,
		}},
	}
}

func remove(_ context.Context, _ control.Expect, in *Injector, p params) (map[string]any, error) {
	if all, err := p.flag("delete_all", false); all || err != nil {
		if err == nil {
			err = in.removeAll()
		}
		return nil, err
	}
	id, err := p.id("bdb_id", "bdbId")
	if err != nil {
		return nil, err
	}
	return map[string]any{"bdb_id": id}, in.plane.Delete(id)
}

func (in *Injector) removeAll() error {
	for _, d := range in.plane.Databases() {
		if err := in.plane.Delete(d.ID); err != nil {
			return err
		}
	}
	return nil
}

// reset makes the cluster as new: no databases, every node in service, notices
// on.
func reset(_ context.Context, _ control.Expect, in *Injector, _ params) (map[string]any, error) {
	in.plane.SetNotices(true)
	for _, n := range in.plane.Nodes() {
		if n.Maintenance {
			if err := in.plane.Leave(n.UID); err != nil {
				return nil, err
			}
		}
	}
	return nil, in.removeAll()
}

// mostSteps bounds a sequence, depth bounds sequences within sequences.
const (
	mostSteps = 64
	depth     = 4
)

// sequence does actions one after the other. They share the parameters of the
// sequence where they have none of their own.
func sequence(ctx context.Context, expect control.Expect, in *Injector, p params) (map[string]any, error) {
	steps, _ := p["actions"].([]any)
	if len(steps) == 0 || len(steps) > mostSteps {
		return nil, &paramError{"actions", len(steps), fmt.Sprintf("a list of 1 to %d actions", mostSteps)}
	}
	level, _ := p[levelKey].(int)
	if level++; level > depth {
		return nil, fmt.Errorf("actions: sequences within sequences: want at most %d levels", depth)
	}
	var results []any
	for i, step := range steps {
		output, err := in.step(ctx, expect, p, step, level)
		if err != nil {
			return nil, fmt.Errorf("action %d of the sequence: %w", i+1, err)
		}
		results = append(results, output)
	}
	return map[string]any{"results": results}, nil
}

// levelKey is a parameter that no JSON can contain as an int.
const levelKey = "\x00level"

func (in *Injector) step(ctx context.Context, expect control.Expect, outer params, step any, level int) (map[string]any, error) {
	fields, ok := step.(map[string]any)
	if !ok {
		return nil, &paramError{"actions", step, "objects {\"type\": ..., \"params\": {...}}"}
	}
	inner, _ := params(fields).get("params", "parameters")
	own, _ := inner.(map[string]any)
	delay, err := params(fields).pause()
	if err != nil {
		return nil, err
	}
	if err := rest(ctx, in.plane.Scaled(delay)); err != nil {
		return nil, err
	}
	p := params(own).with(outer)
	if _, nested := own["actions"]; !nested {
		delete(p, "actions")
	}
	p[levelKey] = level
	return in.work(params(fields).text("type"), p)(ctx, expect)
}

// pause is the delay before a step: seconds, or nanoseconds from clients that
// write durations of Go as they are.
func (p params) pause() (time.Duration, error) {
	if n, ok, err := p.number("delay"); ok && err == nil && n >= int(time.Millisecond) {
		return params{"delay": n}.duration(time.Nanosecond, "delay")
	}
	return p.duration(time.Second, "delay")
}

func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
