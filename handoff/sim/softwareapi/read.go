package softwareapi

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"schload/handoff/sim/control"
	"schload/handoff/sim/jobs"
)

// version is that of the server whose behaviour was captured.
const version = "8.0.22"

type object = map[string]any

func (a *API) cluster(w http.ResponseWriter, _ *http.Request) { write(w, a.describeCluster()) }

func (a *API) describeCluster() object {
	on := a.plane.Notices()
	return object{
		"name": "schload.test", "client_maint_notifications": on, "oss_cluster_client_maint_notifications": on,
		"state_machine_smart_client_handoffs_delay_ms": 2000, "created_time": time.Unix(0, 0).UTC().Format(time.RFC3339),
	}
}

// configure changes the one option that there is; ?dry_run only says what
// would be.
func (a *API) configure(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Notices *bool `json:"client_maint_notifications"`
		OSS     *bool `json:"oss_cluster_client_maint_notifications"`
	}
	if !body(w, r, &request) {
		return
	}
	want := request.Notices
	if want == nil {
		want = request.OSS
	}
	if want == nil {
		refuse(w, http.StatusBadRequest, "bad_request", "want client_maint_notifications true or false: nothing else of the cluster can be changed here")
		return
	}
	if request.OSS != nil && *request.OSS != *want {
		refuse(w, http.StatusBadRequest, "bad_request", "client_maint_notifications and oss_cluster_client_maint_notifications differ: want the same of both")
		return
	}
	cluster := a.describeCluster()
	cluster["client_maint_notifications"], cluster["oss_cluster_client_maint_notifications"] = *want, *want
	if !asked(r, "dry_run") {
		a.plane.SetNotices(*want)
	}
	write(w, cluster)
}

// asked reports whether a query says a word without a value, or with true.
func asked(r *http.Request, name string) bool {
	values, said := r.URL.Query()[name]
	return said && (values[0] == "" || values[0] == "true" || values[0] == "1")
}

func (a *API) nodes(w http.ResponseWriter, _ *http.Request) {
	list := []object{}
	for _, n := range a.plane.Nodes() {
		list = append(list, describeNode(n))
	}
	write(w, list)
}

func describeNode(n control.Node) object {
	shards := []int{}
	for _, s := range n.Shards {
		shards = append(shards, s.UID)
	}
	return object{
		"uid": n.UID, "addr": n.Host, "external_addr": []string{n.Host}, "software_version": version, "status": "active",
		"supported_database_versions": []object{{"db_type": "redis", "version": "8.2"}}, "shard_count": len(shards), "shard_list": shards,
		"os_name": "linux", "cores": 2, "total_memory": 8 << 30,
	}
}

// node describes one node, or, by the name of status, how all are.
func (a *API) node(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("uid") == "status" {
		a.nodesStatus(w)
		return
	}
	n, ok := uid(w, r)
	if !ok {
		return
	}
	nodes := a.plane.Nodes()
	if n > len(nodes) {
		refuse(w, http.StatusNotFound, "node_not_exist", fmt.Sprintf("node %d: want 1 to %d", n, len(nodes)))
		return
	}
	write(w, describeNode(nodes[n-1]))
}

func (a *API) nodesStatus(w http.ResponseWriter) {
	status := object{}
	for _, n := range a.plane.Nodes() {
		masters, slaves := []int{}, []int{}
		for _, s := range n.Shards {
			if s.Role == control.Primary {
				masters = append(masters, s.UID)
			} else {
				slaves = append(slaves, s.UID)
			}
		}
		role := "slave"
		if n.Master {
			role = "master"
		}
		one := object{
			"hostname": fmt.Sprintf("node%d", n.UID), "role": role, "node_status": "active", "software_version": version,
			"master_shards": masters, "slave_shards": slaves,
		}
		if n.Maintenance {
			one["maintenance_snapshot"] = object{"name": fmt.Sprintf("maintenance-%d", n.UID), "node_uid": strconv.Itoa(n.UID)}
		}
		status[strconv.Itoa(n.UID)] = one
	}
	write(w, status)
}

func (a *API) databases(w http.ResponseWriter, r *http.Request) {
	list := []object{}
	for _, d := range a.plane.Databases() {
		list = append(list, fields(describeDatabase(d), r))
	}
	write(w, list)
}

func (a *API) database(w http.ResponseWriter, r *http.Request) {
	if d, ok := a.find(w, r); ok {
		write(w, fields(describeDatabase(d), r))
	}
}

func (a *API) find(w http.ResponseWriter, r *http.Request) (control.Database, bool) {
	id, ok := uid(w, r)
	if !ok {
		return control.Database{}, false
	}
	d, err := a.plane.Database(id)
	if err != nil {
		refuse(w, http.StatusNotFound, "db_not_exist", err.Error())
		return d, false
	}
	return d, true
}

// fields keeps those that ?fields= names.
func fields(o object, r *http.Request) object {
	names := r.URL.Query().Get("fields")
	if names == "" {
		return o
	}
	kept := object{}
	for name := range strings.SplitSeq(names, ",") {
		if v, ok := o[name]; ok {
			kept[name] = v
		}
	}
	return kept
}

