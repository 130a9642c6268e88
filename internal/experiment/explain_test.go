package experiment

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff"
	"schload/handoff/sim"
	"schload/internal/bundle"
	"schload/internal/explain"
	"schload/telemetry/mark"
	"schload/workload"
)

// explained runs the bench and returns the ids of the findings of each arm, and
// those of the run under "".
func (b *bench) explained(ctx context.Context) (map[string][]string, []explain.Finding) {
	b.t.Helper()
	b.settings()
	b.config.Describe.Versions.GoRedis = "v9.23.0"
	result, s := b.run(ctx)
	kept, err := bundle.Open(result.Dir)
	if err != nil {
		b.t.Fatal(err)
	}
	s.Harness.Saturated = false // the processor time of a busy machine is not virtual
	list, err := explain.Explain(kept, s)
	if err != nil {
		b.t.Fatal(err)
	}
	ids := map[string][]string{}
	for _, f := range list {
		ids[f.Arm] = append(ids[f.Arm], f.ID)
		if f.Title == "" || len(f.Evidence) == 0 || f.ID != "healthy" && (f.Cause == "" || f.Fix == "" || f.Source == "") {
			b.t.Errorf("a finding that leaves something open: %+v", f)
		}
	}
	for arm := range ids {
		slices.Sort(ids[arm])
	}
	return ids, list
}

// settings has the bundle tell those of the arms.
func (b *bench) settings() {
	b.t.Helper()
	for i, a := range b.config.Arms {
		settings, err := json.Marshal(a.Resolve(b.connections()))
		if err != nil {
			b.t.Fatal(err)
		}
		b.config.Describe.Arms[i].Settings = settings
	}
}

// through has arms dial through a function that may refuse, wait or change what
// comes in. named says that the address is one: only handoffs dial those.
func (b *bench) through(via func(named bool, dial func() (net.Conn, error)) (net.Conn, error)) *bench {
	b.config.Open = func(ctx context.Context, a handoff.Arm, marks mark.Sink) (*handoff.Client, error) {
		target, err := handoff.ParseTarget("redis://" + b.sim.Addr())
		if err != nil {
			return nil, err
		}
		a.EndpointType = handoff.InternalIP
		return handoff.Open(ctx, handoff.Config{Arm: a, Target: target, Workers: b.connections(), Base: b.config.Base, Marks: marks,
			Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				host, _, _ := net.SplitHostPort(address)
				return via(net.ParseIP(host) != nil, func() (net.Conn, error) { return b.dial(ctx, network, address) })
			}})
	}
	return b
}

// slow is a new node that takes its time.
func slow(named bool, dial func() (net.Conn, error)) (net.Conn, error) {
	if named {
		time.Sleep(3 * time.Second)
	}
	return dial()
}

// refused is a new node that nobody lets the client through to.
func refused(named bool, dial func() (net.Conn, error)) (net.Conn, error) {
	if named {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	return dial()
}

// unending keeps back that a migration is over.
func unending(_ bool, dial func() (net.Conn, error)) (net.Conn, error) {
	conn, err := dial()
	return withoutMigrated{conn}, err
}

type withoutMigrated struct{ net.Conn }

func (c withoutMigrated) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	copy(p, bytes.ReplaceAll(p[:n], []byte("MIGRATED"), []byte("UNHEARD!")))
	return n, err
}

