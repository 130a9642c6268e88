package handoff

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff/notice"
	"schload/internal/race"
	"schload/telemetry/mark"
	"schload/workload"
)

// An arm on a cluster has its connections to every node that owns slots, each
// of them proved, and a dial to a node is no handoff.
func TestClusterWarm(t *testing.T) {
	for _, arm := range []string{"on", "off", "auto"} {
		synctest.Test(t, func(t *testing.T) {
			n := newNodes(t)
			c := n.open(n.config(arm))
			if err := c.Warm(t.Context(), 4); err != nil {
				t.Fatal(err)
			}
			for _, addr := range nodeAddrs {
				for _, key := range n.keys(addr, 3) {
					wantDone(t, do(t, c, set(key)), 1)
				}
			}
			s, p := c.Observe(), c.Proof()
			if s.Connections != 12 || s.Dials.OK != 12 || s.Handoff.Started != 0 || s.Redirects != (Redirects{}) || len(s.Closes) != 0 {
				t.Errorf("%s: %+v, want 12 connections and nothing else", arm, s)
			}
			for _, addr := range nodeAddrs {
				if s.Nodes[addr] != 4 {
					t.Errorf("%s: nodes %v, want 4 connections to each", arm, s.Nodes)
				}
			}
			if want := map[string]uint64{"on": 12, "auto": 12}[arm]; !p.Valid || p.Used != 12 || p.OptedIn != want {
				t.Errorf("%s: proof %+v, want 12 used and %d opted in", arm, p, want)
			}
			if s.SlotMaps == 0 || int(s.SlotMaps) != n.read() || len(n.marked(mark.SlotMap)) != n.read() {
				t.Errorf("%s: slot map read %d times, marked %d times, told %d times", arm, s.SlotMaps, len(n.marked(mark.SlotMap)), n.read())
			}
			if s.Pool.Idle != 12 || s.Pool.Pending != 0 {
				t.Errorf("%s: pool %+v, want 12 idle", arm, s.Pool)
			}
		})
	}
}

func wantDone(t *testing.T, outcomes []workload.Outcome, attempts int) {
	t.Helper()
	for _, out := range outcomes {
		if out.Class != workload.OK || out.Attempts != attempts {
			t.Errorf("%+v, want ok at try %d", out, attempts)
		}
	}
}

// Slots that move unannounced cost one redirect, which is no retry, and the
// slot map is read anew.
func TestClusterMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNodes(t)
		c := n.open(n.config("off"))
		keys := n.keys(nodeAddrs[1], 2)
		before := c.Observe().SlotMaps
		n.give(nodeAddrs[1], nodeAddrs[2])
		wantDone(t, do(t, c, set(keys[0])), 2)
		settle()
		wantDone(t, do(t, c, set(keys[1])), 1)
		s := c.Observe()
		if s.Redirects != (Redirects{Moved: 1}) || s.SlotMaps != before+1 {
			t.Errorf("redirects %+v, slot map read %d times, want one MOVED and one reading", s.Redirects, s.SlotMaps-before)
		}
		if s.Retries != (Retries{}) {
			t.Errorf("retries %+v: a redirect is none", s.Retries)
		}
	})
}

// Without further tries a redirect is an error, and nothing was written.
func TestClusterMovedWithoutRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNodes(t)
		c := n.open(n.config("off-noretry"))
		key := n.keys(nodeAddrs[1], 1)[0]
		n.give(nodeAddrs[1], nodeAddrs[2])
		if out := do(t, c, set(key))[0]; out != (workload.Outcome{Class: workload.Redirect, Effect: workload.NotApplied, Attempts: 1}) {
			t.Errorf("%+v, want redirect, not applied, one try", out)
		}
		settle()
		wantDone(t, do(t, c, set(key)), 1)
		if s := c.Observe(); s.Redirects.Moved != 1 {
			t.Errorf("redirects %+v, want 1 MOVED", s.Redirects)
		}
	})
}

