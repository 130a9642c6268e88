package sim

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"schload/handoff/upgrade"
	"schload/internal/race"
)

// The unmodified go-redis hands its whole pool over before the old proxy
// closes, whatever form of address it asks for, and no operation fails. A
// client that did not ask loses its connections.
func TestGoRedisHandsOver(t *testing.T) {
	if race.Enabled {
		t.Skip("go-redis 9.23 itself races while it hands a connection over")
	}
	u, err := upgrade.Load("endpoint-rebind")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := u.Plan(1, 1)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		config maintnotifications.Config
		safe   bool
	}{
		"by address": {maintnotifications.Config{Mode: maintnotifications.ModeEnabled, EndpointType: maintnotifications.EndpointTypeInternalIP}, true},
		"by name":    {maintnotifications.Config{Mode: maintnotifications.ModeEnabled, EndpointType: maintnotifications.EndpointTypeExternalFQDN}, true},
		"off":        {maintnotifications.Config{Mode: maintnotifications.ModeDisabled}, false},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, Config{}, func(w *world) {
				client := w.goRedis(&test.config)
				defer after(time.Minute) // its timers and retries run out
				defer client.Close()
				stop, failed := w.load(client)
				after(2 * time.Second)
				if err := w.sim.Play(w.Context(), plan); err != nil {
					t.Fatal(err)
				}
				stop()
				closed := w.markDetail("close")
				if test.safe && (failed.Load() != 0 || !strings.HasSuffix(closed, "closed 0 connections")) {
					t.Errorf("%d operations failed, %q: want none and closed 0 connections", failed.Load(), closed)
				}
				if !test.safe && (failed.Load() == 0 || !strings.HasSuffix(closed, fmt.Sprintf("closed %d connections", poolSize))) {
					t.Errorf("%d operations failed, %q: want some and closed %d connections", failed.Load(), closed, poolSize)
				}
				if nodes := w.sim.Nodes(); nodes[0].Connections != 0 || nodes[1].Connections < poolSize {
					t.Errorf("connections are at %+v", nodes)
				}
			})
		})
	}
}

const poolSize = 8

// goRedis is a client whose pool is full.
func (w *world) goRedis(config *maintnotifications.Config) *redis.Client {
	redis.SetLogger(silentLogger{})
	client := redis.NewClient(&redis.Options{
		Addr: w.sim.Addr(), Protocol: 3, PoolSize: poolSize, MinIdleConns: poolSize, MaxRetries: -1, DisableIdentity: true,
		MaintNotificationsConfig: config,
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return w.net.Dial(ctx, network, addr)
		},
	})
	after(time.Second)
	return client
}

// load has one worker per connection read every 10 ms until stop is called.
func (w *world) load(client *redis.Client) (stop func(), failed *atomic.Int64) {
	var wg sync.WaitGroup
	ended := make(chan struct{})
	failed = new(atomic.Int64)
	for i := range poolSize {
		wg.Go(func() {
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					if client.Set(context.Background(), fmt.Sprint("key", i), "v", 0).Err() != nil {
						failed.Add(1)
					}
				case <-ended:
					return
				}
			}
		})
	}
	return func() { close(ended); wg.Wait() }, failed
}

// markDetail is what the mark of an act says.
func (w *world) markDetail(name string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.marks {
		if m.Name == name {
			return m.Detail
		}
	}
	return ""
}

type silentLogger struct{}

func (silentLogger) Printf(_ context.Context, format string, v ...any) {
	log.New(io.Discard, "", 0).Printf(format, v...)
}

// Every upgrade of the catalog can be played: its acts are done in order at
// their offsets, and no MOVING is held back.
func TestCatalog(t *testing.T) {
	for _, name := range upgrade.Names() {
		t.Run(name, func(t *testing.T) {
			u, err := upgrade.Load(name)
			if err != nil {
				t.Fatal(err)
			}
			if u.Database == upgrade.OSSCluster {
				t.Skip("not served yet")
			}
			plan, err := u.Plan(1, 1)
			if err != nil {
				t.Fatal(err)
			}
			inWorld(t, Config{OSSCluster: u.Database == upgrade.OSSCluster}, func(w *world) {
				for range 3 {
					w.rehearse(plan)
				}
			})
		})
	}
}

// rehearse plays a plan and compares the marks with it.
func (w *world) rehearse(plan upgrade.Plan) {
	w.Helper()
	w.marks = nil
	start := time.Since(w.sim.config.Base)
	client := w.optedIn(w.sim.Addr(), "internal-ip")
	if err := w.sim.Play(w.Context(), plan); err != nil {
		w.Fatal(err)
	}
	if took := time.Since(w.sim.config.Base) - start; took != plan.Length {
		w.Errorf("playing took %v, want %v", took, plan.Length)
	}
	var want, got []string
	for _, a := range plan.Actions {
		name := string(a.Act)
		if a.Act == upgrade.Notify {
			name = a.Notice.String()
		}
		want = append(want, fmt.Sprint(start+a.At, " ", name))
	}
	for _, m := range w.marks {
		if !strings.HasPrefix(m.Detail, "made ready") && m.Name != "redirects" {
			got = append(got, fmt.Sprint(m.At, " ", m.Name))
		}
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		w.Errorf("marks:\ngot  %q\nwant %q", got, want)
	}
	client.Close()
	w.dial(w.sim.Addr()).do("PING", "+PONG\r\n")
	after(time.Second)
}
