package sim

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"schload/handoff/notice"
	"schload/handoff/sim/resp"
	"schload/handoff/upgrade"
)

const node4 = "127.0.0.5:12000"

// ossCluster is a database whose slots are with node1 (0-5461: bar, hello),
// node2 (5462-10922: {}foo) and node3 (10923-16383: foo). Node4 has none.
var ossCluster = Config{OSSCluster: true}

func slotsAt(offset time.Duration, slots string) upgrade.Action {
	a := at(offset, upgrade.Notify, upgrade.Old)
	a.Notice, a.Slots = notice.SMigrating, slots
	return a
}

func moveAt(offset time.Duration, to upgrade.Role) upgrade.Action {
	a := at(offset, upgrade.Move, upgrade.Old)
	a.To = to
	return a
}

func movedAt(offset time.Duration, to upgrade.Role) upgrade.Action {
	a := at(offset, upgrade.Notify, upgrade.Old)
	a.Notice, a.To = notice.SMigrated, to
	return a
}

func stallAt(offset, lasts time.Duration, node upgrade.Role) upgrade.Action {
	return upgrade.Action{At: offset, Act: upgrade.Stall, For: lasts, Node: node}
}

// Each line is said to a node, and answered.
func TestRedirects(t *testing.T) {
	inWorld(t, ossCluster, func(w *world) {
		one, three := w.dial(node1), w.dial(node3)
		w.refused(node4)
		for _, line := range [][2]string{
			{"SET bar 1", "+OK\r\n"},
			{"SET foo 1", "-MOVED 12182 127.0.0.4:12000\r\n"},
			{"GET {}foo", "-MOVED 9500 127.0.0.3:12000\r\n"},
			{"MGET bar {bar}x", "*2\r\n$1\r\n1\r\n$-1\r\n"},
			{"MGET foo {foo}x", "-MOVED 12182 127.0.0.4:12000\r\n"},
			{"MGET bar hello", replyCrossSlot},
			{"MSET foo 1 bar 1", replyCrossSlot},
			{"EVAL return(1) 1 foo", "-MOVED 12182 127.0.0.4:12000\r\n"},
			{"EVAL return(redis.call('GET',KEYS[1])) 1 bar", "$1\r\n1\r\n"},
			{"PING", "+PONG\r\n"},
			{"SELECT 0", "+OK\r\n"},
			{"SELECT 1", replyNoSelect},
			{"SELECT", "-ERR wrong number of arguments for 'select' command\r\n"},
			{"READONLY", "+OK\r\n"},
			{"READWRITE", "+OK\r\n"},
			{"ASKING", "+OK\r\n"},
			{"GET foo", "-MOVED 12182 127.0.0.4:12000\r\n"},
			{"READONLY x", "-ERR wrong number of arguments for 'readonly' command\r\n"},
			{"WATCH foo", "-MOVED 12182 127.0.0.4:12000\r\n"},
			{"WATCH bar", "+OK\r\n"},
			{"UNWATCH", "+OK\r\n"},
			{"CLUSTER KEYSLOT foo", ":12182\r\n"},
			{"CLUSTER KEYSLOT", "-ERR wrong number of arguments for 'cluster|keyslot' command\r\n"},
			{"CLUSTER", "-ERR wrong number of arguments for 'cluster' command\r\n"},
			{"CLUSTER FOO", "-ERR unknown subcommand 'FOO'. Try CLUSTER HELP.\r\n"},
		} {
			one.do(line[0], line[1])
		}
		three.do("SET foo 3", "+OK\r\n")
		three.do("GET bar", "-MOVED 5061 127.0.0.2:12000\r\n")
	})
}