// A slot on its way is asked for at its new node, one command at a time and
// within a pipeline.
func TestClusterAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNodes(t)
		c := n.open(n.config("off"))
		keys := n.keys(nodeAddrs[0], 3)
		n.moving[keys[0]] = nodeAddrs[1]
		wantDone(t, do(t, c, set(keys[0])), 2)
		if s := c.Observe(); s.Redirects != (Redirects{Ask: 1}) || s.Retries != (Retries{}) {
			t.Errorf("%+v, %+v: want one ASK and no retry", s.Redirects, s.Retries)
		}
		wantDone(t, do(t, c, set(keys[0]), set(keys[1]), set(keys[2])), 2)
		if s := c.Observe(); s.Redirects != (Redirects{Ask: 2}) || s.Retries != (Retries{}) {
			t.Errorf("%+v, %+v: want another ASK and no retry", s.Redirects, s.Retries)
		}
	})
}

// A pipeline goes to all nodes at once; each part that was redirected counts.
func TestClusterPipeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNodes(t)
		c := n.open(n.config("off"))
		var ops []workload.Operation
		for _, addr := range nodeAddrs {
			for _, key := range n.keys(addr, 2) {
				ops = append(ops, set(key))
			}
		}
		wantDone(t, do(t, c, ops...), 1)
		n.give(nodeAddrs[1], nodeAddrs[2])
		wantDone(t, do(t, c, ops...), 2)
		if s := c.Observe(); s.Redirects != (Redirects{Moved: 2}) || s.Retries != (Retries{}) {
			t.Errorf("%+v, %+v: want two MOVED and no retry", s.Redirects, s.Retries)
		}
	})
}

// A node that dies under a pipeline of writes leaves them undecided: the
// library does not tell that they were sent.
func TestClusterPipelineUndecided(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNodes(t)
		config := n.config("off-noretry")
		config.Arm.ReadTimeout = time.Second
		c := n.open(config)
		n.servers[1].setDelay(time.Minute)
		keys := n.keys(nodeAddrs[1], 2)
		for _, out := range do(t, c, set(keys[0]), set(keys[1])) {
			if out.Class != workload.ReadTimeout || out.Effect != workload.Indeterminate {
				t.Errorf("%+v, want an indeterminate read timeout", out)
			}
		}
		n.servers[1].closeAll(true)
	})
}

// SMIGRATING relaxes every connection that reads it; after SMIGRATED the slot
// map is read and no command has to be redirected.
func TestClusterSlotsMigrate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNodes(t)
		c := n.open(n.config("on"))
		source, target := nodeAddrs[0], nodeAddrs[1]
		keys := n.keys(source, 2)
		settle()
		time.Sleep(6 * time.Second) // a connection that rested is asked for notices before it is used
		maps := c.Observe().SlotMaps

		n.servers[0].push(notice.Notice{Kind: notice.SMigrating, Seq: 4, Slots: "0-5461"})
		wantDone(t, do(t, c, set(keys[0])), 1)
		s := c.Observe()
		if s.Notices.Kinds[notice.SMigrating] != 1 || s.Relaxed.Now != 1 {
			t.Errorf("notices %v, %d relaxed, want one of each", s.Notices.Kinds, s.Relaxed.Now)
		}
		time.Sleep(6 * time.Second)
		n.hand(keys[1], target)
		n.servers[0].push(notice.Notice{Kind: notice.SMigrated, Seq: 5, Moves: []notice.Move{{Source: source, Destination: target, Slots: "0-5461"}}})
		wantDone(t, do(t, c, set(keys[0])), 1)
		settle()
		wantDone(t, do(t, c, set(keys[1])), 1)

		s = c.Observe()
		if s.Notices.Kinds[notice.SMigrated] != 1 || s.Relaxed.Now != 0 || s.Relaxed.Windows != 1 {
			t.Errorf("notices %v, relaxed %+v, want one window that is over", s.Notices.Kinds, s.Relaxed)
		}
		if s.SlotMaps != maps+1 || s.Redirects != (Redirects{}) || s.Handoff.Started != 0 {
			t.Errorf("slot map read %d times, %+v, %+v: want once, and nothing else", s.SlotMaps-maps, s.Redirects, s.Handoff)
		}
		if marks := names(n.marked(mark.Notice)); marks["SMIGRATING"] != 1 || marks["SMIGRATED"] != 1 {
			t.Errorf("notice marks %v, want one of each", marks)
		}
	})
}

