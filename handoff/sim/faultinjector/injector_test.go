package faultinjector

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What go-redis' push test asks for, as a client of the database sees it.
func TestActions(t *testing.T) {
	inWorld(t, "go-redis", func(w *world) {
		id := w.create(standalone)
		client := w.optedIn("127.0.0.2:12100")
		about := fmt.Sprintf(`{"bdb_id":%d}`, id)

		w.do("failover", about)
		w.told(client, "FAILING_OVER", "FAILED_OVER")
		w.do("migrate", fmt.Sprintf(`{"bdb_id":"%d"}`, id))
		w.told(client, "MIGRATING", "MIGRATED")

		began := time.Now()
		w.do("bind", fmt.Sprintf(`{"bdbId":"%d","endpoint_type":"external-fqdn"}`, id))
		w.told(client, "MOVING")
		if !strings.Contains(client.got(), "node2.schload.test:12100") {
			t.Errorf("got %q, want the new node by its name", client.got())
		}
		ended, closed := client.closed()
		if took := time.Since(began); !closed || time.Since(ended) < time.Second || took > time.Minute {
			t.Errorf("bind ended after %v, %v after the close; want at least 1s after it and less than a minute", took, time.Since(ended))
		}
		w.optedIn("127.0.0.3:12100")
	})
}

// A job answers for all its life, and in the forms that clients decode.
func TestJob(t *testing.T) {
	inWorld(t, "", func(w *world) {
		about := fmt.Sprintf(`{"bdb_id":%d}`, w.create(standalone))
		first, second := w.start("failover", about), w.start("migrate", about)
		time.Sleep(2 * time.Second)
		job := w.get("GET", "/action/"+first, "")
		if job["status"] != "running" || job["output"] != nil || job["error"] != nil || job["end_time"] != nil || job["progress"].(float64) != 50 {
			t.Errorf("got %v", job)
		}
		if _, err := time.Parse(time.RFC3339, job["start_time"].(string)); err != nil {
			t.Error(err)
		}
		if job := w.get("GET", "/action/"+second, ""); job["status"] != "pending" {
			t.Errorf("got %v, want it pending behind the first", job)
		}
		list := w.get("GET", "/action", "")["actions"].([]any)
		if last := list[len(list)-1].(map[string]any); last["job_id"] != second || last["action_type"] != "migrate" || last["status"] != "pending" {
			t.Errorf("list ends with %v", last)
		}
		w.well(second)
		if got := w.get("GET", "/health", ""); got["status"] != "healthy" || got["simulated"] != true {
			t.Errorf("got %v, want it healthy and simulated", got)
		}
	})
}

// Every action that changes something does so for a client.
func TestEffects(t *testing.T) {
	inWorld(t, "", func(w *world) {
		id := w.create(standalone)
		at := func(node int) *peer { return w.optedIn(fmt.Sprintf("127.0.0.%d:12100", node+1)) }
		ends := func(p *peer, what string) {
			t.Helper()
			if _, closed := p.closed(); !closed {
				t.Errorf("%s: the connection lives", what)
			}
		}
		about := fmt.Sprintf(`{"bdb_id":%d}`, id)
		for _, kind := range []string{"dmc_restart", "proxy_failure"} {
			c := at(1)
			w.do(kind, about)
			ends(c, kind)
		}
		c := at(1)
		w.do("network_failure", fmt.Sprintf(`{"bdb_id":%d,"delay":2}`, id))
		w.do("shard_failure", about)
		w.do("network_latency", fmt.Sprintf(`{"bdb_id":%d,"latency":"20ms","duration_seconds":1}`, id))
		w.do("reshard", about)
		w.told(c, "MIGRATING", "MIGRATED")
		w.do("sequence_of_actions", fmt.Sprintf(`{"bdbId":"%d","actions":[{"type":"migrate","params":{}},{"type":"bind","params":{"bdb_id":"%d"},"delay":1}]}`, id, id))
		w.told(c, "MIGRATING", "MIGRATED", "MIGRATING", "MIGRATED", "MOVING")
		ends(c, "sequence")

		c = at(2)
		w.do("maintenance_mode", `{"node_id":2,"enabled":true}`)
		w.told(c, "MOVING")
		ends(c, "maintenance mode")
		w.fails("maintenance_mode", `{"node_id":2,"enabled":true}`, "on already")
		w.do("maintenance_mode", `{"node_id":"2","enabled":false}`)

		c = at(3)
		w.do("node_remove", `{"node_id":3}`)
		ends(c, "node_remove")
		c = at(1)
		w.do("node_failure", `{"node_id":1}`)
		ends(c, "node_failure")
		w.do("cluster_failure", `{"node_ids":[1,"2",3]}`)
		w.do("reset_cluster", `{}`)
		if left := w.plane.Databases(); len(left) != 0 {
			t.Errorf("%d databases are left", len(left))
		}
	})
}

// The switch that node-redis' tests use.
func TestNoticesOff(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.create(standalone)
		w.do("update_cluster_config", `{"config":{"client_maint_notifications":false}}`)
		if got := w.optedIn("127.0.0.2:12100").got(); !strings.Contains(got, "\r\n-ERR") {
			t.Errorf("got %q, want the opt-in refused", got)
		}
		w.do("update_cluster_config", `{"config":{"client_maint_notifications":true}}`)
		if got := w.optedIn("127.0.0.2:12100").got(); !strings.Contains(got, "+OK\r\n") {
			t.Errorf("got %q, want the opt-in accepted", got)
		}
	})
}

