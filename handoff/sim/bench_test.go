package sim

import (
	"bufio"
	"context"
	"io"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"schload/handoff/sim/resp"
)

// BenchmarkFront compares the store by itself with the store behind the
// simulator's front: one client, one command at a time, over loopback.
func BenchmarkFront(b *testing.B) {
	b.Run("memory direct", func(b *testing.B) {
		m := miniredis.RunT(b)
		pingPong(b, m.Addr())
	})
	b.Run("memory front", func(b *testing.B) {
		s := startReal(b, Config{})
		pingPong(b, s.Nodes()[0].Addr)
	})
	redis := redisServer(b)
	b.Run("redis direct", func(b *testing.B) { pingPong(b, redis) })
	b.Run("redis front", func(b *testing.B) {
		s := startReal(b, Config{Shards: []string{"redis://" + redis}})
		pingPong(b, s.Nodes()[0].Addr)
	})
}

func startReal(t testing.TB, c Config) *Simulator {
	t.Helper()
	s, err := Start(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func pingPong(b *testing.B, addr string) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	value := strings.Repeat("x", 64)
	reply := make([]byte, 256)
	exchange := func(request []byte, n int) {
		if _, err := conn.Write(request); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(r, reply[:n]); err != nil {
			b.Fatal(err)
		}
	}
	exchange(resp.AppendRequest(nil, "SET", "key", value), len("+OK\r\n"))
	get := resp.AppendRequest(nil, "GET", "key")
	size := len(resp.AppendBulk(nil, value))
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		exchange(get, size)
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2])/1e3, "p50-us")
	b.ReportMetric(float64(took[len(took)*99/100])/1e3, "p99-us")
	b.ReportMetric(0, "ns/op")
}

// redisServer starts a real server, or skips.
func redisServer(t testing.TB, args ...string) (addr string) {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("no redis-server in PATH: install it to compare with a real one")
	}
	for range 5 {
		port := freePort(t)
		server := exec.Command(path, append([]string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir()}, args...)...)
		out, err := server.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { server.Process.Kill(); server.Wait() })
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if strings.Contains(lines.Text(), "Ready to accept connections") {
				go io.Copy(io.Discard, out)
				return net.JoinHostPort("127.0.0.1", port)
			}
		}
		// Somebody took the port meanwhile: try another.
	}
	t.Fatal("redis-server ended at once, five times")
	return ""
}

func freePort(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
