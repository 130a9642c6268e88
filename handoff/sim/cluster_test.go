package sim

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff/upgrade"
	"schload/internal/memnet"
)

// Databases of a cluster share nodes and names and nothing else.
func TestSeveralDatabases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		c, err := StartCluster(ClusterConfig{Listen: network.Listen})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		network.Lookup = c.LookupHost
		first := createIn(t, c, Config{Port: 12000})
		second := createIn(t, c, Config{Port: 12001, Name: "orders.schload.test", Password: "geheim"})
		if first.ID() != 1 || second.ID() != 2 || second.Addr() != "orders.schload.test:12001" {
			t.Errorf("got databases %d and %d at %s", first.ID(), second.ID(), second.Addr())
		}

		w := &world{T: t, net: network, sim: first}
		one, two := w.dial(first.Addr()), w.dial(second.Addr())
		one.do("SET k v", "+OK\r\n")
		two.do("GET k", "-NOAUTH Authentication required.\r\n")
		two.do("AUTH geheim", "+OK\r\n")
		two.do("GET k", "$-1\r\n")

		// An upgrade of one is none of the other; both can be played at once.
		w.play(10*time.Second, rebind()[:2]...)
		other := &world{T: t, net: network, sim: second}
		other.play(30*time.Second, rebind()...)
		after(25 * time.Second)
		two.ended()
		one.do("GET k", "$1\r\nv\r\n")

		if _, err := c.Create(t.Context(), Config{Port: 12001}); err == nil {
			t.Error("two databases on one port, want an error")
		}
		if _, err := c.Create(t.Context(), Config{Name: "orders.schload.test"}); err == nil || !strings.Contains(err.Error(), "taken") {
			t.Errorf("two databases of one name: got %v", err)
		}
		if got := len(c.Databases()); got != 2 {
			t.Errorf("%d databases after two that failed, want 2", got)
		}

		if err := c.Delete(1); err != nil {
			t.Error(err)
		}
		one.ended()
		w.refused(node1)
		if err := c.Delete(1); err == nil || !strings.Contains(err.Error(), "want one of 2") {
			t.Errorf("delete of a database that is gone: got %v", err)
		}
		if _, err := c.LookupHost(t.Context(), endpoint); err == nil {
			t.Error("the name of a database that is gone still leads somewhere")
		}
		third := createIn(t, c, Config{Port: 12000})
		if third.ID() != 3 {
			t.Errorf("id %d, want 3: ids are not given twice", third.ID())
		}
	})
}

func createIn(t *testing.T, c *Cluster, config Config) *Simulator {
	t.Helper()
	s, err := c.Create(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestClosedCluster(t *testing.T) {
	c, err := StartCluster(ClusterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	s := createIn(t, c, Config{})
	addr := s.Nodes()[0].Addr
	c.Close()
	if _, err := net.Dial("tcp", addr); err == nil {
		t.Error("a database outlived its cluster")
	}
	if _, err := c.Create(context.Background(), Config{}); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v, want %v", err, ErrClosed)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// While notices are switched off opt-ins are refused and nobody is told.
func TestNoticesSwitchedOff(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		c := w.optedIn(node1, "internal-ip")
		w.sim.Cluster().SetNotices(false)
		if w.sim.Cluster().Notices() {
			t.Error("notices are on, want them off")
		}
		w.dial(node1).do("CLIENT MAINT_NOTIFICATIONS ON", "-"+defaultDisabledError+"\r\n")
		end := w.play(10*time.Second, rebind()[:2]...)
		end()
		c.silent()
		w.sim.Cluster().SetNotices(true)
		w.optedIn(node1, "none")
	})
}

// The proxy policy says which nodes serve from the start.
func TestPolicies(t *testing.T) {
	for policy, want := range map[string][]string{
		SingleProxy:     {"127.0.0.2"},
		AllMasterShards: {"127.0.0.2", "127.0.0.3"},
		AllNodes:        {"127.0.0.2", "127.0.0.3", "127.0.0.4"},
	} {
		t.Run(policy, func(t *testing.T) {
			inWorld(t, Config{Policy: policy, ShardCount: 2}, func(w *world) {
				wantRecord(w, want...)
				for i, node := range w.sim.Nodes() {
					if serves := i < len(want); node.Accepting != serves || node.Serving != serves || node.Named != serves {
						t.Errorf("node %d: %+v, want it to serve: %v", i+1, node, serves)
					}
				}
				for _, host := range want {
					w.dial(host+":12000").do("PING", "+PONG\r\n")
				}
			})
		})
	}
}

func wantRecord(w *world, want ...string) {
	w.Helper()
	hosts, err := w.sim.LookupHost(w.Context(), endpoint)
	slices.Sort(hosts)
	if err != nil || !slices.Equal(hosts, want) {
		w.Errorf("record: got %v, %v, want %v", hosts, err, want)
	}
}

// Maintenance of a node of several: its connections close in silence, the rest
// serve on, and the next playing begins with all of them again.
func TestMaintenanceOfOneOfSeveral(t *testing.T) {
	inWorld(t, Config{Policy: AllNodes}, func(w *world) {
		steps := []upgrade.Action{
			at(0, upgrade.Join, upgrade.New), at(time.Second, upgrade.Leave, upgrade.Old),
			at(2*time.Second, upgrade.Refuse, upgrade.Old), at(2*time.Second, upgrade.Close, upgrade.Old),
		}
		for range 2 {
			end := w.play(3*time.Second, steps...)
			wantRecord(w, "127.0.0.2", "127.0.0.3", "127.0.0.4")
			victim, sibling := w.optedIn(node1, "internal-ip"), w.optedIn(node2, "internal-ip")
			end()
			victim.ended()
			sibling.silent()
			w.refused(node1)
			wantRecord(w, "127.0.0.3", "127.0.0.4")
		}
	})
}

// What moves the whole endpoint is for a single proxy.
func TestSinglePlanOnSeveralProxies(t *testing.T) {
	inWorld(t, Config{Policy: AllNodes}, func(w *world) {
		err := w.sim.Play(t.Context(), upgrade.Plan{Actions: rebind(), Length: 30 * time.Second})
		if err == nil || !strings.Contains(err.Error(), "proxy policy") {
			t.Errorf("got %v, want it refused for the proxy policy", err)
		}
	})
}
