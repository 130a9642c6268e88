package experiment

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff"
	"schload/handoff/upgrade"
	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/profiles"
	"schload/telemetry/mark"
	"schload/workload"
)

// load replaces the pools.
func (b *bench) load(pools ...workload.Pool) *bench {
	b.config.Pools, b.config.Describe.Pools = nil, nil
	for _, p := range pools {
		b.config.Pools = append(b.config.Pools, p.WithDefaults())
		b.config.Describe.Pools = append(b.config.Describe.Pools, bundle.Pool{Name: p.Name, Kind: p.Kind.String(), Receivers: p.Receivers, Operations: p.Mix.Commands()})
	}
	return b
}

// everything is a mix of all commands but some.
func everything(but ...string) (m workload.Mix) {
	for _, name := range workload.Commands() {
		leave := false
		for _, other := range but {
			leave = leave || name == other
		}
		if !leave {
			m = append(m, workload.Weight{Command: name, Weight: 1})
		}
	}
	return m
}

func wantExact(t *testing.T, result Result, s compare.Summary) {
	t.Helper()
	if len(result.Invalid) > 0 || !s.Valid || !s.Complete {
		t.Errorf("invalid: %q, %q, complete %v", result.Invalid, s.InvalidReasons, s.Complete)
	}
	for _, a := range s.Arms {
		if o := a.Operations; o.Due == 0 || o.Due != o.OK+o.Failed+o.Missed {
			t.Errorf("%s: %+v", a.Name, o)
		}
		if n := a.Errors["wrong_reply"] + a.Errors["crossed_reply"] + a.Errors["server_error"] + a.Errors["other"] + a.Errors["conflict"]; n > 0 {
			t.Errorf("%s: errors %v: want none that is not the network's", a.Name, a.Errors)
		}
	}
}

// Every embedded profile with its own pools, while the endpoint moves: each
// operation is accounted for, with handoffs none fails.
func TestProfiles(t *testing.T) {
	for _, name := range profiles.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, err := profiles.Load(name)
				if err != nil {
					t.Fatal(err)
				}
				p = p.WithDefaults()
				if u, err := p.LoadUpgrade(); err != nil || u.Database == upgrade.OSSCluster {
					t.Skipf("the profile is for a cluster (%v)", err)
				}
				pools, err := p.Workload()
				if err != nil {
					t.Fatal(err)
				}
				for i := range pools {
					if s := &pools[i].Schedule; s.Arrival == workload.ClosedLoop { // virtual time would not pass
						s.Arrival, s.Rate = workload.ConstantArrival, workload.Constant(200)
					}
				}
				b := newBench(t, "endpoint-rebind").load(pools...)
				b.config.Speed, b.config.Ledger = 4, 1.0/16
				b.config.Open = func(ctx context.Context, a handoff.Arm, marks mark.Sink) (*handoff.Client, error) {
					target, _ := handoff.ParseTarget("redis://" + b.sim.Addr())
					a.EndpointType = handoff.InternalIP
					return handoff.Open(ctx, handoff.Config{Arm: a, Target: target, Workers: p.Workers(), Base: b.config.Base, Marks: marks, Dial: b.dial})
				}
				result, s := b.run(t.Context())
				wantExact(t, result, s)
				if on := arm2(t, s, "on"); on.Operations.Failed+on.Operations.Missed != 0 {
					t.Error(append([]any{"on: want no failure"}, describe(on)...)...)
				}
			})
		})
	}
}