// What a transaction may hold: keys of one slot of the node. What is refused
// spoils it, and nothing of it runs.
func TestRedirectsInTransaction(t *testing.T) {
	for name, lines := range map[string][][2]string{
		"own slot":  {{"MULTI", "+OK\r\n"}, {"SET bar 1", "+QUEUED\r\n"}, {"INCR bar", "+QUEUED\r\n"}, {"EXEC", "*2\r\n+OK\r\n:2\r\n"}},
		"elsewhere": {{"MULTI", "+OK\r\n"}, {"SET bar 1", "+QUEUED\r\n"}, {"SET foo 1", "-MOVED 12182 127.0.0.4:12000\r\n"}, {"EXEC", replyAborted}, {"GET bar", "$-1\r\n"}},
		"at once":   {{"MULTI", "+OK\r\n"}, {"SET foo 1", "-MOVED 12182 127.0.0.4:12000\r\n"}, {"EXEC", replyAborted}, {"EXEC", replyNoExec}},
		"discarded": {{"MULTI", "+OK\r\n"}, {"SET foo 1", "-MOVED 12182 127.0.0.4:12000\r\n"}, {"DISCARD", "+OK\r\n"}, {"SET bar 2", "+OK\r\n"}},
		"two slots": {{"MULTI", "+OK\r\n"}, {"SET bar 1", "+QUEUED\r\n"}, {"SET hello 1", "+QUEUED\r\n"}, {"EXEC", replyCrossSlot}, {"GET bar", "$-1\r\n"}},
		"cross":     {{"MULTI", "+OK\r\n"}, {"MGET bar hello", replyCrossSlot}, {"EXEC", replyAborted}},
		"own":       {{"MULTI", "+OK\r\n"}, {"CLUSTER INFO", "-ERR Command not allowed inside a transaction\r\n"}, {"EXEC", replyAborted}},
		"again":     {{"MULTI", "+OK\r\n"}, {"SET foo 1", "-MOVED 12182 127.0.0.4:12000\r\n"}, {"EXEC", replyAborted}, {"MULTI", "+OK\r\n"}, {"SET bar 4", "+QUEUED\r\n"}, {"EXEC", "*1\r\n+OK\r\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, ossCluster, func(w *world) {
				c := w.dial(node1)
				for _, line := range lines {
					c.do(line[0], line[1])
				}
			})
		})
	}
}

const replyNoExec = "-ERR EXEC without MULTI\r\n"

// A slot that leaves while a transaction is open takes the transaction along.
func TestTransactionWhoseSlotLeaves(t *testing.T) {
	inWorld(t, ossCluster, func(w *world) {
		c := w.dial(node1)
		c.do("MULTI", "+OK\r\n")
		c.do("SET bar 1", "+QUEUED\r\n")
		w.play(3*time.Second, slotsAt(0, "all"), moveAt(time.Second, upgrade.Peer), movedAt(2*time.Second, upgrade.Peer))()
		c.do("EXEC", "-MOVED 5061 127.0.0.3:12000\r\n")
		c.do("EXEC", replyNoExec)
		w.dial(node2).do("GET bar", "$-1\r\n")
	})
}

// Real Redis servers may hold the data: transactions are spoiled there too.
func TestRedirectsOverShards(t *testing.T) {
	for _, shards := range []int{1, 3} {
		t.Run(fmt.Sprint(shards), func(t *testing.T) {
			onShardsOf(t, Config{OSSCluster: true, ShardCount: 3}, shards, func(w *world) {
				c := w.dial(node1)
				c.do("SET bar 1", "+OK\r\n")
				c.do("GET foo", "-MOVED 12182 127.0.0.4:12000\r\n")
				c.do("MULTI", "+OK\r\n")
				c.do("SET bar 2", "+QUEUED\r\n")
				c.do("SET foo 1", "-MOVED 12182 127.0.0.4:12000\r\n")
				c.do("EXEC", replyAborted)
				c.do("GET bar", "$1\r\n1\r\n")
				c.do("SSUBSCRIBE bar", "*3\r\n$10\r\nssubscribe\r\n$3\r\nbar\r\n:1\r\n")
				c.do("SUNSUBSCRIBE bar", "*3\r\n$12\r\nsunsubscribe\r\n$3\r\nbar\r\n:0\r\n")
				c.do("GET bar", "$1\r\n1\r\n")
			})
		})
	}
}

