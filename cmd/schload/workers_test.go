package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"schload/internal/bundle"
	"schload/internal/compare"
)

// near is how far apart the first operations of workers may be where the tests
// of all packages share the machine. The end-to-end check of the Kubernetes Job
// has it to itself and wants 50 ms (test/kubernetes).
const near = 500 * time.Millisecond

// Several processes that agreed on an instant begin at it, by the target's own
// account; each has keys, a seed and a bundle of its own.
func TestWorkersStartTogether(t *testing.T) {
	server, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("no redis-server here")
	}
	address := serveRedis(t, server)
	seen := monitored(t, address)
	const workers = 3
	dir := t.TempDir()
	at := time.Now().Add(10 * time.Second).Truncate(time.Millisecond) // on a busy machine, under the race detector, a process takes seconds to be ready
	var running []*exec.Cmd
	var said [workers]bytes.Buffer
	for i := range workers {
		command := exec.CommandContext(t.Context(), os.Args[0])
		command.Args = []string{"schload", "run", "--stage", "none", "--target", "redis://" + address, "--arms", "off", "--mix", "GET=1", "--rate", "500",
			"--warmup", "500ms", "--baseline", "1s", "--workers", "4", "--out", dir, "--run-id", "together", "--seed", "7",
			"--start-at", at.Format(time.RFC3339Nano), "--worker", fmt.Sprintf("%d/%d", i, workers)}
		command.Dir, command.Stdout, command.Stderr = dir, &said[i], &said[i]
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		running = append(running, command)
	}
	for i, command := range running {
		if err := command.Wait(); err != nil {
			t.Fatalf("worker %d: %v\n%s", i, err, said[i].String())
		}
	}
	first := seen()
	for i := range workers {
		begun, ok := first[i]
		if !ok {
			t.Fatalf("the target saw nothing of worker %d\n%s", i, said[i].String())
		}
		if late := begun.Sub(at); late < -time.Millisecond || late > near {
			t.Errorf("worker %d began %v after the agreed instant, want 0 to %v", i, late, near)
		}
		data, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("worker-%d", i), "run.json"))
		if err != nil {
			t.Fatal(err)
		}
		var run bundle.Run
		if err := json.Unmarshal(data, &run); err != nil {
			t.Fatal(err)
		}
		if w := run.Worker; run.ID != "together" || w == nil || w.Index != i || w.Workers != workers || !w.StartAt.Equal(at) || run.Seed != 7+uint64(i)*apart {
			t.Errorf("worker %d: run %s, seed %d, %+v", i, run.ID, run.Seed, run.Worker)
		}
	}
	mergedIsTheSum(t, dir, workers)
}

// mergedIsTheSum merges all workers, whose operations add up to the last one,
// and then all but one, which is named.
func mergedIsTheSum(t *testing.T, dir string, workers int) {
	t.Helper()
	var dirs []string
	var want compare.Operations
	for i := range workers {
		dirs = append(dirs, filepath.Join(dir, fmt.Sprintf("worker-%d", i)))
		got := operationsOf(t, dirs[i])
		want.Due, want.OK, want.Failed, want.Missed = want.Due+got.Due, want.OK+got.OK, want.Failed+got.Failed, want.Missed+got.Missed
	}
	var stdout, stderr bytes.Buffer
	if code := Main(t.Context(), append([]string{"merge", "--out", filepath.Join(dir, "all")}, dirs...), &stdout, &stderr); code != 0 {
		t.Fatalf("merge: exit code %d\n%s", code, stderr.String())
	}
	got := operationsOf(t, filepath.Join(dir, "all"))
	if got.Due != want.Due || got.OK != want.OK || got.Failed != want.Failed || got.Missed != want.Missed || got.Due == 0 {
		t.Errorf("merged %+v, the workers' sum is %+v", got, want)
	}
	stdout.Reset()
	stderr.Reset()
	Main(t.Context(), append([]string{"merge", "--out", filepath.Join(dir, "less")}, dirs[1:]...), &stdout, &stderr)
	if text := stdout.String() + stderr.String(); !strings.Contains(text, "worker-0") && !strings.Contains(text, "worker 0") {
		t.Errorf("the lost worker is not named:\n%s", text)
	}
}

func operationsOf(t *testing.T, dir string) compare.Operations {
	t.Helper()
	_, s, err := summarize([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	return s[0].Arms[0].Operations
}

// serveRedis starts a Redis server for the test and returns its address.
func serveRedis(t *testing.T, server string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	_, port, _ := net.SplitHostPort(address)
	command := exec.Command(server, "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir())
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	for deadline := time.Now().Add(10 * time.Second); ; {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			conn.Close()
			return address
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

var getOfWorker = regexp.MustCompile(`^\+(\d+)\.(\d{6}) \[.*\] "(?i:get)" "schload:w(\d+):`)

// monitored watches a Redis server; what it returns says when each worker's
// first GET arrived, by the server's clock.
func monitored(t *testing.T, address string) func() map[int]time.Time {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprint(conn, "MONITOR\r\n"); err != nil {
		t.Fatal(err)
	}
	first, done := map[int]time.Time{}, make(chan struct{})
	go func() {
		defer close(done)
		for lines := bufio.NewScanner(conn); lines.Scan(); {
			m := getOfWorker.FindStringSubmatch(lines.Text())
			if m == nil {
				continue
			}
			seconds, _ := strconv.ParseInt(m[1], 10, 64)
			micros, _ := strconv.ParseInt(m[2], 10, 64)
			worker, _ := strconv.Atoi(m[3])
			if _, ok := first[worker]; !ok {
				first[worker] = time.Unix(seconds, micros*1000)
			}
		}
	}()
	return func() map[int]time.Time { conn.Close(); <-done; return first }
}

// What cannot be agreed on is said at once.
func TestWorkerFlags(t *testing.T) {
	future := time.Now().Add(time.Hour).Format(time.RFC3339)
	for want, args := range map[string][]string{
		"INDEX from 0 to WORKERS-1": {"--worker", "4/4", "--run-id", "a", "--start-at", future},
		"want INDEX/WORKERS":        {"--worker", "x", "--run-id", "a", "--start-at", future},
		"agree on both":             {"--worker", "0/2"},
		"as in RFC 3339":            {"--start-at", "noon"},
		"agree on a later instant":  {"--start-at", "2020-01-01T00:00:00Z"},
		"letters, digits":           {"--run-id", "../x"},
		"are of one run":            {"--run-id", "a", "--forever"},
		"--worker is empty":         {"--worker", ""},
		"the variable is not set":   {"--target", "env:SCHLOAD_NO_SUCH"},
		"before this worker was":    {"--start-at", time.Now().Add(1500 * time.Millisecond).Format(time.RFC3339Nano)},
	} {
		var stdout, stderr bytes.Buffer
		dir := filepath.Join(t.TempDir(), "b")
		code := Main(t.Context(), append([]string{"run", "--out", dir}, args...), &stdout, &stderr)
		if code == 0 || !bytes.Contains(stderr.Bytes(), []byte(want)) {
			t.Errorf("%v: exit code %d, want an error with %q:\n%s", args, code, want, stderr.String())
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%v: something was left behind", args)
		}
	}
}
