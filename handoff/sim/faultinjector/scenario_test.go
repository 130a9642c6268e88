package faultinjector

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// Each trigger of each effect works on the database that its discovery asks
// for, and does what the effect's name says to a connection.
func TestScenarios(t *testing.T) {
	for _, e := range scenarios["topology-change-standalone"] {
		for _, trigger := range e.triggers {
			t.Run(e.name+"/"+trigger.name, func(t *testing.T) {
				inWorld(t, "", func(w *world) { w.scenario(e.name, trigger.name) })
			})
		}
	}
}

func (w *world) scenario(effect, trigger string) {
	const path = "/topology-change-standalone"
	setup := w.well(w.get("POST", fmt.Sprintf("%s/setup?effect=%s&trigger=%s", path, effect, trigger), "")["action_id"].(string))
	if strings.Count(setup["db_name"].(string), "-") < 2 {
		w.Errorf("name %q, want two dashes", setup["db_name"])
	}
	client := w.optedIn(fmt.Sprintf("127.0.0.2:%v", setup["raw_endpoints"].([]any)[0].(map[string]any)["port"]))
	w.well(w.get("POST", fmt.Sprintf("%s?effect=%s&variant=%s&setup_id=%s", path, effect, trigger, setup["setup_id"]), "")["action_id"].(string))

	_, closed := client.closed()
	if want := effect != "data_movement_no_conn_drop"; closed != want {
		w.Errorf("closed: %v, want %v", closed, want)
	}
	if moved := strings.Contains(client.got(), "MOVING"); moved != (effect == "conn_drop" || effect == "data_movement_conn_drop") {
		w.Errorf("got %q", client.got())
	}
	if strings.HasPrefix(effect, "data_movement") && trigger != "failover" {
		w.told(client, "MIGRATING", "MIGRATED")
	}
	w.well(w.get("POST", fmt.Sprintf("%s/teardown?setup_id=%s&restore_nodes=true", path, setup["setup_id"]), "")["action_id"].(string))
	if left := w.plane.Databases(); len(left) != 0 {
		w.Errorf("%d databases are left", len(left))
	}
}

// Every discovery gives other names and ports, which create_database takes as
// they are.
func TestDiscovery(t *testing.T) {
	inWorld(t, "", func(w *world) {
		seen := map[string]bool{}
		for range 2 {
			answer := w.get("GET", "/topology-change-standalone?effect=conn_drop&include_tls=true&cluster_index=0", "")
			requirements := answer["triggers"].([]any)[0].(map[string]any)["requirements"].([]any)
			if len(requirements) != 2 || requirements[1].(map[string]any)["config"] != "single_tls" {
				t.Fatalf("got %v, want one in the clear and one encrypted", requirements)
			}
			for _, r := range requirements {
				config, err := json.Marshal(r.(map[string]any)["dbconfig"])
				if err != nil {
					t.Fatal(err)
				}
				output := w.do("create_database", `{"database_config":`+string(config)+`}`)
				url := output["endpoints"].([]any)[0].(string)
				if seen[url] {
					t.Errorf("%s twice", url)
				}
				seen[url] = true
			}
		}
	})
}

// The same as actions, as redis-py asks.
func TestScenarioAction(t *testing.T) {
	inWorld(t, "redis-py", func(w *world) {
		id := w.create(standalone)
		client := w.optedIn("127.0.0.2:12100")
		w.do("topology_change_standalone", fmt.Sprintf(`{"bdb_id":"%d","cluster_index":0,"effect":"conn_drop","trigger":"endpoint_rebind"}`, id))
		w.told(client, "MOVING")
		w.fails("topology_change_standalone", `{"bdb_id":1,"effect":"none"}`, "conn_drop")
	})
}

// Effects on hash slots: every node's clients are told, and in the end the
// nodes that serve are as many as the effect's name says.
func TestSlotScenarios(t *testing.T) {
	delta := map[string]int{"remove-add": 0, "remove": -1, "add": 1, "slot-shuffle": 0}
	for _, e := range scenarios["slot-migrate"] {
		for _, trigger := range e.triggers {
			t.Run(e.name+"/"+trigger.name, func(t *testing.T) {
				inWorld(t, "", func(w *world) { w.slotScenario(e.name, trigger.name, delta[e.name]) })
			})
		}
	}
}

func (w *world) slotScenario(effect, trigger string, delta int) {
	setup := w.well(w.get("POST", fmt.Sprintf("/slot-migrate/setup?effect=%s&trigger=%s", effect, trigger), "")["action_id"].(string))
	port := setup["raw_endpoints"].([]any)[0].(map[string]any)["port"]
	clients := []*peer{w.optedIn(fmt.Sprintf("127.0.0.2:%v", port)), w.optedIn(fmt.Sprintf("127.0.0.3:%v", port))}
	before := w.primaries()
	w.well(w.get("POST", fmt.Sprintf("/slot-migrate?effect=%s&trigger=%s&bdb_id=%v&cluster_index=0", effect, trigger, setup["bdb_id"]), "")["action_id"].(string))
	for _, c := range clients {
		w.told(c, "SMIGRATING", "SMIGRATED")
	}
	after := w.primaries()
	if len(after)-len(before) != delta {
		w.Errorf("primaries on nodes %v before and %v after, want %+d", before, after, delta)
	}
	w.do("delete_database", fmt.Sprintf(`{"bdb_id":%v}`, setup["bdb_id"]))
}

// primaries are the nodes with primaries.
func (w *world) primaries() map[int]bool {
	nodes := map[int]bool{}
	for _, d := range w.plane.Databases() {
		for _, s := range d.Shards {
			if s.Role == "master" {
				nodes[s.Node] = true
			}
		}
	}
	return nodes
}