// The frames of a window, to the byte, on every node; and what commands meet
// before, at and after the flip.
func TestSlotsMove(t *testing.T) {
	inWorld(t, ossCluster, func(w *world) {
		one, two, three := w.optedIn(node1, "none"), w.optedIn(node2, "internal-ip"), w.optedIn(node3, "none")
		resp2, silent := w.dial(node1), w.dial(node1)
		resp2.do("CLIENT MAINT_NOTIFICATIONS ON", "+OK\r\n")
		silent.do("SET bar 1", "+OK\r\n")
		end := w.play(30*time.Second,
			at(0, upgrade.Listen, upgrade.New), slotsAt(time.Second, "all"), stallAt(3*time.Second, 500*time.Millisecond, upgrade.Old),
			moveAt(3500*time.Millisecond, upgrade.New), movedAt(4*time.Second, upgrade.New),
			at(22*time.Second, upgrade.Refuse, upgrade.Old), at(22*time.Second, upgrade.Close, upgrade.Old))
		after(time.Second)
		smigrating := ">3\r\n$10\r\nSMIGRATING\r\n:0\r\n$6\r\n0-5461\r\n"
		for _, c := range []*peer{one, two, three} {
			c.want(smigrating)
		}
		late := w.dial(node4)
		late.send(cmd("HELLO 3"))
		late.replies.Next()
		late.do("CLIENT MAINT_NOTIFICATIONS ON", "+OK\r\n"+smigrating)
		late.do("GET bar", "-MOVED 5061 127.0.0.2:12000\r\n")
		after(2 * time.Second)
		// The shard that moves is held back, and no other.
		silent.send(cmd("GET bar"))
		silent.silent()
		silent.SetReadDeadline(time.Time{})
		three.do("SET foo 1", "+OK\r\n")
		after(500 * time.Millisecond)
		silent.want("-MOVED 5061 127.0.0.5:12000\r\n")
		late.do("GET bar", "$1\r\n1\r\n")
		after(500 * time.Millisecond)
		smigrated := ">3\r\n$9\r\nSMIGRATED\r\n:1\r\n*1\r\n*3\r\n$15\r\n127.0.0.2:12000\r\n$15\r\n127.0.0.5:12000\r\n$6\r\n0-5461\r\n"
		for _, c := range []*peer{one, two, three, late} {
			c.want(smigrated)
		}
		resp2.silent()
		after(18 * time.Second)
		one.ended()
		silent.ended()
		w.refused(node1)
		two.do("GET {}foo", "_\r\n")
		end()
		w.wantMarks("0s listen", "1s SMIGRATING", "3s stall", "3.5s move", "4s SMIGRATED", "22s refuse", "22s close", "30s redirects", "30s redirects")
		if got := w.markDetail("redirects"); got != "since the last upgrade: 1 MOVED" {
			t.Errorf("redirects of node1: %s", got)
		}
	})
}

// The name leads to every node that serves slots.
func TestSlotsName(t *testing.T) {
	inWorld(t, ossCluster, func(w *world) {
		lookup := func() []string {
			hosts, err := w.sim.LookupHost(w.Context(), endpoint)
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(hosts)
			return hosts
		}
		if diff := cmp.Diff([]string{"127.0.0.2", "127.0.0.3", "127.0.0.4"}, lookup()); diff != "" {
			t.Error(diff)
		}
		w.play(time.Second, at(0, upgrade.Listen, upgrade.New), slotsAt(0, "all"), moveAt(0, upgrade.New), movedAt(0, upgrade.New))()
		if diff := cmp.Diff([]string{"127.0.0.3", "127.0.0.4", "127.0.0.5"}, lookup()); diff != "" {
			t.Error(diff)
		}
		var serving []string
		for _, n := range w.sim.Nodes() {
			if n.Serving && n.Named && n.Accepting {
				serving = append(serving, n.Addr)
			}
		}
		if diff := cmp.Diff([]string{node2, node3, node4}, serving); diff != "" {
			t.Error(diff)
		}
	})
}

