package sim

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"schload/handoff/sim/resp"
	"schload/handoff/upgrade"
)

// TestE2ESoak plays upgrades chosen at random, one behind the other, under the
// load of 200 clients that come back whenever they are thrown out. In the end
// nothing may have grown: goroutines, sockets, memory. It lasts ten minutes, or
// as long as SOAK says.
func TestE2ESoak(t *testing.T) {
	if os.Getenv("E2E") == "" {
		t.Skip("takes ten minutes: set E2E=1, and SOAK to another length")
	}
	lasts := 10 * time.Minute
	if text := os.Getenv("SOAK"); text != "" {
		var err error
		if lasts, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	for name, config := range soaks {
		t.Run(name, func(t *testing.T) { soak(t, config, lasts/time.Duration(len(soaks))) })
	}
}

// soaks are the databases that are soaked, each for its share of the time.
var soaks = map[string]Config{
	"endpoint": {Nodes: 3},
	"several":  {Nodes: 3, Policy: AllNodes, ShardCount: 3},
	"tls":      {Nodes: 3, Security: TLS},
	"oss":      {OSSCluster: true},
}

const (
	soakClients = 200
	soakSpeed   = 30
)

func soak(t *testing.T, config Config, lasts time.Duration) {
	s := startReal(t, config)
	crowd := newRegulars(t, s)
	defer crowd.close()
	random := rand.New(rand.NewPCG(1, 2))
	plans := playable(t, s)
	var readings []reading
	played := 0
	for end := time.Now().Add(lasts); time.Now().Before(end); {
		u := plans[random.IntN(len(plans))]
		plan, err := u.Plan(random.Uint64(), soakSpeed)
		if err == nil {
			err = s.Play(t.Context(), plan)
		}
		if err != nil {
			t.Fatalf("%s: %v", u.Name, err)
		}
		played++
		crowd.gather(t)
		readings = append(readings, read(s))
	}
	t.Logf("%d upgrades, %d commands, %d reconnects; first %v, last %v",
		played, crowd.served.Load(), crowd.returned.Load(), readings[0], readings[len(readings)-1])
	flat(t, readings)
}

// playable are the upgrades that suit a database.
func playable(t *testing.T, s *Simulator) (us []upgrade.Upgrade) {
	t.Helper()
	for _, name := range upgrade.Names() {
		u, err := upgrade.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := u.Plan(1, soakSpeed)
		if err != nil {
			t.Fatal(err)
		}
		if len(plan.Actions) > 0 && s.suits(plan) == nil {
			us = append(us, u)
		}
	}
	if len(us) < 3 {
		t.Fatalf("%d upgrades suit the database", len(us))
	}
	return us
}

// reading is what may not grow.
type reading struct {
	goroutines, sockets int
	heap                uint64
}

func (r reading) String() string {
	return fmt.Sprintf("%d goroutines, %d descriptors, %d KB", r.goroutines, r.sockets, r.heap>>10)
}

func read(s *Simulator) reading {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	r := reading{goroutines: runtime.NumGoroutine(), heap: m.HeapAlloc}
	if files, err := os.ReadDir("/proc/self/fd"); err == nil {
		r.sockets = len(files)
	}
	return r
}

// flat compares the last third of the readings with the first: the smallest
// of each, since what lingers for a second is not leaked.
func flat(t *testing.T, readings []reading) {
	t.Helper()
	third := len(readings) / 3
	if third < 2 {
		t.Skipf("%d readings say nothing: give it more time", len(readings))
	}
	first, last := least(readings[:third]), least(readings[len(readings)-third:])
	const few = 10
	if last.goroutines > first.goroutines+few || last.sockets > first.sockets+few || last.heap > first.heap*5/4+1<<20 {
		t.Errorf("grew from %v to %v", first, last)
	}
}

func least(readings []reading) reading {
	r := readings[0]
	for _, other := range readings[1:] {
		r.goroutines, r.sockets, r.heap = min(r.goroutines, other.goroutines), min(r.sockets, other.sockets), min(r.heap, other.heap)
	}
	return r
}

// regulars are clients that come back.
type regulars struct {
	sim              *Simulator
	dial             func(ctx context.Context, addr string) (net.Conn, error)
	wg               sync.WaitGroup
	stop             context.CancelFunc
	served, returned atomic.Uint64
}

func newRegulars(t *testing.T, s *Simulator) *regulars {
	ctx, stop := context.WithCancel(t.Context())
	r := &regulars{sim: s, stop: stop, dial: soakDial(t, s)}
	for i := range soakClients {
		r.wg.Go(func() {
			for ctx.Err() == nil {
				r.visit(ctx, i)
				r.returned.Add(1)
				idle(ctx, 20*time.Millisecond)
			}
		})
	}
	r.gather(t)
	return r
}

func soakDial(t *testing.T, s *Simulator) func(ctx context.Context, addr string) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: time.Second}
	if s.Config().Security == Plain {
		return func(ctx context.Context, addr string) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", addr) }
	}
	config := trust(t, s.Cluster())
	config.ServerName = s.Config().Name
	over := &tls.Dialer{NetDialer: dialer, Config: config}
	return func(ctx context.Context, addr string) (net.Conn, error) { return over.DialContext(ctx, "tcp", addr) }
}

