package sim

import (
	"context"
	"fmt"
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

// The unmodified ClusterClient of go-redis lives through every change of slots
// without a failure.
//
// One round only: in a later one a node comes back to which the client has
// connections that were closed meanwhile, and go-redis may meet several of them
// on end.
func TestGoRedisFollowsSlots(t *testing.T) {
	if race.Enabled {
		t.Skip("go-redis 9.23 itself races while it reads the slot map again")
	}
	for _, name := range upgrade.OSSCluster.Upgrades() {
		t.Run(name, func(t *testing.T) {
			plan := catalogPlan(t, name)
			inWorld(t, ossCluster, func(w *world) {
				client := w.goRedisCluster(&maintnotifications.Config{Mode: maintnotifications.ModeEnabled, EndpointType: maintnotifications.EndpointTypeNone})
				defer after(2 * time.Minute) // its timers and idle nodes run out
				defer client.Close()
				stop, failed := w.loadCluster(client)
				after(2 * time.Second)
				if err := w.sim.Play(w.Context(), plan); err != nil {
					t.Fatal(err)
				}
				stop()
				if n := failed.Load(); n != 0 {
					t.Errorf("%d operations failed", n)
				}
				if got := w.markDetail("SMIGRATED"); strings.Contains(got, "pushed to 0 of") {
					t.Errorf("SMIGRATED: %s", got)
				}
				if closed := w.markDetail("close"); closed != "" && !strings.HasSuffix(closed, "closed 0 connections") {
					t.Logf("%s", closed)
				}
			})
		})
	}
}

// SMIGRATED alone makes go-redis read the slot map again: with nothing under way
// for the slots that move, the first command for them goes to the right node.
// Without notices it is redirected.
func TestGoRedisReloadsOnSMIGRATED(t *testing.T) {
	if race.Enabled {
		t.Skip("go-redis 9.23 itself races while it reads the slot map again")
	}
	for mode, want := range map[maintnotifications.Mode]string{
		maintnotifications.ModeEnabled:  "",
		maintnotifications.ModeDisabled: "since the last upgrade: 1 MOVED",
	} {
		t.Run(string(mode), func(t *testing.T) {
			inWorld(t, ossCluster, func(w *world) {
				client := w.goRedisCluster(&maintnotifications.Config{Mode: mode, EndpointType: maintnotifications.EndpointTypeNone})
				defer after(2 * time.Minute)
				defer client.Close()
				ask := func(key string) {
					if err := client.Set(w.Context(), key, "v", 0).Err(); err != nil {
						t.Error(err)
					}
				}
				ask("hello") // of node1, like bar, and stays there
				end := w.play(4*time.Second, slotsAt(0, "5000-5100"), moveAt(time.Second, upgrade.Peer), movedAt(2*time.Second, upgrade.Peer))
				after(2500 * time.Millisecond)
				ask("hello")
				after(time.Second)
				ask("bar")
				end()
				if got := w.markDetail("redirects"); got != want {
					t.Errorf("redirects: %q, want %q", got, want)
				}
			})
		})
	}
}

// goRedisCluster is seeded by address: seeded by a name, go-redis takes nodes
// with loopback addresses for the one that the name leads to.
func (w *world) goRedisCluster(config *maintnotifications.Config) *redis.ClusterClient {
	redis.SetLogger(silentLogger{})
	client := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: []string{node1, node2, node3}, Protocol: 3, PoolSize: 4 * poolSize, DisableIdentity: true, // nobody waits: timers of that are shared beyond the bubble

		MaintNotificationsConfig: config,
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return w.net.Dial(ctx, network, addr)
		},
	})
	after(time.Second)
	return client
}

// loadCluster has workers write keys of all shards every 10 ms until stop is
// called.
func (w *world) loadCluster(client *redis.ClusterClient) (stop func(), failed *atomic.Int64) {
	var wg sync.WaitGroup
	ended := make(chan struct{})
	failed = new(atomic.Int64)
	for i := range 2 * poolSize {
		wg.Go(func() {
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			for n := 0; ; n++ {
				select {
				case <-tick.C:
					if err := client.Set(context.Background(), fmt.Sprint("key", i, "-", n%50), "v", 0).Err(); err != nil {
						if failed.Add(1) == 1 {
							w.Logf("at %v: %v", time.Since(w.sim.config.Base), err)
						}
					}
				case <-ended:
					return
				}
			}
		})
	}
	return func() { close(ended); wg.Wait() }, failed
}
