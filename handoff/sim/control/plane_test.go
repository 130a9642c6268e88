package control

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff/sim"
	"schload/handoff/upgrade"
	"schload/internal/memnet"
)

func inPlane(t *testing.T, nodes int, test func(t *testing.T, p *Plane)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cluster, err := sim.StartCluster(sim.ClusterConfig{Nodes: nodes, Listen: memnet.New().Listen})
		if err != nil {
			t.Fatal(err)
		}
		defer cluster.Close()
		p := New(Config{Cluster: cluster, ByName: true})
		defer p.Close()
		test(t, p)
	})
}

func unhurried(time.Duration) {}

func create(t *testing.T, p *Plane, spec Spec) Database {
	t.Helper()
	spec.Sharding, spec.ShardKeyRegex = spec.ShardsCount > 1, StandardRegex
	d, err := p.Create(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// places spells where shards are: "1m@1 2s@2".
func places(shards []Shard) string {
	var words []string
	for _, s := range shards {
		words = append(words, strings.Join([]string{string('0' + rune(s.UID)), string(s.Role[0]), "@", string('0' + rune(s.Node))}, ""))
	}
	return strings.Join(words, " ")
}

func TestPlacement(t *testing.T) {
	for _, c := range []struct {
		spec Spec
		want string
	}{
		{Spec{ShardsCount: 1}, "1m@1"},
		{Spec{ShardsCount: 2, Replication: true}, "1m@1 2s@2 3m@1 4s@2"},
		{Spec{ShardsCount: 4, ShardsPlacement: "sparse"}, "1m@1 2m@2 3m@3 4m@1"},
		{Spec{ShardsCount: 2, Replication: true, ShardsPlacement: "sparse"}, "1m@1 2s@2 3m@2 4s@3"},
	} {
		shards := place(1, c.spec, 3, 0)
		if got := places(shards); got != c.want {
			t.Errorf("%+v: got %s, want %s", c.spec, got, c.want)
		}
		if last := shards[len(shards)-1]; shards[0].First != 0 || last.Last != 16383 {
			t.Errorf("slots %s to %s", shards[0].Slots(), last.Slots())
		}
	}
}

// Where shards are after each request; no node ever holds a shard twice.
func TestMoves(t *testing.T) {
	inPlane(t, 3, func(t *testing.T, p *Plane) {
		d := create(t, p, Spec{Name: "db", ShardsCount: 2, Replication: true})
		want := func(err error, want string) {
			t.Helper()
			now, ferr := p.Database(d.ID)
			if err := errors.Join(err, ferr); err != nil {
				t.Fatal(err)
			}
			if got := places(now.Shards); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
		want(nil, "1m@1 2s@2 3m@1 4s@2")
		want(p.Migrate(t.Context(), unhurried, d.ID, 0, 0), "1m@3 2s@2 3m@3 4s@2")
		want(p.Migrate(t.Context(), unhurried, d.ID, 3, 2), "1m@2 2s@3 3m@2 4s@3")
		want(p.Migrate(t.Context(), unhurried, d.ID, 3, 1), "1m@2 2s@1 3m@2 4s@1")
		want(p.Failover(t.Context(), unhurried, d.ID, 1), "1s@2 2m@1 3m@2 4s@1")
		want(p.LoseShard(t.Context(), unhurried, d.ID), "1m@2 2s@1 3s@2 4m@1")
		want(p.Empty(t.Context(), unhurried, 1), "1m@2 2s@3 3s@2 4m@3")
		for _, err := range []error{
			p.Failover(t.Context(), unhurried, d.ID, 2), p.Failover(t.Context(), unhurried, d.ID, 9), p.Migrate(t.Context(), unhurried, d.ID, 1, 1),
			p.Migrate(t.Context(), unhurried, d.ID, 1, 2), p.Migrate(t.Context(), unhurried, d.ID, 2, 9), p.Leave(1), p.Enter(t.Context(), unhurried, 0),
		} {
			if err == nil {
				t.Error("a request that makes no sense was done")
			}
		}
	})
}

// Maintenance mode moves what the node serves, and only once the last close
// was a second ago does it end.
func TestMaintenanceMode(t *testing.T) {
	inPlane(t, 3, func(t *testing.T, p *Plane) {
		served := create(t, p, Spec{Name: "served", Replication: true})
		several := create(t, p, Spec{Name: "several", ShardsCount: 3, ShardsPlacement: "sparse", ProxyPolicy: "all-nodes"})
		began := time.Now()
		if err := p.Enter(t.Context(), unhurried, 1); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 30*time.Second || took > time.Minute {
			t.Errorf("took %v", took)
		}
		if now, _ := p.Database(served.ID); now.Endpoint.Nodes[0] != 2 {
			t.Errorf("the endpoint is at node %v, want 2", now.Endpoint.Nodes)
		}
		if now, _ := p.Database(several.ID); len(now.Endpoint.Nodes) == 0 {
			t.Error("the endpoint with several proxies leads nowhere")
		}
		nodes := p.Nodes()
		if !nodes[0].Maintenance || len(nodes[0].Shards) != 0 {
			t.Errorf("node 1 is %+v", nodes[0])
		}
	})
}

// A suite's settings fit the upgrades that they are for.
func TestSuites(t *testing.T) {
	for _, name := range Suites() {
		s, err := LoadSuite(name)
		if err != nil {
			t.Fatal(err)
		}
		for upgradeName, settings := range s.Settings {
			u, err := upgrade.Load(upgradeName)
			if err == nil {
				_, err = u.Set(settings)
			}
			if err != nil {
				t.Errorf("suite %s: %v", name, err)
			}
		}
	}
	if _, err := LoadSuite("go-rediss"); err == nil || !strings.Contains(err.Error(), "go-redis") {
		t.Errorf("got %v, want a hint", err)
	}
}

func TestSpec(t *testing.T) {
	for want, spec := range map[string]Spec{
		"name":            {Name: "a b"},
		"port":            {Port: 80},
		"shards_count":    {ShardsCount: 2},
		"shard_key_regex": {ShardsCount: 2, Sharding: true},
		"placement":       {ShardsPlacement: "loose"},
		"proxy_policy":    {ProxyPolicy: "none"},
		"tls_mode":        {TLSMode: "maybe"},
	} {
		if err := spec.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %s named", spec, err, want)
		}
	}
}