// CLUSTER, to the byte.
func TestClusterCommands(t *testing.T) {
	inWorld(t, ossCluster, func(w *world) {
		c := w.dial(node1)
		c.send(cmd("CLUSTER MYID"))
		frame, err := c.replies.Next()
		if err != nil || !bytes.HasPrefix(frame, []byte("$40\r\n")) {
			t.Fatalf("MYID: %q, %v", frame, err)
		}
		id := string(frame[5:45])
		other := w.dial(node1)
		other.do("CLUSTER MYID", string(frame))
		c.send(cmd("CLUSTER SLOTS"))
		slots, _ := c.replies.Next()
		if want := "*3\r\n*3\r\n:0\r\n:5461\r\n*4\r\n$9\r\n127.0.0.2\r\n:12000\r\n$40\r\n" + id + "\r\n*0\r\n*3\r\n:5462\r\n"; !strings.HasPrefix(string(slots), want) {
			t.Errorf("SLOTS:\ngot  %q\nwant %q", slots, want)
		}
		c.send(cmd("CLUSTER SHARDS"))
		shards, _ := c.replies.Next()
		if want := "*3\r\n*4\r\n$5\r\nslots\r\n*2\r\n:0\r\n:5461\r\n$5\r\nnodes\r\n*1\r\n*14\r\n$2\r\nid\r\n$40\r\n" + id + "\r\n$4\r\nport\r\n:12000\r\n" +
			"$2\r\nip\r\n$9\r\n127.0.0.2\r\n$8\r\nendpoint\r\n$9\r\n127.0.0.2\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"; !strings.HasPrefix(string(shards), want) {
			t.Errorf("SHARDS:\ngot  %q\nwant %q", shards, want)
		}
		c.send(cmd("CLUSTER NODES"))
		nodes, _ := c.replies.Next()
		if want := id + " 127.0.0.2:12000@22000 myself,master - 0 0 1 connected 0-5461\n"; !strings.Contains(string(nodes), want) {
			t.Errorf("NODES:\ngot  %q\nwant %q", nodes, want)
		}
		c.send(cmd("HELLO 3"))
		hello, _ := c.replies.Next()
		if !strings.Contains(string(hello), "$4\r\nmode\r\n$7\r\ncluster\r\n") {
			t.Errorf("HELLO: %q", hello)
		}
		c.send(cmd("CLUSTER INFO"))
		info, _ := c.replies.Next()
		if !strings.HasPrefix(string(info), "=") || !strings.Contains(string(info), "txt:cluster_state:ok\r\ncluster_slots_assigned:16384\r\n") {
			t.Errorf("INFO: %q", info)
		}
	})
}

// Behind an endpoint, too, a plan may hold back one shard of several.
func TestGatesOfShards(t *testing.T) {
	inWorld(t, Config{ShardCount: 3}, func(w *world) {
		c, other := w.dial(node1), w.dial(node1)
		stall := stallAt(0, time.Second, "")
		stall.Shards = []string{"3"}
		end := w.play(10*time.Second, stall)
		c.do("SET bar 1", "+OK\r\n")
		c.do("PING", "+PONG\r\n")
		other.send(cmd("SET foo 1"))
		other.silent()
		after(time.Second)
		other.want("+OK\r\n")
		c.do("MGET foo bar", "*2\r\n$1\r\n1\r\n$1\r\n1\r\n")
		end()

		// A transaction waits too.
		c.do("MULTI", "+OK\r\n")
		c.do("INCR foo", "+QUEUED\r\n")
		c.do("INCR bar", "+QUEUED\r\n")
		stall.Shards = []string{"1"}
		end = w.play(10*time.Second, stall)
		start := time.Now()
		c.do("EXEC", "*2\r\n:2\r\n:2\r\n")
		if waited := time.Since(start); waited != time.Second {
			t.Errorf("EXEC waited %v, want 1s", waited)
		}
		end()
	})
}

func catalogPlan(t testing.TB, name string) upgrade.Plan {
	t.Helper()
	u, err := upgrade.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := u.Plan(1, 1)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// With TLS, too, clients can go where MOVED says: certificates hold for the
// addresses of nodes, and CLUSTER SHARDS says that the port takes TLS.
func TestSlotsOverTLS(t *testing.T) {
	s := startReal(t, Config{OSSCluster: true, Security: TLS})
	dial := func(addr string) *realPeer {
		conn, err := tls.Dial("tcp", addr, trust(t, s.Cluster()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return &realPeer{TB: t, Conn: conn, replies: resp.NewReplies(conn)}
	}
	moved := dial(s.Nodes()[0].Addr).reply("GET", "foo")
	_, addr, ok := strings.Cut(strings.TrimSpace(moved), "-MOVED 12182 ")
	if !ok {
		t.Fatalf("got %q, want MOVED", moved)
	}
	c := dial(addr)
	c.do("GET foo", "$-1")
	if shards := c.reply("CLUSTER", "SHARDS"); strings.Count(shards, "$8\r\ntls-port\r\n") != 3 {
		t.Errorf("SHARDS: %q", shards)
	}
}
