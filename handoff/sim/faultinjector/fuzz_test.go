package faultinjector

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"schload/handoff/sim"
	"schload/handoff/sim/control"
	"schload/internal/memnet"
)

// fuzzed is an injector whose jobs end at once, most of them for want of a
// database.
func fuzzed(f *testing.F) *Injector {
	cluster, err := sim.StartCluster(sim.ClusterConfig{Nodes: 3, Listen: memnet.New().Listen})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { cluster.Close() })
	plane := control.New(control.Config{Cluster: cluster, Speed: 1e6})
	f.Cleanup(plane.Close)
	return New(plane)
}

// answered wants a whole answer, whatever was asked.
func answered(t *testing.T, in *Injector, method, target, body string) {
	t.Helper()
	r, err := http.NewRequest(method, "http://localhost/", strings.NewReader(body))
	if err != nil {
		t.Skip()
	}
	path, query, _ := strings.Cut(target, "?")
	r.URL.Path, r.URL.RawQuery = path, query
	answer := httptest.NewRecorder()
	in.ServeHTTP(answer, r)
	if answer.Code < 200 || answer.Code > 599 || answer.Body.Len() > 8<<20 {
		t.Errorf("%s %q: got %d with %d bytes", method, target, answer.Code, answer.Body.Len())
	}
}

func FuzzRequest(f *testing.F) {
	for _, path := range []string{
		"/action", "/action/1", "/actions", "/health", "/rladmin", "/slot-migrate?effect=add&bdb_id=1", "/slot-migrate/setup?effect=add",
		"/topology-change-standalone?effect=conn_drop&trigger=endpoint_rebind&bdb_id=1", "/topology-change-standalone/setup?effect=conn_drop",
		"/topology-change-standalone/teardown?bdb_id=1&restore_nodes=true",
	} {
		f.Add("GET", path, "")
		f.Add("POST", path, `{"type":"failover","parameters":{"bdb_id":1}}`)
	}
	in := fuzzed(f)
	f.Fuzz(func(t *testing.T, method, target, body string) { answered(t, in, method, target, body) })
}

func FuzzAction(f *testing.F) {
	for kind := range actions {
		f.Add(kind, `{"bdb_id":1}`)
	}
	f.Add("create_database", `{"database_config":{"name":"a","port":12000,"sharding":true,"shards_count":3,"shard_key_regex":[{"regex":""}]}}`)
	f.Add("sequence_of_actions", `{"actions":[{"type":"bind","params":{"bdb_id":1},"delay":1e9}]}`)
	f.Add("cluster_failure", `{"node_ids":[1,2,"3"]}`)
	f.Add("network_latency", `{"latency":"1h","duration":1e300}`)
	in := fuzzed(f)
	f.Fuzz(func(t *testing.T, kind, parameters string) {
		var p params
		if decode([]byte(parameters), &p) != nil {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		defer cancel()
		in.work(kind, p)(ctx, func(time.Duration) {}) // not in the queue, so that a panic is seen
		if len(in.plane.Databases()) > 8 {
			in.removeAll()
		}
	})
}

func FuzzRladmin(f *testing.F) {
	for _, line := range []string{
		"rladmin status", "rladmin -b 1 status shards", "migrate node 1 all_shards target_node 2", "migrate db 1 shard 1 target_node 2 preserve_roles",
		"failover db db:1 shard 1 2 immediate", "bind endpoint 1:1 policy single", "bind db x endpoint endpoint:1:1 include 2", "node 1 maintenance_mode on",
		"restart db 1", "upgrade db 1 redis_version 8.4",
	} {
		f.Add(line)
	}
	in := fuzzed(f)
	f.Fuzz(func(t *testing.T, line string) {
		if c, err := in.parse(line, 0); err == nil && verbs[c.verb] == nil {
			t.Errorf("%q: verb %q does nothing", line, c.verb)
		}
	})
}
