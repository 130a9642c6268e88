package faultinjector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"schload/handoff/sim/control"
	"schload/handoff/sim/jobs"
)

// effect is a change that clients of a database can observe, which several
// triggers bring about.
type effect struct {
	name     string
	prefix   string // of suggested database names
	triggers []trigger
}

// trigger is one way to an effect.
type trigger struct {
	name  string
	about string
	needs control.Spec // of the database
	do    move
}

// nodes is how many nodes the trigger takes: two that serve slots and one that
// does not, or two for an endpoint to move between.
func (t trigger) nodes() int {
	if t.needs.OSSCluster {
		return 3
	}
	return 2
}

// move changes one database and returns when its last effect has happened.
type move func(p *control.Plane, ctx context.Context, expect control.Expect, id int) error

var (
	plain      = control.Spec{ProxyPolicy: "single"}
	replicated = control.Spec{ProxyPolicy: "single", Replication: true}
)

// scenarios are the effects by the path under which they are asked for.
var scenarios = map[string][]effect{
	"topology-change-standalone": {
		{"data_movement_conn_drop", "tcs-mc", []trigger{
			{"maintenance_mode", "the node that serves is emptied: shards move, then the endpoint", replicated, (*control.Plane).Vacate},
			{"endpoint_rebind", "shards move, then the endpoint", replicated, migrateAndRebind},
		}},
		{"data_movement_no_conn_drop", "tcs-mn", []trigger{
			{"migrate", "shards move, connections stay", replicated, migrateShards},
			{"failover", "replicas take over, connections stay", replicated, failOver},
			{"reshard", "slots move between shards, connections stay", replicated, (*control.Plane).Reshard},
			{"endpoint_rebind", "shards move, the endpoint stays", replicated, migrateShards},
		}},
		{"conn_drop", "tcs-cd", []trigger{
			{"endpoint_rebind", "the endpoint moves to another node's proxy", plain, (*control.Plane).Rebind},
		}},
		{"dns_resolution_change", "tcs-dn", []trigger{
			{"endpoint_rebind", "the endpoint goes from one proxy to several, unannounced", plain, (*control.Plane).Widen},
		}},
	},
	"slot-migrate": {
		{"remove-add", "sm-ra", slotTriggers("remove-add", "migrate", "maintenance_mode", "failover", "reshard")},
		{"remove", "sm-re", slotTriggers("remove", "migrate", "maintenance_mode", "reshard")},
		{"add", "sm-ad", slotTriggers("add", "migrate", "failover", "reshard")},
		{"slot-shuffle", "sm-sh", slotTriggers("slot-shuffle", "migrate", "failover", "reshard")},
	},
}

// clustered is a database with the OSS Cluster API: two primaries on two nodes.
// A third node has none.
var clustered = control.Spec{
	OSSCluster: true, Sharding: true, ShardsCount: 2, ShardsPlacement: "sparse", ProxyPolicy: "all-master-shards",
	Replication: true, PreferredIPType: "external", ShardKeyRegex: control.StandardRegex,
}

// slotTriggers are the ways to an effect on hash slots. They differ in how long
// the window is.
func slotTriggers(effect string, names ...string) []trigger {
	var triggers []trigger
	for _, name := range names {
		triggers = append(triggers, trigger{name, "hash slots move: " + effect, clustered,
			func(p *control.Plane, ctx context.Context, expect control.Expect, id int) error {
				return p.MoveSlots(ctx, expect, id, effect, name)
			}})
	}
	return triggers
}

func failOver(p *control.Plane, ctx context.Context, expect control.Expect, id int) error {
	return p.Failover(ctx, expect, id)
}

func migrateShards(p *control.Plane, ctx context.Context, expect control.Expect, id int) error {
	return p.Migrate(ctx, expect, id, 0, 0)
}

func migrateAndRebind(p *control.Plane, ctx context.Context, expect control.Expect, id int) error {
	if err := p.Migrate(ctx, expect, id, 0, 0); err != nil {
		return err
	}
	return p.Rebind(ctx, expect, id)
}

// find finds an effect, and a trigger of it; the first when none is named.
func find(scenario, name, by string) (effect, trigger, error) {
	effects := scenarios[scenario]
	i := slices.IndexFunc(effects, func(e effect) bool { return e.name == name })
	if i < 0 {
		var known []string
		for _, e := range effects {
			known = append(known, e.name)
		}
		return effect{}, trigger{}, fmt.Errorf("effect %.80q: want one of %s", name, strings.Join(known, ", "))
	}
	e := effects[i]
	if by == "" || by == "default" {
		return e, e.triggers[0], nil
	}
	var known []string
	for _, t := range e.triggers {
		if t.name == by {
			return e, t, nil
		}
		known = append(known, t.name)
	}
	return effect{}, trigger{}, fmt.Errorf("trigger %.80q of effect %s: want one of %s", by, name, strings.Join(known, ", "))
}

// discover says what an effect needs: for each trigger the databases on which
// it works, with names and ports that nobody else was told.
func (in *Injector) discover(scenario string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		e, _, err := find(scenario, r.URL.Query().Get("effect"), "")
		if err != nil {
			invalid(w, "effect", err.Error())
			return
		}
		nodes := len(in.plane.Nodes())
		triggers := []map[string]any{}
		for _, t := range e.triggers {
			if nodes < t.nodes() {
				continue // it could not be played
			}
			triggers = append(triggers, map[string]any{
				"name": t.name, "description": t.about, "requirements": in.requirements(e, t, r.URL.Query(), nodes),
			})
		}
		write(w, http.StatusOK, map[string]any{"effect": e.name, "cluster": map[string]any{"index": 0, "nodes": nodes}, "triggers": triggers})
	}
}

