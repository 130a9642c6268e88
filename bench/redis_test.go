package bench

import (
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// seconds is how long a run of the load benchmarks lasts: short by default, so
// that they can be tried; the figures of docs/PERFORMANCE.md are made with
// BENCH_SECONDS=60 (10 for pairs).
func seconds(b *testing.B) time.Duration {
	b.Helper()
	text := os.Getenv("BENCH_SECONDS")
	if text == "" {
		return time.Second
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		b.Fatalf("BENCH_SECONDS=%q: want a whole number of seconds", text)
	}
	return time.Duration(n) * time.Second
}

// realRedis starts a redis-server on loopback for the benchmark and returns
// its address. Without one the benchmark is skipped.
func realRedis(b *testing.B) string {
	b.Helper()
	return startRedis(b, "--enable-debug-command", "local")
}

func startRedis(b *testing.B, more ...string) string {
	b.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		b.Skip("no redis-server here")
	}
	addr := freeAddr(b)
	_, port, _ := net.SplitHostPort(addr)
	cmd := exec.Command(program, append([]string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"}, more...)...)
	cmd.Dir = b.TempDir()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	until(b, "redis-server does not listen on "+addr, func() bool {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return false
		}
		conn.Close()
		return true
	})
	return addr
}

// primaries is the number of nodes of a real cluster; each owns a third of the
// slots.
const primaries = 3

// realCluster starts a Redis Cluster on loopback for the benchmark and returns
// the address of one node.
func realCluster(b *testing.B) string {
	b.Helper()
	ctx := b.Context()
	var nodes [primaries]*redis.Client
	var addrs, buses [primaries]string
	for i := range nodes {
		_, buses[i], _ = net.SplitHostPort(freeAddr(b))
		addrs[i] = startRedis(b, "--cluster-enabled", "yes", "--cluster-port", buses[i])
		nodes[i] = redis.NewClient(&redis.Options{Addr: addrs[i], Protocol: 2})
		defer nodes[i].Close()
	}
	for i, node := range nodes {
		const slots = 16384
		if err := node.ClusterAddSlotsRange(ctx, i*slots/primaries, (i+1)*slots/primaries-1).Err(); err != nil {
			b.Fatal(err)
		}
		for j := range i { // all of them each other: gossip would take seconds
			_, port, _ := net.SplitHostPort(addrs[j])
			if err := node.Do(ctx, "cluster", "meet", "127.0.0.1", port, buses[j]).Err(); err != nil {
				b.Fatal(err)
			}
		}
	}
	until(b, "the cluster does not come up", func() bool {
		for _, node := range nodes {
			info := node.ClusterInfo(ctx).Val()
			if !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_slots_ok:16384") {
				return false
			}
		}
		return true
	})
	return addrs[0]
}

func freeAddr(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// until waits for something that takes at most half a minute.
func until(b *testing.B, complaint string, ok func() bool) {
	b.Helper()
	for range 1500 {
		if ok() {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	b.Fatal(complaint)
}
