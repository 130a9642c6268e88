package softwareapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff/sim"
	"schload/handoff/sim/control"
	"schload/internal/memnet"
)

// A world is a cluster of one database with its REST interface, inside a
// bubble of virtual time.
type world struct {
	*testing.T
	net   *memnet.Network
	plane *control.Plane
	api   *API
}

func inWorld(t *testing.T, config Config, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, net: memnet.New()}
		cluster, err := sim.StartCluster(sim.ClusterConfig{Nodes: 3, Listen: w.net.Listen})
		if err != nil {
			t.Fatal(err)
		}
		defer cluster.Close()
		w.plane = control.New(control.Config{Cluster: cluster, ByName: true})
		defer w.plane.Close()
		spec := control.Spec{Name: "orders", Port: 12000, Replication: true, Sharding: true, ShardsCount: 2, ShardKeyRegex: control.StandardRegex}
		if _, err := w.plane.Create(t.Context(), spec); err != nil {
			t.Fatal(err)
		}
		w.api = New(w.plane, config)
		test(w)
	})
}

func ask(h http.Handler, method, target, body string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequest(method, target, strings.NewReader(body)))
	return answer
}

// want compares the values that paths of an answer lead to: "0.uid=1".
func (w *world) want(method, target, body string, values ...string) any {
	w.Helper()
	answer := ask(w.api, method, target, body)
	var root any
	if err := json.Unmarshal(answer.Body.Bytes(), &root); err != nil || answer.Code != http.StatusOK {
		w.Fatalf("%s %s: got %d %s", method, target, answer.Code, answer.Body)
	}
	for _, v := range values {
		path, want, _ := strings.Cut(v, "=")
		if got := fmt.Sprint(dig(root, path)); got != want {
			w.Errorf("%s %s: %s is %s, want %s", method, target, path, got, want)
		}
	}
	return root
}

// dig follows a path of names and indices.
func dig(v any, path string) any {
	for step := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[step]
		case []any:
			i := 0
			fmt.Sscan(step, &i)
			if i >= len(at) {
				return nil
			}
			v = at[i]
		default:
			return nil
		}
	}
	return v
}

func TestRead(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		w.want("GET", "/v1/cluster", "", "client_maint_notifications=true", "oss_cluster_client_maint_notifications=true", "state_machine_smart_client_handoffs_delay_ms=2000")
		w.want("GET", "/v1/nodes", "", "0.uid=1", "0.addr=127.0.0.2", "0.software_version=8.0.22", "0.shard_count=2", "2.shard_count=0", "2.status=active")
		w.want("GET", "/v1/nodes/2", "", "uid=2", "shard_list.1=4")
		w.want("GET", "/v1/nodes/status", "", "1.role=master", "1.master_shards.1=3", "2.slave_shards.0=2", "3.maintenance_snapshot=<nil>")
		w.want("GET", "/v1/bdbs", "", "0.uid=1", "0.name=orders", "0.status=active", "0.shards_count=2", "0.endpoints.0.dns_name=redis-12000.schload.test",
			"0.endpoints.0.addr.0=127.0.0.2", "0.endpoints.0.uid=1:1", "0.proxy_policy=single")
		w.want("GET", "/v1/bdbs?fields=uid,status", "", "0.uid=1", "0.status=active", "0.name=<nil>")
		w.want("GET", "/v1/bdbs/1?fields=name", "", "name=orders", "uid=<nil>")
		w.want("GET", "/v1/shards", "", "0.uid=1", "0.bdb_uid=1", "0.node_uid=1", "0.role=master", "0.assigned_slots=0-8191", "1.role=slave", "2.assigned_slots=8192-16383", "0.detailed_status=ok")
		w.want("GET", "/v1/bdbs/1/shards", "", "3.uid=4")
		w.want("GET", "/v1/actions", "", "actions.0=<nil>")
	})
}

