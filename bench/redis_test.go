package bench

import (
	"net"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"
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
	program, err := exec.LookPath("redis-server")
	if err != nil {
		b.Skip("no redis-server here")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(addr)
	cmd := exec.Command(program, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--enable-debug-command", "local")
	cmd.Dir = b.TempDir()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for range 500 {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			return addr
		}
		<-time.After(10 * time.Millisecond)
	}
	b.Fatalf("redis-server does not listen on %s", addr)
	return ""
}
