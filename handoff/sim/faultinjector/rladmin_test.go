package faultinjector

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// The expressions with which lettuce takes the tables apart.
var (
	shardLine    = regexp.MustCompile(`db:(\d+)\s+\S+\s+(redis:\d+)\s+(node:\d+)\s+(master|slave)\s+.*`)
	endpointLine = regexp.MustCompile(`db:(\d+)\s+\S+\s+(endpoint:\d+:\d+)\s+(node:\d+)\s+\S+\s+.*`)
)

func (w *world) rladmin(command string) string {
	w.Helper()
	return w.do("execute_rladmin_command", fmt.Sprintf(`{"bdb_id":"1","rladmin_command":%q}`, command))["output"].(string)
}

// lines are the fields of what an expression finds in the status.
func (w *world) lines(expression *regexp.Regexp) []string {
	w.Helper()
	var found []string
	for _, m := range expression.FindAllStringSubmatch(w.rladmin("status"), -1) {
		found = append(found, strings.Join(m[2:], " "))
	}
	return found
}

// The commands of lettuce, and what the status says after each.
func TestRladmin(t *testing.T) {
	inWorld(t, "lettuce", func(w *world) {
		w.create(`{"name":"m-standard","port":12100,"replication":true,"sharding":true,"shards_count":2,"shard_key_regex":[{"regex":"(?<tag>.*)"}]}`)
		want := func(expression *regexp.Regexp, want ...string) {
			t.Helper()
			if got := w.lines(expression); strings.Join(got, ", ") != strings.Join(want, ", ") {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		client := w.optedIn("127.0.0.2:12100")
		want(shardLine, "redis:1 node:1 master", "redis:2 node:2 slave", "redis:3 node:1 master", "redis:4 node:2 slave")
		want(endpointLine, "endpoint:1:1 node:1")

		w.rladmin("migrate node 1 all_shards target_node 3")
		w.told(client, "MIGRATING", "MIGRATED")
		if !strings.Contains(client.got(), `["1","3"]`) && !strings.Contains(client.got(), `["1", "3"]`) {
			t.Errorf("got %q, want the shards that move named", client.got())
		}
		want(shardLine, "redis:1 node:3 master", "redis:2 node:2 slave", "redis:3 node:3 master", "redis:4 node:2 slave")

		w.rladmin("rladmin failover shard 1 3")
		w.told(client, "FAILING_OVER", "FAILED_OVER")
		want(shardLine, "redis:1 node:3 slave", "redis:2 node:2 master", "redis:3 node:3 slave", "redis:4 node:2 master")

		w.rladmin("bind endpoint 1:1 policy single")
		w.told(client, "MOVING")
		want(endpointLine, "endpoint:1:1 node:2")

		w.rladmin("bind db m-standard endpoint 1:1 exclude 2")
		want(endpointLine, "endpoint:1:1 node:3")
		w.rladmin("bind endpoint 1:1 include 3")
		w.rladmin("restart db db:1")
		w.rladmin("upgrade db m-standard preserve_roles")
		w.rladmin("node 3 maintenance_mode on overwrite_snapshot")
		if !strings.Contains(w.rladmin("status extra all"), "MAINTENANCE") {
			t.Error("the status does not tell of maintenance mode")
		}
		w.rladmin("node 3 maintenance_mode off")
		for _, bad := range []string{"", "migrate node", "migrate node 1 all_shards target_node 9", "failover shard 9", "bind endpoint 1:1 policy none", "restart db none"} {
			w.fails("execute_rladmin_command", fmt.Sprintf(`{"rladmin_command":%q}`, bad), "")
		}
	})
}

// The older way: the command is the body.
func TestRladminText(t *testing.T) {
	inWorld(t, "", func(w *world) {
		w.create(standalone)
		if got := w.get("POST", "/rladmin", "rladmin status")["output"].(string); !strings.Contains(got, "e2e-test-1") {
			t.Errorf("got %q", got)
		}
		w.well(w.get("POST", "/rladmin", "rladmin -b 1 failover shard 1")["action_id"].(string))
	})
}