func (r *regulars) close() {
	r.stop()
	r.wg.Wait()
}

// gather waits until everyone is there, and nobody else.
func (r *regulars) gather(t *testing.T) {
	t.Helper()
	const patience = 30 * time.Second
	for end := time.Now().Add(patience); time.Now().Before(end); idle(t.Context(), 10*time.Millisecond) {
		there := 0
		for _, n := range r.sim.Nodes() {
			there += n.Connections
		}
		if there == soakClients {
			return
		}
	}
	t.Fatalf("the clients are not back after %v: %+v", patience, r.sim.Nodes())
}

// visit is one connection's life: half of the clients opt in, and a quarter
// leaves for the address that MOVING names.
func (r *regulars) visit(ctx context.Context, i int) {
	hosts, err := r.sim.LookupHost(ctx, r.sim.Config().Name)
	if err != nil {
		return
	}
	addr := net.JoinHostPort(hosts[0], fmt.Sprint(r.sim.Config().Port))
	for addr != "" && ctx.Err() == nil {
		addr = r.stay(ctx, addr, i)
	}
}

// stay works at one address until it is over, and returns the next.
func (r *regulars) stay(ctx context.Context, addr string, i int) (next string) {
	conn, err := r.dial(ctx, addr)
	if err != nil {
		return ""
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	replies := resp.NewReplies(conn)
	ask := func(args ...string) bool {
		conn.SetDeadline(time.Now().Add(2 * time.Second))
		if _, err := conn.Write(resp.AppendRequest(nil, args...)); err != nil {
			return false
		}
		for {
			frame, err := replies.Next()
			if err != nil {
				return false
			}
			if !resp.IsPush(frame) {
				return true
			}
			if i%4 == 0 && bytes.Contains(frame, []byte("MOVING")) {
				next = lastWord(frame)
			}
		}
	}
	key := fmt.Sprintf("key%d", i)
	alive := ask("HELLO", "3") && (i%2 == 1 || ask("CLIENT", "MAINT_NOTIFICATIONS", "ON", "moving-endpoint-type", "internal-ip"))
	for alive && next == "" && ctx.Err() == nil {
		alive = ask("SET", key, "value") && ask("GET", key)
		r.served.Add(2)
		idle(ctx, 20*time.Millisecond)
	}
	return next
}

// lastWord is the last element of a push, a bulk string.
func lastWord(frame []byte) string {
	lines := strings.Split(strings.TrimSpace(string(frame)), "\r\n")
	return lines[len(lines)-1]
}

func idle(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
