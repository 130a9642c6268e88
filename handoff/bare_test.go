package handoff

import (
	"context"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff/raw"
	"schload/workload"
)

// An arm without a library sends what the library sends, gets the same
// outcomes, and proves that it never opted in.
func TestBareCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var sent []string
		w.main.hook = func(_ *served, args []string) (string, bool) {
			if args[0] != "hello" && args[0] != "client" {
				sent = append(sent, strings.Join(args, " "))
			}
			return "", false
		}
		library, bare := w.open(w.config("off")), w.open(w.config("raw"))
		for _, name := range raw.Commands() {
			for _, key := range []string{"k", "absent"} {
				op := workload.Operation{Command: name, Key: key, Value: []byte(key + "|v")}
				sent = nil
				one, other := do(t, library, op)[0], do(t, bare, op)[0]
				if one != other || len(sent) != 2 || sent[0] != sent[1] {
					t.Errorf("%s %s: the library %+v, bare %+v, sent %q: want the same", name, key, one, other, sent)
				}
			}
		}
		p := bare.Proof()
		if !p.Valid || p.Effective != NoneRaw || p.Sent != 0 || p.OptedIn != 0 || p.Protocols[3] == 0 {
			t.Errorf("proof %+v, want none (raw) over RESP3", p)
		}
		if n := w.main.optInCount(); n != 0 {
			t.Errorf("%d opt-ins were sent", n)
		}
	})
}

// Whatever a server may answer, the classes are those of the library.
func TestBareOutcomes(t *testing.T) {
	for _, reply := range []string{
		"-LOADING Redis is loading\r\n", "-READONLY no\r\n", "-MOVED 1 127.0.0.1:7000\r\n", "-NOAUTH no\r\n", "-ERR no\r\n", "-CLUSTERDOWN no\r\n",
		"$5\r\nother\r\n", "+OK\r\n", "*1\r\n+OK\r\n", "nonsense\r\n", "_\r\n",
	} {
		for _, command := range []string{"GET", "SET", "INCR", "PING"} {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				library, bare := w.open(w.config("off-noretry")), w.open(w.config("raw"))
				w.main.mu.Lock()
				w.main.hook = func(*served, []string) (string, bool) { return reply, true }
				w.main.mu.Unlock()
				op := workload.Operation{Command: command, Key: "k", Value: []byte("k|v")}
				one, other := do(t, library, op)[0], do(t, bare, op)[0]
				if one != other {
					t.Errorf("%s answered with %q: the library %+v, bare %+v", command, reply, one, other)
				}
			})
		}
	}
}

// Connections that end are replaced, by the next operation and once.
func TestBareReconnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := w.open(w.config("raw+read_timeout=300ms"))
		worker := c.Fork()
		run := func(want workload.Class) {
			t.Helper()
			var out [1]workload.Outcome
			worker.Do(t.Context(), []workload.Operation{set("k")}, out[:])
			if out[0].Class != want {
				t.Errorf("%+v, want %v", out[0], want)
			}
		}
		run(workload.OK)
		w.main.closeAll(false)
		synctest.Wait()
		run(workload.Reset) // in memory a write finds out, not a read
		run(workload.OK)
		w.main.setDelay(time.Second)
		run(workload.ReadTimeout)
		w.main.setDelay(0)
		run(workload.OK)
		seen := c.Observe()
		if seen.Dials.OK != 3 || seen.Connections != 1 {
			t.Errorf("dials %+v, %d open, want 3 and 1: %v", seen.Dials, seen.Connections, seen.Closes)
		}
		if seen.Closes[Close{ByServer, reasonReset}] != 1 || seen.Closes[Close{ByClient, reasonTimeout}] != 1 {
			t.Errorf("closes %v, want one by the server and one for a timeout", seen.Closes)
		}
		_ = c.Close()
		run(workload.Canceled)
	})
}

// Each worker has a connection of its own, dialled by Warm.
func TestBareWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := w.open(w.config("raw"))
		if err := c.Warm(t.Context(), 4); err != nil {
			t.Fatal(err)
		}
		warm := c.Observe().Dials.OK
		h := new(workload.Horizon)
		h.End(time.Second)
		base := time.Now()
		tally, err := workload.Run{Base: base, Target: c, Horizon: h,
			Pool:  workload.Pool{Name: "main", Workers: 4, Pipeline: 3, Schedule: workload.Schedule{Rate: workload.Constant(300)}},
			Pacer: func() (workload.Pacer, error) { return workload.NewTimerPacer(base), nil },
		}.Do(t.Context())
		if err != nil || tally.OK != 300 {
			t.Errorf("%+v, %v, want 300 ok", tally, err)
		}
		if seen := c.Observe(); seen.Dials.OK != warm || seen.Connections != 4 || seen.Pool.Idle != 0 {
			t.Errorf("%d dials after %d, %d open, %d idle, want no further ones and 4, each a worker's", seen.Dials.OK, warm, seen.Connections, seen.Pool.Idle)
		}
	})
}