// What is changed is seen in what is read, and by a client of the database.
func TestChange(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		action := func(method, target, body string) string {
			t.Helper()
			return fmt.Sprint(dig(w.want(method, target, body), "action_uid"))
		}
		ends := func(uid string) {
			t.Helper()
			w.want("GET", "/v1/actions/"+uid, "", "status=active", "action_uid="+uid)
			w.want("GET", "/v2/actions/"+uid, "", "status=running", "additional_info.object_type=bdb", "additional_info.object_uid=1")
			time.Sleep(2 * time.Minute)
			w.want("GET", "/v1/actions/"+uid, "", "status=completed", "progress=100")
		}
		failover := action("POST", "/v1/shards/actions/failover", `{"shard_uids":["1","3"],"force_rebind":false}`)
		synctest.Wait()
		ends(failover)
		w.want("GET", "/v1/bdbs/1/shards", "", "0.role=slave", "1.role=master", "3.role=master")

		migrate := action("POST", "/v1/shards/2/actions/migrate", `{"target_node_uid":3,"preserve_roles":false}`)
		synctest.Wait()
		ends(migrate)
		w.want("GET", "/v1/bdbs/1/shards", "", "1.node_uid=3", "3.node_uid=3")

		upgraded := action("POST", "/v1/bdbs/1/upgrade", `{"redis_version":"8.4","preserve_roles":true}`)
		synctest.Wait()
		ends(upgraded)
		w.want("GET", "/v1/actions/bdb/1", "", "actions.2.name=SMUpgradeBDB")
		w.want("GET", "/v2/actions", "", "actions.0.name=SMFailover", "actions.0.action_type=state-machine")
		w.want("POST", "/v1/shards/actions/failover", `{"shard_uids":["2"],"dry_run":true}`, "action_uid=<nil>")
	})
}

func TestMaintenance(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		conn, err := w.net.Dial(w.Context(), "tcp", "127.0.0.2:12000")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		w.want("POST", "/v1/nodes/1/actions/maintenance_on", `{"overwrite_snapshot":true}`, "status=queued", "task_id=1")
		synctest.Wait()
		w.want("GET", "/v1/nodes/1/actions", "", "actions.0.name=maintenance_on", "actions.0.status=running", "actions.0.node_uid=1")
		w.refused("POST", "/v1/nodes/1/actions/maintenance_on", "", http.StatusConflict, "under way")
		time.Sleep(2 * time.Minute)
		w.want("GET", "/v1/nodes/1/actions", "", "actions.0.status=completed")
		w.want("GET", "/v1/nodes/status", "", "1.maintenance_snapshot.node_uid=1", "1.master_shards.0=<nil>")
		w.want("GET", "/v1/bdbs/1", "", "endpoints.0.addr.0=127.0.0.3")
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("a connection to the node in maintenance mode lives")
		}
		w.want("POST", "/v1/nodes/1/actions/maintenance_off", `{"skip_shards_restore":true}`)
		synctest.Wait()
		w.want("GET", "/v1/nodes/status", "", "1.maintenance_snapshot=<nil>")
	})
}

// Notices are switched off for who opts in later; a dry run switches nothing.
func TestCluster(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		optIn := func() string {
			t.Helper()
			conn, err := w.net.Dial(w.Context(), "tcp", "127.0.0.2:12000")
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprint(conn, "CLIENT MAINT_NOTIFICATIONS ON\r\n")
			text := make([]byte, 100)
			n, _ := conn.Read(text)
			return string(text[:n])
		}
		const off = `{"client_maint_notifications":false}`
		w.want("PUT", "/v1/cluster?dry_run", off, "client_maint_notifications=false")
		if got := optIn(); got != "+OK\r\n" {
			t.Errorf("after the dry run: got %q", got)
		}
		w.want("PUT", "/v1/cluster", off, "client_maint_notifications=false")
		w.want("GET", "/v1/cluster", "", "client_maint_notifications=false")
		if got := optIn(); !strings.HasPrefix(got, "-ERR") {
			t.Errorf("switched off: got %q", got)
		}
		w.want("PUT", "/v1/cluster", `{"client_maint_notifications":true,"oss_cluster_client_maint_notifications":true}`)
		if got := optIn(); got != "+OK\r\n" {
			t.Errorf("switched on: got %q", got)
		}
	})
}

func (w *world) refused(method, target, body string, code int, want string) {
	w.Helper()
	answer := ask(w.api, method, target, body)
	if answer.Code != code || !strings.Contains(answer.Body.String(), want) {
		w.Errorf("%s %s: got %d %s, want %d with %q", method, target, answer.Code, answer.Body, code, want)
	}
}