// Every diagnosis is provoked, and each run has the findings stated and no
// other: a rule that fires where it should not fails here, too.
func TestExplain(t *testing.T) {
	plain := func(name string, arms []string, settings ...string) func(*testing.T) *bench {
		return func(t *testing.T) *bench { return newUpgradeBench(t, name, settings...).use(arms...) }
	}
	single := func(name string, arms []string, settings ...string) func(*testing.T) *bench {
		return func(t *testing.T) *bench { // one connection, which is never cold
			b := plain(name, arms, settings...)(t)
			b.config.Pools[0].Workers = 1
			return b
		}
	}
	support := func(change func(*sim.Support), arms ...string) func(*testing.T) *bench {
		return func(t *testing.T) *bench {
			var database sim.Config
			change(&database.Support)
			b := newBenchWith(t, database, "endpoint-rebind").use(arms...)
			b.config.Pools[0].Schedule.Rate = workload.Constant(50)
			return b
		}
	}
	messages := func(upgrade string, kind workload.Kind) func(*testing.T) *bench {
		return func(t *testing.T) *bench { return newMessageBench(t, upgrade, workload.Pool{Kind: kind}, "on", "off") }
	}
	both := []string{"on", "off"}
	for name, test := range map[string]struct {
		bench func(*testing.T) *bench
		want  map[string]string // ids by arm; "|" where retries may or may not hide it all
	}{
		"peace":         {plain("none", []string{"on", "off", "auto", "off-resp2", "raw"}), map[string]string{"on": "healthy", "off": "healthy", "auto": "healthy", "off-resp2": "healthy"}},
		"a move":        {plain("endpoint-rebind", both), map[string]string{"on": "healthy", "off": "stale-address"}},
		"two moves":     {plain("maintenance-mode", both), map[string]string{"on": "healthy", "off": "stale-address"}},
		"the cloud":     {plain("redis-cloud", both), map[string]string{"on": "healthy", "off": "stale-address"}},
		"a failover":    {plain("failover", both), map[string]string{"on": "healthy", "off": "healthy"}},
		"a migration":   {plain("shard-migration", both), map[string]string{"on": "healthy", "off": "healthy"}},
		"a cluster":     {plain("oss-reshard", both), map[string]string{"on": "healthy", "off": "healthy"}},
		"a node leaves": {plain("oss-slot-remove", both), map[string]string{"on": "healthy", "off": "healthy"}},
		"unfollowed":    {plain("oss-slot-remove", []string{"on-noretry", "off-noretry"}), map[string]string{"on-noretry": "redirect-not-followed", "off-noretry": "redirect-not-followed"}},
		"an unread push": {func(t *testing.T) *bench {
			b := plain("oss-slot-remove-add", []string{"on-noretry", "off-noretry"})(t).sockets()
			b.config.Rounds = 2
			return b
		}, map[string]string{"on-noretry": "push-hid-close redirect-not-followed", "off-noretry": "redirect-not-followed"}},
		"an early record": {plain("endpoint-rebind", both, "dns_offset=4.4s"), map[string]string{"on": "healthy", "off": "healthy|handoffs-off"}},
		"in place":        {plain("in-place", both), map[string]string{"on": "in-place-disconnect", "off": "handoffs-off"}},
		"a restart":       {plain("proxy-restart", both), map[string]string{"on": "in-place-disconnect", "off": "handoffs-off"}},
		"one address":     {plain("privatelink", both), map[string]string{"on": "no-handoff-behind-one-address", "off": "handoffs-off"}},
		"a dead network":  {plain("network-failure", both), map[string]string{"on": "nothing-announced", "off": "handoffs-off"}},
		"several proxies": {plain("maintenance-mode-multi-proxy", both), map[string]string{"on": "healthy unannounced-disconnect|unannounced-disconnect", "off": "healthy|handoffs-off"}},
		"unreplicated":    {plain("version-upgrade-unreplicated", both), map[string]string{"on": "server-refused", "off": "server-refused"}},
		"switched off":    {support(func(s *sim.Support) { s.Disabled = true }, "auto"), map[string]string{"auto": "feature-off stale-address"}},
		"unsupported":     {support(func(s *sim.Support) { s.Unsupported = true }, "auto"), map[string]string{"auto": "server-version stale-address"}},
		"type refused":    {support(func(s *sim.Support) { s.RefuseTypes = []string{"internal-ip"} }, "auto"), map[string]string{"auto": "endpoint-type stale-address"}},
		"too short": {single("version-upgrade", []string{"on-noretry+read_timeout=1s+relaxed_timeout=3500ms", "off-noretry+read_timeout=1s"}, "failover_stall=4s", "failover_duration=5s"),
			map[string]string{"on-noretry+read_timeout=1s+relaxed_timeout=3500ms": "relaxed-too-short", "off-noretry+read_timeout=1s": "timeouts-unrelaxed"}},
		"long enough":            {single("version-upgrade", []string{"on-noretry", "off-noretry"}, "failover_stall=7s", "failover_duration=8s"), map[string]string{"on-noretry": "stall-waited", "off-noretry": "timeouts-unrelaxed"}},
		"too late for cold ones": {plain("version-upgrade", []string{"on-noretry"}, "failover_stall=7s", "failover_duration=8s"), map[string]string{"on-noretry": "notice-with-stall"}},
		"waited":                 {plain("failover", both, "failover_stall=3s", "failover_duration=4s"), map[string]string{"on": "stall-waited", "off": "stall-waited"}},
		"not relaxed":            {plain("version-upgrade", []string{"on-tight+max_retries=-1"}, "failover_stall=7s", "failover_duration=8s"), map[string]string{"on-tight+max_retries=-1": "relaxation-off"}},
		"with the stall":         {plain("version-upgrade", []string{"on-noretry"}, "announce_time=1ms", "failover_stall=7s", "failover_duration=8s"), map[string]string{"on-noretry": "notice-with-stall"}},
		"reconnect by name":      {single("endpoint-rebind", []string{"on-none"}), map[string]string{"on-none": "landed-on-leaving-node stale-address"}},
		"reconnect by record":    {single("endpoint-rebind", []string{"off-dns+conn_max_lifetime=6s+conn_max_lifetime_jitter=1s", "on"}), map[string]string{"off-dns+conn_max_lifetime=6s+conn_max_lifetime_jitter=1s": "landed-on-leaving-node stale-address", "on": "healthy"}},
		"subscribers in place":   {messages("in-place", workload.KindPubSub), map[string]string{"on": "in-place-disconnect receivers-not-covered", "off": "handoffs-off"}},
		"queues in place":        {messages("in-place", workload.KindQueue), map[string]string{"on": "in-place-disconnect receivers-not-covered", "off": "handoffs-off"}},
		"queues in peace":        {messages("none", workload.KindQueue), map[string]string{"on": "healthy", "off": "healthy"}},
		"cold connections": {func(t *testing.T) *bench {
			b := newUpgradeBench(t, "endpoint-rebind").use("on")
			b.config.Pools[0].Schedule.Rate = workload.Constant(0.3)
			return b
		}, map[string]string{"on": "healthy never-told"}},
		"handoffs refused": {func(t *testing.T) *bench { return newUpgradeBench(t, "endpoint-rebind").use("on").through(refused) },
			map[string]string{"on": "handoff-failed stale-address"}},
		"slow handoffs": {func(t *testing.T) *bench { return newUpgradeBench(t, "endpoint-rebind").use("on").through(slow) },
			map[string]string{"on": "overflow-dials"}},
		"slow handoffs, bounded": {func(t *testing.T) *bench {
			return newUpgradeBench(t, "endpoint-rebind").use("on+pool_size=8+max_active_conns=8").through(slow)
		}, map[string]string{"on+pool_size=8+max_active_conns=8": "pool-exhausted"}},
		"leaked": {func(t *testing.T) *bench {
			b := newUpgradeBench(t, "shard-migration").use("on").through(unending)
			b.config.Recovery = 30 * time.Second
			return b
		}, map[string]string{"on": "relaxation-leaked"}},
		"lost writes": {func(t *testing.T) *bench { return newUpgradeBench(t, "failover", "lost_writes=5").audit("INCR") },
			map[string]string{"on": "integrity", "off": "integrity"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ids, list := test.bench(t).explained(t.Context())
				for arm, want := range test.want {
					// How many connections are cold is chance where operations take no time.
					optional := func(id string) bool {
						return (id == "never-told" || id == "push-hid-close") && !strings.Contains(want, id)
					}
					if got := strings.Join(slices.DeleteFunc(ids[arm], optional), " "); !slices.Contains(strings.Split(want, "|"), got) {
						t.Errorf("arm %q: %s, want %s", arm, got, want)
					}
				}
				if len(ids) != len(test.want) || t.Failed() {
					for _, f := range list {
						t.Errorf("%+v", f)
					}
				}
			})
		})
	}
}
