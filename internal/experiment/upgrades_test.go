package experiment

import (
	"testing"
	"testing/synctest"
	"time"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/workload"
)

// newUpgradeBench is a bench for upgrades that take minutes: fewer operations,
// and outages of more than a second only, because the stalls of half a second
// that are part of most upgrades come to everyone.
func newUpgradeBench(t *testing.T, name string, settings ...string) *bench {
	t.Helper()
	b := newBench(t, name, settings...)
	b.config.Pools[0].Schedule.Rate = workload.Constant(50)
	b.config.OutageAfter = time.Second
	return b
}

// use replaces the arms.
func (b *bench) use(names ...string) *bench {
	b.t.Helper()
	b.config.Arms = arms(b.t, names...)
	b.config.Describe.Arms = nil
	for _, a := range b.config.Arms {
		b.config.Describe.Arms = append(b.config.Describe.Arms, bundle.Arm{Name: a.Name, Requested: a.Mode})
	}
	return b
}

// describe says what an arm felt, for errors.
func describe(a compare.Arm) []any {
	return []any{"operations", a.Operations, "errors", a.Errors, "outage", a.Outage, "handoffs", a.Handoffs, "notices", a.Notices, "connections", a.Connections}
}

// Where the vendor promises full support, nothing fails with handoffs on,
// however often the endpoint moves; without them every move is an outage.
func TestFullSupport(t *testing.T) {
	for name, moves := range map[string]int{"maintenance-mode": 2, "rolling-extra-node": 2, "rolling-replace-node": 2, "redis-cloud": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				result, s := newUpgradeBench(t, name).run(t.Context())
				if len(result.Invalid) > 0 {
					t.Errorf("invalid: %q", result.Invalid)
				}
				on, off := arm2(t, s, "on"), arm2(t, s, "off")
				if on.Operations.Failed+on.Operations.Missed != 0 || on.Outage.Windows != 0 {
					t.Error(append([]any{"on: want no failure and no outage"}, describe(on)...)...)
				}
				// Idle connections may be closed before they hear of the move: it
				// is those in use that count.
				if int(on.Handoffs.Succeeded) < moves || on.Handoffs.Failed != 0 {
					t.Error(append([]any{"on: want a handoff per move", moves}, describe(on)...)...)
				}
				if off.Operations.Failed == 0 || int(off.Outage.Windows) != moves || off.Connections.ClosedByServer == 0 {
					t.Error(append([]any{"off: want failures, an outage per move, closed connections", moves}, describe(off)...)...)
				}
			})
		})
	}
}

// Where nothing is announced, or nothing that could prevent a disconnect,
// handoffs are of no advantage.
func TestNoAdvantage(t *testing.T) {
	for _, test := range []struct {
		name     string
		settings []string
		outage   time.Duration // that both arms have at least
	}{
		{"node-failure", nil, 15 * time.Second},                          // until the record moves
		{"node-failure", []string{"silence=0s"}, 15 * time.Second},       // reset and refused instead
		{"network-failure", nil, 15 * time.Second},                       // as long as the packets are lost
		{"privatelink", []string{"target_downtime=5s"}, 5 * time.Second}, // the address refuses
		{"version-upgrade-unreplicated", nil, 10 * time.Second},          // queued, then refused while the shard loads
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, s := newUpgradeBench(t, test.name, test.settings...).run(t.Context())
				on, off := arm2(t, s, "on"), arm2(t, s, "off")
				for _, a := range []compare.Arm{on, off} {
					if time.Duration(a.Outage.Longest) < test.outage-100*time.Millisecond || a.Handoffs.Succeeded != 0 {
						t.Error(append([]any{a.Name, "want an outage of", test.outage, "and no handoff"}, describe(a)...)...)
					}
				}
				if ratio := time.Duration(on.Outage.Longest).Seconds() / time.Duration(off.Outage.Longest).Seconds(); ratio < 0.8 || ratio > 1.25 {
					t.Errorf("longest outage on %v, off %v: want them alike", on.Outage.Longest, off.Outage.Longest)
				}
				if on.Connections.ClosedByServer != off.Connections.ClosedByServer {
					t.Errorf("the server closed %d connections of on, %d of off: want as many", on.Connections.ClosedByServer, off.Connections.ClosedByServer)
				}
			})
		})
	}
}