func TestRefusals(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		for _, c := range []struct {
			method, target, body string
			code                 int
			want                 string
		}{
			{"GET", "/v1/nodes/9", "", http.StatusNotFound, "1 to 3"},
			{"GET", "/v1/nodes/x", "", http.StatusNotFound, "number"},
			{"GET", "/v1/bdbs/9", "", http.StatusNotFound, "db_not_exist"},
			{"GET", "/v1/actions/9", "", http.StatusNotFound, "no such action"},
			{"GET", "/v1/license", "", http.StatusNotFound, ""},
			{"PUT", "/v1/cluster", `{}`, http.StatusBadRequest, "client_maint_notifications"},
			{"PUT", "/v1/cluster", `[]`, http.StatusBadRequest, "object"},
			{"PUT", "/v1/cluster", `{"client_maint_notifications":true,"oss_cluster_client_maint_notifications":false}`, http.StatusBadRequest, "differ"},
			{"PUT", "/v1/cluster", strings.Repeat(" ", most+1), http.StatusRequestEntityTooLarge, "fewer"},
			{"POST", "/v1/shards/actions/failover", `{}`, http.StatusNotFound, "shard_uids_required"},
			{"POST", "/v1/shards/9/actions/failover", ``, http.StatusNotFound, "shard_not_exist"},
			{"POST", "/v1/shards/2/actions/failover", ``, http.StatusBadRequest, "shard_is_slave"},
			{"POST", "/v1/shards/1/actions/migrate", `{"target_node_uid":9}`, http.StatusBadRequest, "1 to 3"},
			{"POST", "/v1/nodes/9/actions/maintenance_on", ``, http.StatusNotFound, "1 to 3"},
			{"POST", "/v1/bdbs/9/upgrade", ``, http.StatusNotFound, "bdb 9"},
		} {
			w.refused(c.method, c.target, c.body, c.code, c.want)
		}
	})
}

func TestAuthentication(t *testing.T) {
	inWorld(t, Config{Username: "admin", Password: "secret"}, func(w *world) {
		w.refused("GET", "/v1/cluster", "", http.StatusUnauthorized, "HTTP Basic")
		for _, c := range []struct {
			user, password string
			code           int
		}{{"admin", "secret", 200}, {"admin", "wrong", 401}, {"", "secret", 401}} {
			r := httptest.NewRequest("GET", "/v1/cluster", nil)
			r.SetBasicAuth(c.user, c.password)
			answer := httptest.NewRecorder()
			if w.api.ServeHTTP(answer, r); answer.Code != c.code {
				t.Errorf("%s, %s: got %d, want %d", c.user, c.password, answer.Code, c.code)
			}
		}
	})
}

func FuzzRequest(f *testing.F) {
	cluster, err := sim.StartCluster(sim.ClusterConfig{Nodes: 3, Listen: memnet.New().Listen})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { cluster.Close() })
	plane := control.New(control.Config{Cluster: cluster, Speed: 1e6})
	f.Cleanup(plane.Close)
	if _, err := plane.Create(f.Context(), control.Spec{Name: "orders", Port: 12000, Replication: true}); err != nil {
		f.Fatal(err)
	}
	for _, path := range []string{
		"/v1/cluster?dry_run", "/v1/nodes/status", "/v1/bdbs/1?fields=uid", "/v1/shards/1/actions/failover", "/v1/shards/actions/migrate",
		"/v1/nodes/1/actions/maintenance_on", "/v1/bdbs/1/upgrade", "/v2/actions/1",
	} {
		for _, method := range []string{"GET", "PUT", "POST"} {
			f.Add(method, path, `{"shard_uids":["1"],"target_node_uid":2,"client_maint_notifications":true}`)
		}
	}
	api := New(plane, Config{})
	f.Fuzz(func(t *testing.T, method, target, body string) {
		r, err := http.NewRequest(method, "http://localhost/", strings.NewReader(body))
		if err != nil {
			t.Skip()
		}
		r.URL.Path, r.URL.RawQuery, _ = strings.Cut(target, "?")
		answer := httptest.NewRecorder()
		api.ServeHTTP(answer, r)
		if answer.Code < 200 || answer.Code > 599 || answer.Body.Len() > 8<<20 {
			t.Errorf("%s %q: got %d with %d bytes", method, target, answer.Code, answer.Body.Len())
		}
	})
}