func describeDatabase(d control.Database) object {
	uids := []int{}
	for _, s := range d.Shards {
		uids = append(uids, s.UID)
	}
	tls := "disabled"
	if d.TLS {
		tls = "enabled"
	}
	return object{
		"uid": d.ID, "name": d.Name, "status": "active", "type": "redis", "version": "8.2", "redis_version": "8.2", "port": d.Port,
		"memory_size": d.MemorySize, "replication": d.Replication, "sharding": d.Sharding, "shards_count": d.ShardsCount,
		"shards_placement": d.ShardsPlacement, "shard_list": uids, "proxy_policy": d.ProxyPolicy, "oss_cluster": d.OSSCluster,
		"oss_cluster_api_preferred_ip_type": d.PreferredIPType, "oss_cluster_api_preferred_endpoint_type": "ip", "tls_mode": tls,
		"endpoints": []object{{
			"uid": d.Endpoint.UID, "dns_name": d.Endpoint.Host, "port": d.Endpoint.Port, "addr": d.Endpoint.Addrs, "addr_type": "external",
			"proxy_policy": d.ProxyPolicy, "include_proxies": []int{}, "exclude_proxies": []int{},
		}},
	}
}

func (a *API) shards(w http.ResponseWriter, _ *http.Request) {
	list := []object{}
	for _, d := range a.plane.Databases() {
		list = append(list, describeShards(d)...)
	}
	write(w, list)
}

func (a *API) shardsOf(w http.ResponseWriter, r *http.Request) {
	if d, ok := a.find(w, r); ok {
		write(w, describeShards(d))
	}
}

func describeShards(d control.Database) []object {
	list := []object{}
	for _, s := range d.Shards {
		list = append(list, object{
			"uid": strconv.Itoa(s.UID), "bdb_uid": d.ID, "node_uid": strconv.Itoa(s.Node), "role": s.Role,
			"assigned_slots": s.Slots(), "status": "active", "detailed_status": "ok",
		})
	}
	return list
}

// The words of the two generations of actions for how far a job is.
var (
	status1 = map[jobs.Status]string{jobs.Pending: "pending", jobs.Running: "active", jobs.Success: "completed", jobs.Failed: "failed"}
	status2 = map[jobs.Status]string{jobs.Pending: "queued", jobs.Running: "running", jobs.Success: "completed", jobs.Failed: "failed"}
)

func describe1(j jobs.Job) object {
	o := object{
		"action_uid": j.ID, "name": j.Kind, "status": status1[j.Status], "state": status1[j.Status], "progress": j.Progress,
		"creation_time": j.Submitted.Unix(), "object_name": j.Object, "pending_ops": object{},
	}
	if j.Err != "" {
		o["error"] = j.Err
	}
	if node, ok := strings.CutPrefix(j.Object, "node:"); ok {
		o["node_uid"] = node
	}
	return o
}

func describe2(j jobs.Job) object {
	kind, id, _ := strings.Cut(j.Object, ":")
	more := object{"object_type": kind, "object_uid": id}
	if j.Err != "" {
		more["error"] = j.Err
	}
	return object{
		"action_uid": j.ID, "name": j.Kind, "status": status2[j.Status], "progress": j.Progress, "action_type": "state-machine",
		"creation_time": j.Submitted.Unix(), "additional_info": more,
	}
}

func (a *API) actions(w http.ResponseWriter, _ *http.Request) {
	write(w, object{"actions": a.list(describe1, ""), "state-machines": []object{}})
}

func (a *API) actions2(w http.ResponseWriter, _ *http.Request) {
	write(w, object{"actions": a.list(describe2, "")})
}

func (a *API) actionsOf(w http.ResponseWriter, r *http.Request) {
	if id, ok := uid(w, r); ok {
		write(w, object{"actions": a.list(describe1, fmt.Sprintf("bdb:%d", id)), "state-machines": []object{}})
	}
}

// list describes the jobs about an object, or all.
func (a *API) list(describe func(jobs.Job) object, about string) []object {
	list := []object{}
	for _, j := range a.plane.Jobs().Jobs() {
		if about == "" || j.Object == about {
			list = append(list, describe(j))
		}
	}
	return list
}

func (a *API) action(w http.ResponseWriter, r *http.Request)  { a.one(w, r, describe1) }
func (a *API) action2(w http.ResponseWriter, r *http.Request) { a.one(w, r, describe2) }

func (a *API) one(w http.ResponseWriter, r *http.Request, describe func(jobs.Job) object) {
	j, ok := a.plane.Jobs().Job(r.PathValue("uid"))
	if !ok {
		refuse(w, http.StatusNotFound, "action_not_exist", fmt.Sprintf("action %.80q: no such action: GET /v1/actions lists those there are", r.PathValue("uid")))
		return
	}
	write(w, describe(j))
}

// nodeActions are the jobs on a node that have not ended, or did lately.
func (a *API) nodeActions(w http.ResponseWriter, r *http.Request) {
	node, ok := uid(w, r)
	if !ok {
		return
	}
	list := []object{}
	for _, j := range a.plane.Jobs().Jobs() {
		if j.Object == fmt.Sprintf("node:%d", node) {
			list = append(list, object{"name": j.Kind, "node_uid": strconv.Itoa(node), "status": status2[j.Status], "progress": j.Progress, "task_id": j.ID})
		}
	}
	write(w, object{"actions": list})
}