// requirements are the databases on which a trigger works: in the clear, and
// encrypted where the client asks for that.
func (in *Injector) requirements(e effect, t trigger, query url.Values, nodes int) []map[string]any {
	var list []map[string]any
	for _, v := range securities {
		if v.wanted != "" && query.Get(v.wanted) != "true" {
			continue
		}
		spec := t.needs
		spec.TLSMode, spec.ClientAuthentication = v.tls, v.mutual
		spec = in.plane.Suggest(e.prefix, spec)
		list = append(list, map[string]any{
			"dbconfig": spec, "config": v.name, "description": fmt.Sprintf("%s: %s", t.name, t.about),
			"cluster":         map[string]any{"min_nodes": t.nodes(), "actual_nodes": nodes},
			"oss_cluster_api": map[string]any{"ip_type": cmp.Or(spec.PreferredIPType, "external")},
		})
	}
	return list
}

// securities are the variants of a requirement, with the query that asks for it.
var securities = []struct{ name, wanted, tls, mutual string }{
	{name: "single"},
	{name: "single_tls", wanted: "include_tls", tls: "enabled"},
	{name: "mtls", wanted: "include_mtls", tls: "enabled", mutual: "enabled"},
}

// scenarioAction fires a trigger that is asked for as an action.
func scenarioAction(scenario string) action {
	return func(ctx context.Context, expect control.Expect, in *Injector, p params) (map[string]any, error) {
		_, t, err := find(scenario, p.text("effect"), p.text("trigger", "variant"))
		if err != nil {
			return nil, err
		}
		id, err := p.id("bdb_id", "bdbId")
		if err != nil {
			return nil, err
		}
		if err := t.do(in.plane, ctx, expect, id); err != nil {
			return nil, err
		}
		return map[string]any{"bdb_id": id, "effect": p.text("effect"), "trigger": t.name}, nil
	}
}

// run fires a trigger.
func (in *Injector) run(scenario string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, ok := in.query(w, r)
		if !ok {
			return
		}
		if _, _, err := find(scenario, p.text("effect"), p.text("trigger", "variant")); err != nil {
			invalid(w, "effect", err.Error())
			return
		}
		if _, err := p.id("bdb_id"); err != nil {
			invalid(w, "bdb_id", err.Error())
			return
		}
		in.enqueue(w, strings.ReplaceAll(scenario, "-", "_"), p)
	}
}

// query reads the parameters of a request's address. A setup stands for the
// database that it made.
func (in *Injector) query(w http.ResponseWriter, r *http.Request) (params, bool) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		invalid(w, "query", err.Error())
		return nil, false
	}
	p := params{}
	for name := range values {
		if text := values.Get(name); text != "" {
			p[name] = text
		}
	}
	if setup := p.text("setup_id"); setup != "" && p.text("bdb_id") == "" {
		in.mu.Lock()
		id, known := in.setups[setup]
		in.mu.Unlock()
		if !known {
			invalid(w, "setup_id", fmt.Sprintf("setup %.80q: no such setup: want one that was made and not torn down", setup))
			return nil, false
		}
		p["bdb_id"] = id
	}
	return p, true
}

// setup creates a database on which a trigger works.
func (in *Injector) setup(scenario string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, ok := in.query(w, r)
		if !ok {
			return
		}
		e, t, err := find(scenario, p.text("effect"), p.text("trigger", "variant"))
		if err != nil {
			invalid(w, "effect", err.Error())
			return
		}
		wanted := in.requirements(e, t, r.URL.Query(), len(in.plane.Nodes()))
		variant, _, err := p.number("variant_index")
		if err != nil || variant < 0 || variant >= len(wanted) {
			invalid(w, "variant_index", fmt.Sprintf("%.80q: want 0 to %d", p.text("variant_index"), len(wanted)-1))
			return
		}
		in.enqueueWork(w, strings.ReplaceAll(scenario, "-", "_")+"_setup", "", in.provision(e.prefix, wanted[variant]["dbconfig"].(control.Spec)))
	}
}

func (in *Injector) provision(prefix string, spec control.Spec) jobs.Work {
	return func(ctx context.Context, _ func(time.Duration)) (map[string]any, error) {
		d, err := in.plane.Create(ctx, spec)
		for attempts := 20; errors.Is(err, control.ErrPort) && attempts > 0; attempts-- {
			d, err = in.plane.Create(ctx, in.plane.Suggest(prefix, spec))
		}
		if err != nil {
			return nil, err
		}
		output := Describe(d)
		output["setup_id"], output["db_name"], output["config"] = in.remember(d.ID), d.Name, d.Spec
		return output, nil
	}
}

// remember names a setup by the database that it made, and forgets those whose
// database is gone.
func (in *Injector) remember(id int) string {
	in.mu.Lock()
	defer in.mu.Unlock()
	maps.DeleteFunc(in.setups, func(_ string, made int) bool {
		_, err := in.plane.Database(made)
		return err != nil
	})
	in.last++
	setup := "setup-" + strconv.Itoa(in.last)
	in.setups[setup] = id
	return setup
}

// teardown deletes the database of a setup. Nodes are as they were: what a
// trigger moved harms nobody.
func (in *Injector) teardown(string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, ok := in.query(w, r)
		if !ok {
			return
		}
		id, err := p.id("bdb_id")
		if err != nil {
			invalid(w, "bdb_id", err.Error())
			return
		}
		in.mu.Lock()
		for setup, made := range in.setups {
			if made == id {
				delete(in.setups, setup)
			}
		}
		in.mu.Unlock()
		in.enqueue(w, "delete_database", params{"bdb_id": id})
	}
}
