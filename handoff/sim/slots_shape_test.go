package sim

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// clusterDialogue is what a node that has all slots says word for word like a
// real server in cluster mode. The number is that of the frames it brings.
var clusterDialogue = []struct {
	line   string
	frames int
}{
	{"CLUSTER KEYSLOT foo", 1}, {"CLUSTER KEYSLOT {foo}bar", 1}, {"CLUSTER KEYSLOT", 1}, {"CLUSTER FOO", 1}, {"CLUSTER", 1}, {"CLUSTER SLOTS x", 1}, {"INFO cluster", 1},
	{"SELECT 0", 1}, {"SELECT 1", 1}, {"READONLY", 1}, {"READONLY x", 1}, {"READWRITE", 1}, {"ASKING", 1},
	{"SET foo 1", 1}, {"MGET foo {foo}x", 1}, {"MGET foo bar", 1}, {"MSET foo 1 bar 1", 1}, {"DEL foo bar", 1}, {"EVAL return(1) 2 foo bar", 1},
	{"MULTI", 1}, {"SET foo 2", 1}, {"SET bar 2", 1}, {"EXEC", 1}, {"GET foo", 1},
	{"MULTI", 1}, {"MGET foo bar", 1}, {"EXEC", 1}, {"EXEC", 1},
	{"MULTI", 1}, {"SET foo 3", 1}, {"INCR foo", 1}, {"EXEC", 1},
	{"MULTI", 1}, {"MSET foo 1 bar 1", 1}, {"DISCARD", 1}, {"GET foo", 1},
	{"SPUBLISH foo x", 1}, {"SPUBLISH foo", 1}, {"SSUBSCRIBE", 1}, {"SSUBSCRIBE foo bar", 1},
	{"SSUBSCRIBE foo {foo}x", 2}, {"SSUBSCRIBE foo", 1}, {"PING", 1}, {"SUNSUBSCRIBE {foo}x", 1}, {"SUNSUBSCRIBE nosuch", 1}, {"SUNSUBSCRIBE", 1}, {"SUNSUBSCRIBE", 1},
	{"GET foo", 1}, {"SSUBSCRIBE foo", 1}, {"GET foo", 1}, {"RESET", 1}, {"GET foo", 1},
}

// A database of one node resembles a real server in cluster mode that has all
// slots: the same words where they do not name a node, the same shapes where
// they do.
func TestClusterDifferential(t *testing.T) {
	for _, protocol := range []string{"2", "3"} {
		t.Run("RESP"+protocol, func(t *testing.T) {
			real := dialReal(t, redisServer(t, "--cluster-enabled", "yes", "--cluster-port", freePort(t)))
			real.do("CLUSTER ADDSLOTSRANGE 0 16383", "+OK")
			awaitCluster(t, real)
			front := dialReal(t, startReal(t, Config{OSSCluster: true, Nodes: 1, ShardCount: 1}).Nodes()[0].Addr)
			real.reply("HELLO", protocol)
			front.reply("HELLO", protocol)
			for _, info := range []string{"CLUSTER SLOTS", "CLUSTER SHARDS", "CLUSTER NODES", "CLUSTER MYID", "CLUSTER INFO"} {
				args := strings.Fields(info)
				if want, got := shape(t, real.reply(args...)), shape(t, front.reply(args...)); want != got {
					t.Errorf("%s:\nreal  %s\nfront %s", info, want, got)
				}
			}
			for _, say := range clusterDialogue {
				args := strings.Fields(say.line)
				if want, got := real.all(say.frames, args), front.all(say.frames, args); want != got {
					t.Errorf("%s:\nreal  %q\nfront %q", say.line, want, got)
				}
			}
		})
	}
}

// awaitCluster waits until a server has taken its slots up.
func awaitCluster(t *testing.T, c *realPeer) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		if strings.Contains(c.reply("CLUSTER", "INFO"), "cluster_state:ok") {
			return
		}
		c.reply("BLPOP", "nothing", "0.05") // waits; it is refused at once until then
	}
	t.Fatal("the server never became a cluster")
}