// Passwords, old protocols and servers without HELLO.
func TestBareHandshake(t *testing.T) {
	for name, tt := range map[string]struct {
		arm, target, hello, password, want string
		protocol                           int
	}{
		"resp3":           {"raw", "redis://" + mainAddr, "", "", "", 3},
		"resp2":           {"raw+protocol=2", "redis://" + mainAddr + "/1", "", "", "", 2},
		"password":        {"raw", "redis://:geheim@" + mainAddr, "", "geheim", "", 3},
		"resp2, password": {"raw+protocol=2", "redis://me:geheim@" + mainAddr, "", "geheim", "", 2},
		"old server":      {"raw", "redis://:geheim@" + mainAddr, "ERR unknown command 'HELLO'", "geheim", "", 2},
		"wrong password":  {"raw", "redis://:falsch@" + mainAddr, "", "geheim", "access denied", 0},
		"no password":     {"raw", "redis://" + mainAddr, "", "geheim", "access denied", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.main.helloError, w.main.password = tt.hello, tt.password
				config := w.config(tt.arm)
				config.Target = mustTarget(t, tt.target)
				if tt.want != "" {
					if _, err := Open(t.Context(), config); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "falsch") {
						t.Errorf("%v, want %q", err, tt.want)
					}
					return
				}
				c := w.open(config)
				if out := do(t, c, set("k"))[0]; out.Class != workload.OK {
					t.Errorf("%+v", out)
				}
				if p := c.Proof(); !p.Valid || p.Protocols[tt.protocol] == 0 {
					t.Errorf("proof %+v, want RESP%d", p, tt.protocol)
				}
			})
		})
	}
}

func TestBareRefused(t *testing.T) {
	for text, want := range map[string]string{
		"raw+max_retries=3":            "no retries, no pool and no handoffs",
		"raw+pool_size=3":              "no retries, no pool and no handoffs",
		"raw+protocol=4":               "protocol 4: want 2 or 3",
		"raw+read_timeout=1s+name=a b": "name: want 1 to 100",
		"raw+dial_timeout=1us":         "want at least 1ms",
	} {
		if _, err := ParseArm(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	a, err := ParseArm("raw")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), Config{Arm: a, Cluster: true, Target: mustTarget(t, "redis://127.0.0.1:1")})
	if err == nil || !strings.Contains(err.Error(), `arm "raw": bare connections follow no slot map`) {
		t.Errorf("on a cluster: %v", err)
	}
	if err := a.Resolve(8).Validate(); err != nil {
		t.Error(err)
	}
}

// Against a real Redis with a password: what the
// library gets, in single operations and in a pipeline.
func TestBareOnRedis(t *testing.T) {
	addr := redisServer(t, "--requirepass", "geheim")
	var outcomes [2][]workload.Outcome
	for i, name := range []string{"off", "raw"} {
		a, err := ParseArm(name)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Open(t.Context(), Config{Arm: a, Target: mustTarget(t, "redis://:geheim@"+addr+"/"+strconv.Itoa(i)), Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		var ops []workload.Operation
		for _, command := range raw.Commands() {
			op := workload.Operation{Command: command, Key: "k:" + command, Value: []byte("k:" + command + "|v")}
			outcomes[i] = append(outcomes[i], do(t, c, op)...)
			ops = append(ops, op)
		}
		big := set("big")
		big.Value = []byte("big|" + strings.Repeat("x", 1<<20))
		ops = append(ops, big, get("big"), workload.Operation{Command: "INCR", Key: "big"}, workload.Operation{Command: "LPUSH", Key: "big", Value: []byte("x")})
		outcomes[i] = append(outcomes[i], do(t, c, ops...)...)
	}
	if !slices.Equal(outcomes[0], outcomes[1]) {
		t.Errorf("the library %+v,\nbare %+v", outcomes[0], outcomes[1])
	}
	if out := outcomes[1][len(outcomes[1])-1]; out.Class != workload.ServerError {
		t.Errorf("LPUSH to a string: %+v", out)
	}
}

// redisServer starts a real one for the test.
func redisServer(t *testing.T, args ...string) (addr string) {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("no redis-server in PATH")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = l.Addr().String()
	_ = l.Close()
	_, port, _ := net.SplitHostPort(addr)
	cmd := exec.Command(path, append([]string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"}, args...)...)
	cmd.Dir = t.TempDir()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err == nil {
			_ = conn.Close()
			return addr
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Fatal("redis-server does not listen")
	return ""
}

func TestBareTLS(t *testing.T) {
	config, ca := certificate(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	s := startServer(t, &tlsListener{l, config}, err)
	a, err := ParseArm("raw")
	if err != nil {
		t.Fatal(err)
	}
	target := mustTarget(t, "rediss://"+s.addr)
	if _, err := Open(t.Context(), Config{Arm: a, Target: target}); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate of nobody: %v", err)
	}
	c, err := Open(t.Context(), Config{Arm: a, Target: target, TLS: TLS{CAFile: ca}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i, out := range do(t, c, set("k"), get("k"), get("absent")) {
		if out.Class != workload.OK {
			t.Errorf("operation %d: %+v", i, out)
		}
	}
}