func TestCreate(t *testing.T) {
	inWorld(t, "", func(w *world) {
		output := w.do("create_database", `{"cluster_index":0,"database_config":`+standalone+`}`)
		raw := output["raw_endpoints"].([]any)[0].(map[string]any)
		if output["endpoints"].([]any)[0] != "redis://redis-12100.schload.test:12100" || output["username"] != "default" || output["tls"] != false ||
			raw["dns_name"] != "redis-12100.schload.test" || raw["port"] != 12100. || raw["uid"] != "1:1" || raw["addr"].([]any)[0] != "127.0.0.2" {
			t.Errorf("output %v", output)
		}
		w.fails("create_database", `{"database_config":`+standalone+`}`, "port_unavailable: Unavailable or invalid port: Invalid port 12100")
		w.fails("create_database", `{"name":"x","port":12101}`, "Invalid parameter 'database_config': got None")
		w.fails("create_database", `{"database_config":{"name":"x","port":12101,"sharding":true,"shards_count":2}}`, "shard_key_regex")
		w.fails("create_database", `{"database_config":{"port":"none"}}`, "database_config")
		w.fails("delete_database", `{"bdb_id":9}`, "bdb 9")
		w.do("delete_database", `{"cluster_index":0,"bdb_id":1}`)
		if _, err := w.net.Dial(w.Context(), "tcp", "127.0.0.2:12100"); err == nil {
			t.Error("a deleted database accepts connections")
		}
		w.create(standalone)
		w.do("delete_database", `{"delete_all":true}`)
	})
}

// What cannot be done fails with a reason; what makes no sense is refused.
func TestRefusals(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.create(`{"name":"single","port":12100}`)
		w.fails("explode", `{}`, "unsupported action type")
		w.fails("cluster_reshard", `{}`, "unsupported action type")
		w.fails("failover", `{}`, "Invalid parameter 'bdb_id': got None")
		w.fails("failover", `{"bdb_id":"one"}`, "whole number")
		w.fails("failover", `{"bdb_id":7}`, "bdb 7: no such database")
		w.fails("failover", `{"bdb_id":1}`, "replication true")
		w.fails("network_failure", `{"bdb_id":1,"delay":-1}`, "duration")
		w.fails("network_failure", `{"bdb_id":1,"delay":"NaN"}`, "duration")
		w.fails("maintenance_mode", `{"node_id":9}`, "node 9")
		w.fails("maintenance_mode", `{"node_id":1,"enabled":"maybe"}`, "true or false")
		w.fails("execute_rlutil_command", `{"rlutil_command":"x"}`, "no rlutil")
		w.fails("update_cluster_config", `{}`, "'config'")
		w.fails("cluster_failure", `{"node_ids":[]}`, "node_ids")
		w.fails("sequence_of_actions", `{"bdb_id":1,"actions":[]}`, "1 to 64")
		w.fails("sequence_of_actions", `{"bdb_id":1,"actions":[{"type":"sequence_of_actions"}]}`, "actions")
		for _, c := range []struct {
			method, target, body string
			code                 int
			want                 string
		}{
			{"POST", "/action", `{`, http.StatusUnprocessableEntity, `"detail"`},
			{"POST", "/action", `{"parameters":{}}`, http.StatusUnprocessableEntity, "Field required"},
			{"POST", "/action", `{"type":"bind","parameters":[]}`, http.StatusUnprocessableEntity, `"detail"`},
			{"POST", "/action", `{"type":"bind"} {}`, http.StatusUnprocessableEntity, "more follows"},
			{"GET", "/action/99", "", http.StatusNotFound, "no such action"},
			{"DELETE", "/action", "", http.StatusMethodNotAllowed, ""},
			{"GET", "/nothing", "", http.StatusNotFound, ""},
			{"POST", "/action", strings.Repeat(" ", most+1), http.StatusRequestEntityTooLarge, "fewer"},
			{"GET", "/topology-change-standalone?effect=x", "", http.StatusUnprocessableEntity, "conn_drop"},
			{"POST", "/topology-change-standalone?effect=conn_drop&trigger=x&bdb_id=1", "", http.StatusUnprocessableEntity, "endpoint_rebind"},
			{"POST", "/topology-change-standalone?effect=conn_drop", "", http.StatusUnprocessableEntity, "bdb_id"},
			{"POST", "/topology-change-standalone?effect=conn_drop&setup_id=x", "", http.StatusUnprocessableEntity, "no such setup"},
			{"POST", "/topology-change-standalone/setup?effect=conn_drop&variant_index=7", "", http.StatusUnprocessableEntity, "0 to 0"},
			{"POST", "/rladmin", "rladmin dance", http.StatusBadRequest, "want status"},
		} {
			answer := ask(w.in, c.method, c.target, c.body)
			if answer.Code != c.code || !strings.Contains(answer.Body.String(), c.want) {
				t.Errorf("%s %s: got %d %s, want %d with %q", c.method, c.target, answer.Code, answer.Body, c.code, c.want)
			}
		}
	})
}

// Who asks for too much is told so, and the queue stays as long as it is.
func TestFullQueue(t *testing.T) {
	inWorld(t, "", func(w *world) {
		about := fmt.Sprintf(`{"bdb_id":%d}`, w.create(standalone))
		w.start("bind", about)
		synctest.Wait()
		refused := 0
		for range 200 {
			if ask(w.in, "POST", "/action", `{"type":"bind","parameters":`+about+`}`).Code == http.StatusTooManyRequests {
				refused++
			}
		}
		if refused != 200-64 {
			t.Errorf("%d of 200 were refused, want all but the 64 that may wait", refused)
		}
	})
}