var (
	word    = regexp.MustCompile(`^[a-z-]+$`)
	numbers = regexp.MustCompile(`[0-9a-f]{40}|[0-9]+(\.[0-9]+)*`)
)

// shape is a reply without what names a node: numbers, and texts that are no
// words.
func shape(t *testing.T, reply string) string {
	t.Helper()
	text, rest := shapeOf(t, reply)
	if rest != "" {
		t.Fatalf("%q: %q is left", reply, rest)
	}
	return text
}

func shapeOf(t *testing.T, in string) (text, rest string) {
	t.Helper()
	head, rest, _ := strings.Cut(in, "\r\n")
	n, _ := strconv.Atoi(head[1:])
	switch head[0] {
	case '$', '=':
		body := rest[:n]
		if strings.ContainsAny(body, " :\n") {
			body = strings.ReplaceAll(numbers.ReplaceAllString(body, "N"), " N:N@N ", " :N@N ") // a lone real node does not know its address
		} else if !word.MatchString(body) {
			body = ""
		}
		return fmt.Sprintf("%c%s", head[0], body), rest[n+2:]
	case '*', '%', '>':
		text = fmt.Sprintf("%c%d[", head[0], n)
		if head[0] == '%' {
			n *= 2
		}
		for range n {
			var item string
			item, rest = shapeOf(t, rest)
			text += item + " "
		}
		return text + "]", rest
	}
	return head[:1], rest
}

// Law: the same as FuzzClient's, for a node of an OSS Cluster.
func FuzzClusterClient(f *testing.F) {
	for _, seed := range []string{
		cmd("CLUSTER SLOTS") + cmd("CLUSTER SHARDS") + cmd("HELLO 3") + cmd("CLUSTER NODES") + cmd("CLUSTER"),
		cmd("MULTI") + cmd("SET foo 1") + cmd("EXEC") + cmd("MULTI") + cmd("SET bar 1") + cmd("SET hello 1") + cmd("EXEC"),
		cmd("SSUBSCRIBE bar") + cmd("PING") + cmd("SPUBLISH bar x") + cmd("SUNSUBSCRIBE") + cmd("RESET"),
		cmd("ASKING") + cmd("GET foo") + cmd("EVAL x 1 foo") + cmd("SELECT 1") + cmd("WATCH foo"),
		cmd("HELLO 3") + cmd("SUBSCRIBE a") + cmd("MULTI") + cmd("GET foo") + cmd("EXEC") + cmd("SSUBSCRIBE a b"),
	} {
		f.Add([]byte(seed))
	}
	fuzzClient(f, Config{OSSCluster: true, Faults: Faults{Ask: true, ClusterDown: true}})
}

// BenchmarkCluster is BenchmarkFront of a node of an OSS Cluster.
func BenchmarkCluster(b *testing.B) {
	b.Run("memory front", func(b *testing.B) {
		s := startReal(b, ossCluster)
		key := "key" // of slot 12539
		i := int(s.slots.Load().node[slotOf([]byte(key))])
		pingPong(b, s.Nodes()[i].Addr)
	})
}

// redis-cli, which knows nothing of simulators, finds a cluster that is whole,
// and follows MOVED.
func TestRedisCLI(t *testing.T) {
	path, err := exec.LookPath("redis-cli")
	if err != nil {
		t.Skip("no redis-cli in PATH: install redis-tools")
	}
	addr := startReal(t, ossCluster).Nodes()[0].Addr
	host, port, _ := net.SplitHostPort(addr)
	cli := func(args ...string) string {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		out, err := exec.CommandContext(ctx, path, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("redis-cli %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	if out := cli("--cluster", "check", addr); !strings.Contains(out, "All nodes agree about slots configuration") || !strings.Contains(out, "All 16384 slots covered") {
		t.Errorf("redis-cli --cluster check:\n%s", out)
	}
	if out := cli("-c", "-h", host, "-p", port, "SET", "foo", "1"); out != "OK\n" {
		t.Errorf("SET foo: %q", out)
	}
}
