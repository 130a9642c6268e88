package softwareapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"schload/handoff/sim/control"
	"schload/handoff/sim/jobs"
)

// shardRequest is a request about shards, named in its path or in its body.
type shardRequest struct {
	UIDs   []json.Number `json:"shard_uids"`
	Target json.Number   `json:"target_node_uid"`
	DryRun bool          `json:"dry_run"`
}

// shardsNamed finds the shards of a request; they must be of one database.
func (a *API) shardsNamed(w http.ResponseWriter, r *http.Request) (request shardRequest, shards []control.Shard, ok bool) {
	if !body(w, r, &request) {
		return request, nil, false
	}
	if text := r.PathValue("uid"); text != "" {
		request.UIDs = []json.Number{json.Number(text)}
	}
	if len(request.UIDs) == 0 {
		refuse(w, http.StatusNotFound, "shard_uids_required", "want shard_uids, a list of shards")
		return request, nil, false
	}
	for _, text := range request.UIDs {
		s, found := a.shard(text.String())
		if !found {
			refuse(w, http.StatusNotFound, "shard_not_exist", fmt.Sprintf("shard %.80q: no such shard: GET /v1/shards lists those there are", text))
			return request, nil, false
		}
		if len(shards) > 0 && s.Database != shards[0].Database {
			refuse(w, http.StatusBadRequest, "failover_shards_different_bdb", "the shards are of several databases: want those of one")
			return request, nil, false
		}
		shards = append(shards, s)
	}
	return request, shards, true
}

func (a *API) shard(uid string) (control.Shard, bool) {
	for _, d := range a.plane.Databases() {
		for _, s := range d.Shards {
			if strconv.Itoa(s.UID) == uid {
				return s, true
			}
		}
	}
	return control.Shard{}, false
}

func (a *API) failover(w http.ResponseWriter, r *http.Request) {
	request, shards, ok := a.shardsNamed(w, r)
	if !ok {
		return
	}
	if slices.ContainsFunc(shards, func(s control.Shard) bool { return s.Role != control.Primary }) {
		refuse(w, http.StatusBadRequest, "shard_is_slave", "want primaries")
		return
	}
	var uids []int
	for _, s := range shards {
		uids = append(uids, s.UID)
	}
	a.trigger(w, request.DryRun, "SMFailover", "Failover was triggered", shards[0].Database, func(ctx context.Context, expect control.Expect, id int) error {
		return a.plane.Failover(ctx, expect, id, uids...)
	})
}

// migrate moves shards. Those beside them on the same node go along.
func (a *API) migrate(w http.ResponseWriter, r *http.Request) {
	request, shards, ok := a.shardsNamed(w, r)
	if !ok {
		return
	}
	target, err := strconv.Atoi(request.Target.String())
	if err != nil || target < 1 || target > len(a.plane.Nodes()) {
		refuse(w, http.StatusBadRequest, "target_node_not_exist", fmt.Sprintf("target_node_uid %.80q: want 1 to %d", request.Target, len(a.plane.Nodes())))
		return
	}
	a.trigger(w, request.DryRun, "SMMigrate", "Migrate was triggered", shards[0].Database, func(ctx context.Context, expect control.Expect, id int) error {
		return a.plane.Migrate(ctx, expect, id, shards[0].Node, target)
	})
}

// trigger starts a job on a database and says its id.
func (a *API) trigger(w http.ResponseWriter, dry bool, name, text string, id int, do func(context.Context, control.Expect, int) error) {
	if dry {
		write(w, object{"description": text + " (dry run)"})
		return
	}
	if j, ok := a.enqueue(w, name, fmt.Sprintf("bdb:%d", id), silent(func(ctx context.Context, expect control.Expect) error { return do(ctx, expect, id) })); ok {
		write(w, object{"action_uid": j.ID, "description": text})
	}
}

// silent is work without output.
func silent(do func(context.Context, control.Expect) error) jobs.Work {
	return func(ctx context.Context, expect func(time.Duration)) (map[string]any, error) {
		return nil, do(ctx, expect)
	}
}

// maintenance puts a node into maintenance mode or takes it out.
func (a *API) maintenance(on bool) http.HandlerFunc {
	name := map[bool]string{true: "maintenance_on", false: "maintenance_off"}[on]
	return func(w http.ResponseWriter, r *http.Request) {
		node, ok := uid(w, r)
		if !ok || !body(w, r, &struct{}{}) {
			return
		}
		if node > len(a.plane.Nodes()) {
			refuse(w, http.StatusNotFound, "node_not_exist", fmt.Sprintf("node %d: want 1 to %d", node, len(a.plane.Nodes())))
			return
		}
		about := fmt.Sprintf("node:%d", node)
		if a.busy(name, about) {
			refuse(w, http.StatusConflict, "action_already_running", fmt.Sprintf("%s of node %d is under way: wait for its end", name, node))
			return
		}
		work := silent(func(ctx context.Context, expect control.Expect) error { return a.plane.Enter(ctx, expect, node) })
		if !on {
			work = silent(func(context.Context, control.Expect) error { return a.plane.Leave(node) })
		}
		if j, ok := a.enqueue(w, name, about, work); ok {
			write(w, object{"status": "queued", "task_id": j.ID})
		}
	}
}

// busy reports whether a job of a kind has not ended.
func (a *API) busy(kind, about string) bool {
	return slices.ContainsFunc(a.plane.Jobs().Jobs(), func(j jobs.Job) bool {
		return j.Kind == kind && j.Object == about && !j.Status.Ended()
	})
}

func (a *API) upgrade(w http.ResponseWriter, r *http.Request) {
	d, ok := a.find(w, r)
	if !ok || !body(w, r, &struct{}{}) {
		return
	}
	work := silent(func(ctx context.Context, expect control.Expect) error { return a.plane.Upgrade(ctx, expect, d.ID) })
	if j, ok := a.enqueue(w, "SMUpgradeBDB", fmt.Sprintf("bdb:%d", d.ID), work); ok {
		o := describeDatabase(d)
		o["action_uid"] = j.ID
		write(w, o)
	}
}