// Proxies that join or leave beside others do so in silence. The record names
// one that serves, so that retries hide the close from both arms, as far as
// they go; without them both fail what was under way.
func TestSeveralProxies(t *testing.T) {
	for _, name := range []string{"maintenance-mode-multi-proxy", "widening"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, s := newUpgradeBench(t, name).use("on", "off", "on-noretry", "off-noretry").run(t.Context())
				for _, arm := range []string{"on", "off", "on-noretry", "off-noretry"} {
					a := arm2(t, s, arm)
					if a.Connections.ClosedByServer == 0 || a.Handoffs.Started != 0 || a.Outage.Windows != 0 || a.Notices["MOVING"] != 0 {
						t.Error(append([]any{arm, "want connections closed, no handoff and no outage"}, describe(a)...)...)
					}
				}
				// On a network in memory go-redis cannot see that an idle connection
				// has ended, and retries may meet one after the other. Without
				// retries each of the eight fails one operation.
				for _, arm := range []string{"on", "off"} {
					hidden, bare := arm2(t, s, arm).Operations, arm2(t, s, arm+"-noretry").Operations
					if hidden.Failed > 2 || bare.Failed == 0 || bare.Failed > 8 {
						t.Errorf("%s: %+v, without retries %+v: want one or two failures at most, and one per connection", arm, hidden, bare)
					}
				}
			})
		})
	}
}

// The failures differ in how they end a connection.
func TestFailuresEndConnections(t *testing.T) {
	for _, test := range []struct {
		name, setting string
		closed        bool // by the server, as far as the client can tell
	}{
		{"node-failure", "silence=30s", false}, // the client gives up first
		{"node-failure", "silence=0s", true},
		{"network-failure", "blackout=2s", false}, // shorter than its patience: it never gives up
	} {
		t.Run(test.name+" "+test.setting, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, s := newUpgradeBench(t, test.name, test.setting).run(t.Context())
				off := arm2(t, s, "off")
				if (off.Connections.ClosedByServer > 0) != test.closed {
					t.Error(append([]any{"closed by the server: want", test.closed}, describe(off)...)...)
				}
				if test.setting == "blackout=2s" && off.Operations.Failed+uint64(off.Connections.Dials) != 0 {
					t.Error(append([]any{"want the old connections to go on"}, describe(off)...)...)
				}
			})
		})
	}
}

// Relaxed timeouts are what a version upgrade leaves of handoffs: a stall that
// is longer than the read timeout fails commands without them. Without
// retries, for those hide it; and with one connection, which is in use when
// the notice comes: go-redis reads notices of idle connections too late, see
// the prose of version-upgrade.
func TestRelaxedTimeoutsOutlastStalls(t *testing.T) {
	for name, settings := range map[string][]string{
		"version-upgrade":              {"failover_stall=7s", "failover_duration=8s"},
		"version-upgrade-unreplicated": {"restart_stall=7s", "loading_time=0s"},
		"privatelink":                  {"failover_stall=7s", "failover_duration=8s", "target_downtime=0s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newUpgradeBench(t, name, settings...).use("on-noretry", "off-noretry")
				b.config.Pools[0].Workers = 1
				_, s := b.run(t.Context())
				on, off := arm2(t, s, "on-noretry"), arm2(t, s, "off-noretry")
				if on.Errors["read_timeout"] != 0 || off.Errors["read_timeout"] == 0 {
					t.Error(append([]any{"on: want no timeout, and some off:", off.Errors}, describe(on)...)...)
				}
				if on.Handoffs.Succeeded != 0 {
					t.Errorf("%d handoffs without MOVING", on.Handoffs.Succeeded)
				}
			})
		})
	}
}

// With the stalls assumed by default, a replicated version upgrade fails
// nothing in either arm and closes no connection.
func TestVersionUpgradeClosesNothing(t *testing.T) {
	for _, roles := range []string{"yes", "no"} {
		synctest.Test(t, func(t *testing.T) {
			_, s := newUpgradeBench(t, "version-upgrade", "preserve_roles="+roles).run(t.Context())
			for _, name := range []string{"on", "off"} {
				if a := arm2(t, s, name); a.Operations.Failed+a.Operations.Missed != 0 || a.Connections.ClosedByServer+a.Connections.Dials != 0 {
					t.Error(append([]any{name, "want no failure, and the old connections"}, describe(a)...)...)
				}
			}
		})
	}
}