// A node that joins gets connections of its own, and those of a node that
// left are closed by the client, which says why.
func TestClusterNodeReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNodes(t)
		c := n.open(n.config("on"))
		if err := c.Warm(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		const joined = "127.0.0.4:7000"
		n.join(joined)
		key := n.keys(nodeAddrs[2], 1)[0]
		n.give(nodeAddrs[2], joined)
		wantDone(t, do(t, c, set(key)), 2)
		time.Sleep(2 * time.Minute) // the library closes what no slot map names after a minute
		wantDone(t, do(t, c, set(key)), 1)
		s := c.Observe()
		if s.Nodes[joined] == 0 || s.Nodes[nodeAddrs[2]] != 0 || s.Handoff.Started != 0 {
			t.Errorf("nodes %v, handoffs %+v: want connections to the new node, none to the old, no handoff", s.Nodes, s.Handoff)
		}
		if s.Closes[Close{ByClient, "node_gone"}] != 2 || len(s.Closes) != 1 {
			t.Errorf("closes %v, want 2 by the client for node_gone", s.Closes)
		}
		if p := c.Proof(); !p.Valid || p.OptedIn != p.Used {
			t.Errorf("proof %+v, want every connection opted in", p)
		}

		settle() // the slot map was more than a minute old, and is being read

		// Back again, it is observed like any other.
		n.give(joined, nodeAddrs[2])
		wantDone(t, do(t, c, set(key)), 2)
		settle()
		if s := c.Observe(); s.Nodes[nodeAddrs[2]] == 0 || s.Redirects.Moved != 2 || s.Pool.Pending != 0 {
			t.Errorf("nodes %v, %+v, pool %+v", s.Nodes, s.Redirects, s.Pool)
		}
	})
}

// MOVING on a connection to a node hands it over, to an address nobody knew
// and to that of another node.
func TestClusterHandoff(t *testing.T) {
	if race.Enabled {
		t.Skip("go-redis 9.23 itself races while it hands a connection over")
	}
	for _, to := range []string{"127.0.0.9:7000", nodeAddrs[1]} {
		synctest.Test(t, func(t *testing.T) {
			n := newNodes(t)
			if to != nodeAddrs[1] {
				n.join(to)
			}
			c := n.open(n.config("on"))
			key := n.keys(nodeAddrs[0], 1)[0]
			n.servers[0].push(moving(7, 15*time.Second, to))
			do(t, c, get(key)) // and no other, nor a reading of the slot map: go-redis can use a connection while it hands it over
			settle()
			s := c.Observe()
			if h := s.Handoff; h.Started != 1 || h.Succeeded != 1 || s.Notices.Kinds[notice.Moving] != 1 {
				t.Errorf("to %s: %+v, notices %v: want one handoff", to, h, s.Notices.Kinds)
			}
		})
	}
}

// What cannot be a cluster's is refused before anything is dialled, and a
// target that is none says so.
func TestClusterRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for _, tt := range []struct {
			target  string
			cluster bool
			want    string
		}{
			{"redis://" + mainAddr + ",127.0.0.2:1", false, "seeds of a cluster"},
			{"redis://" + mainAddr + "/3", true, "database 0 only"},
			{"redis://" + mainAddr, true, "no OSS cluster"},
		} {
			config := w.config("off")
			config.Target, config.Cluster = mustTarget(t, tt.target), tt.cluster
			w.main.mu.Lock()
			w.main.hook = func(_ *served, args []string) (string, bool) {
				return "-ERR This instance has cluster support disabled\r\n", args[0] == "cluster"
			}
			w.main.mu.Unlock()
			_, err := Open(t.Context(), config)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s, cluster %v: %v, want %q", tt.target, tt.cluster, err, tt.want)
			}
		}
		time.Sleep(2 * time.Second)
	})
}

// The first seed need not answer.
func TestClusterSeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNodes(t)
		config := n.config("on")
		config.Target = mustTarget(t, "redis://127.0.0.8:7000,"+nodeAddrs[2])
		c := n.open(config)
		for _, addr := range nodeAddrs {
			wantDone(t, do(t, c, set(n.keys(addr, 1)[0])), 1)
		}
	})
}