// All commands on a cluster whose slots move: keys that are used together stay
// together, and what is redirected is followed.
func TestCommandsOnCluster(t *testing.T) {
	for _, name := range []string{"oss-reshard", "oss-slot-shuffle"} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "oss-reshard" {
				t.Skip("takes half a minute under the race detector")
			}
			synctest.Test(t, func(t *testing.T) {
				steady := workload.Schedule{Rate: workload.Constant(50), Seed: 1}
				few := workload.Keys{Space: 200}
				b := newUpgradeBench(t, name).load(
					workload.Pool{Name: "single", Workers: 4, Keys: few, Mix: everything(), Schedule: steady, Seed: 1},
					workload.Pool{Name: "pipeline", Workers: 4, Keys: few, Pipeline: 8, Mix: everything("MULTI"), Schedule: steady, Seed: 2})
				b.config.Recovery = 2 * time.Minute // see TestOSSCluster
				result, s := b.run(t.Context())
				wantExact(t, result, s)
				for _, a := range s.Arms {
					// The library does not follow what EXEC is answered with: the slot
					// had moved since WATCH.
					if a.Operations.OK+a.Errors["redirect"] != a.Operations.Due {
						t.Error(append([]any{a.Name, "want no failure"}, describe(a)...)...)
					}
				}
			})
		})
	}
}

// gate lets writes through only while it is open.
type gate struct {
	net.Conn
	shut *atomic.Bool
}

func (g gate) Write(p []byte) (int, error) {
	if g.shut.Load() {
		return len(p), nil
	}
	return g.Conn.Write(p)
}

// withCanary is a bench with a canary, and a gate before the connections of the
// main pool's client or before the canary's.
func withCanary(t *testing.T, gated bool) (b *bench, shut *atomic.Bool) {
	b, shut = newBench(t, "none"), new(atomic.Bool)
	b.use("off-noretry+read_timeout=300ms")
	main := b.config.Pools[0]
	mix, _ := workload.ParseMix("PING")
	b.load(main, workload.Pool{Name: "canary", Kind: workload.KindCanary, Workers: 1, Mix: mix, Schedule: workload.Schedule{Rate: workload.Constant(10)}})
	opened := 0
	b.config.Open = func(ctx context.Context, a handoff.Arm, marks mark.Sink) (*handoff.Client, error) {
		target, _ := handoff.ParseTarget("redis://" + b.sim.Addr())
		canary := opened == 1
		opened++
		dial := func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := b.dial(ctx, network, address)
			if err == nil && canary == gated {
				return gate{c, shut}, nil
			}
			return c, err
		}
		a.EndpointType = handoff.InternalIP
		return handoff.Open(ctx, handoff.Config{Arm: a, Target: target, Workers: 8, Base: b.config.Base, Marks: marks, Dial: dial})
	}
	return b, shut
}

// A canary that gets through does not end the outage of the others, and one
// that does not makes none; its connections are not the arm's.
func TestCanary(t *testing.T) {
	for gated, want := range map[bool]uint64{false: 1, true: 0} {
		synctest.Test(t, func(t *testing.T) {
			b, shut := withCanary(t, gated)
			time.AfterFunc(2*time.Second, func() { shut.Store(true) })
			time.AfterFunc(4*time.Second, func() { shut.Store(false) })
			result, s := b.run(t.Context())
			if len(result.Invalid) > 0 {
				t.Errorf("invalid: %q", result.Invalid)
			}
			a := s.Arms[0]
			if a.Outage.Windows != want {
				t.Errorf("canary gated %v: outage %+v, want %d", gated, a.Outage, want)
			}
			if a.Operations.Failed == 0 || a.Operations.Due != a.Operations.OK+a.Operations.Failed+a.Operations.Missed {
				t.Errorf("canary gated %v: %+v", gated, a.Operations)
			}
			if gated && (a.Connections.Dials != 0 || a.Operations.Failed > 10) {
				t.Errorf("%d dials, %d failed: want none of the arm's, and few of the canary's", a.Connections.Dials, a.Operations.Failed)
			}
			if a.SCH.Connections < 8 || gated && a.SCH.Connections != 8 {
				t.Errorf("canary gated %v: %d connections were proved, want those of the arm's own client", gated, a.SCH.Connections)
			}
		})
	}
}

// Canaries alone load nothing.
func TestCanaryAlone(t *testing.T) {
	c := Config{Arms: arms(t, "off"), Pools: []workload.Pool{{Name: "canary", Kind: workload.KindCanary}}, Rounds: 1}
	if err := c.validate(); err == nil {
		t.Error("a run of canaries alone began")
	}
}
