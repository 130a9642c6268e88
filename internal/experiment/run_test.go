package experiment

import (
	"cmp"
	"context"
	"errors"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff"
	"schload/handoff/sim"
	"schload/handoff/upgrade"
	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/internal/memnet"
	"schload/internal/race"
	"schload/telemetry/mark"
	"schload/workload"
)

// bench is one run in virtual time: the simulator and the unmodified go-redis
// client on an in-memory network, within a bubble.
type bench struct {
	t       *testing.T
	config  Config
	network *memnet.Network
	sim     *sim.Simulator
	wrap    func(net.Conn) net.Conn // of every connection that is dialled; nil: none
}

// benchRate is how many operations a second a bench offers each arm: one every
// 10 ms, where the shortest gap that tests look for is of 100. More would only
// take longer, and under the race detector every operation takes its time.
const benchRate = 100

// newBench returns a bench for the arms on and off and the named upgrade. It
// must be called within a bubble.
func newBench(t *testing.T, name string, settings ...string) *bench {
	t.Helper()
	return newBenchWith(t, sim.Config{}, name, settings...)
}

// newBenchWith is newBench on a database that differs from the default.
func newBenchWith(t *testing.T, database sim.Config, name string, settings ...string) *bench {
	t.Helper()
	if name == "none" && len(settings) == 0 {
		settings = []string{"quiet_time=10s"} // of 30 s, in which nothing happens either
	}
	u, err := upgrade.Load(name)
	if err == nil {
		u, err = u.Set(settings)
	}
	if err != nil {
		t.Fatal(err)
	}
	if race.Enabled && moves(u) {
		t.Skip("go-redis 9.23 itself races while it hands a connection over")
	}
	b := &bench{t: t, network: memnet.New()}
	base, timeline := time.Now(), &Timeline{}
	database.OSSCluster, database.Port, database.Base = u.Database == upgrade.OSSCluster, 12000, base
	database.Marks, database.Listen, database.Seed = timeline.Mark, b.network.Listen, max(1, database.Seed)
	b.sim, err = sim.Start(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.sim.Close() })
	mix, err := workload.ParseMix("GET=0.8,SET=0.2")
	if err != nil {
		t.Fatal(err)
	}
	pool := workload.Pool{Name: "main", Workers: 8, Mix: mix, Seed: 1, Schedule: workload.Schedule{Rate: workload.Constant(benchRate), Seed: 1}}
	b.config = Config{
		Base: base, Timeline: timeline, Arms: arms(t, "on", "off"), Pools: []workload.Pool{pool.WithDefaults()},
		Upgrade: u, Stage: b.sim, Seed: 1, Speed: 1, Rounds: 1,
		Warmup: time.Second, Baseline: 2 * time.Second, Recovery: 5 * time.Second,
		LateAfter: 100 * time.Millisecond, OutageAfter: 500 * time.Millisecond,
		Open: b.open, Dir: t.TempDir(), Describe: bundle.Run{ID: "test", Started: base},
		Pacer: func(base time.Time) (workload.Pacer, error) { return workload.NewTimerPacer(base), nil },
	}
	for _, a := range b.config.Arms {
		b.config.Describe.Arms = append(b.config.Describe.Arms, bundle.Arm{Name: a.Name, Requested: a.Mode})
	}
	b.config.Describe.Pools = []bundle.Pool{{Name: "main", Operations: []string{"GET", "SET"}}}
	return b
}

// moves says whether the upgrade announces a move to the client.
func moves(u upgrade.Upgrade) bool {
	return slices.ContainsFunc(u.Steps, func(s upgrade.Step) bool { return s.Notice == "MOVING" })
}

func arms(t *testing.T, names ...string) []handoff.Arm {
	t.Helper()
	var arms []handoff.Arm
	for _, name := range names {
		a, err := handoff.ParseArm(name)
		if err != nil {
			t.Fatal(err)
		}
		arms = append(arms, a)
	}
	return arms
}

// open opens a client that resolves through the simulator's records.
func (b *bench) open(ctx context.Context, a handoff.Arm, marks mark.Sink) (*handoff.Client, error) {
	target, err := handoff.ParseTarget("redis://" + b.sim.Seed())
	if err != nil {
		return nil, err
	}
	if a.Mode != handoff.Raw && a.EndpointType != handoff.NoEndpoint {
		a.EndpointType = handoff.InternalIP
	}
	return handoff.Open(ctx, handoff.Config{Arm: a, Target: target, Cluster: b.config.Upgrade.Database == upgrade.OSSCluster,
		Workers: b.connections(), Base: b.config.Base, Marks: marks, Dial: b.dial})
}

// connections is how many an arm may use at once.
func (b *bench) connections() (n int) {
	for _, p := range b.config.Pools {
		n += p.Connections()
	}
	return n
}

// dial resolves through the simulator's records.
func (b *bench) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	addrs, err := b.sim.LookupHost(ctx, host)
	if err != nil {
		addrs = []string{host}
	}
	var conn net.Conn
	for _, addr := range addrs { // as net.Dialer does
		if conn, err = b.network.Dial(ctx, network, net.JoinHostPort(addr, port)); err == nil {
			break
		}
	}
	if err == nil && b.wrap != nil {
		conn = b.wrap(conn)
	}
	return conn, err
}

// run runs and returns the summary of the bundle it left.
func (b *bench) run(ctx context.Context) (Result, compare.Summary) {
	b.t.Helper()
	d := &b.config.Describe
	d.Rounds, d.Stage = b.config.Rounds, cmp.Or(d.Stage, "sim")
	if b.config.Auto.Enough != nil {
		d.Rounds = 0
	}
	d.LateAfter, d.OutageAfter = bundle.Seconds(b.config.LateAfter), bundle.Seconds(b.config.OutageAfter)
	d.Upgrade = bundle.Upgrade{Name: b.config.Upgrade.Name, Title: b.config.Upgrade.Title, SCHSupport: string(b.config.Upgrade.SCH), Documented: b.config.Upgrade.Documented, Assumptions: b.config.Upgrade.Assumptions()}
	result, err := Run(ctx, b.config)
	if err != nil {
		b.sim.Close()
		time.Sleep(time.Minute) // as below
		b.t.Fatal(err)
	}
	if err := b.sim.Close(); err != nil {
		b.t.Error(err)
	}
	time.Sleep(time.Minute) // go-redis leaves dials behind that end by themselves
	s, err := compare.Save(result.Dir)
	if err != nil {
		b.t.Fatal(err)
	}
	return result, s
}

func arm2(t *testing.T, s compare.Summary, name string) compare.Arm {
	t.Helper()
	a, ok := s.Arm(name)
	if !ok {
		t.Fatalf("no arm %q in the summary", name)
	}
	return a
}

// The product's promise: the endpoint moves; with handoffs no operation fails,
// without them the application sits out the gap. Forty virtual seconds of the
// real client on the real simulator.
func TestHandoffsTakeTheOutageAway(t *testing.T) {
	started := time.Now()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "endpoint-rebind")
		result, s := b.run(t.Context())
		if len(result.Invalid) > 0 || !s.Valid || !s.Complete {
			t.Errorf("invalid: %q, %q, complete %v", result.Invalid, s.InvalidReasons, s.Complete)
		}
		on, off := arm2(t, s, "on"), arm2(t, s, "off")
		if on.Operations.Failed != 0 || on.Operations.Missed != 0 || on.Outage.Windows != 0 {
			t.Errorf("on: %+v, errors %v, outage %+v: want none", on.Operations, on.Errors, on.Outage)
		}
		if off.Operations.Failed == 0 {
			t.Errorf("off: no failure in a gap of 3 s: %+v", off.Operations)
		}
		if longest := time.Duration(off.Outage.Longest); longest < 2900*time.Millisecond || longest > 5*time.Second {
			t.Errorf("off: longest outage %v, want the gap of 3 s and the client's way back", longest)
		}
		if on.Operations.Due != off.Operations.Due {
			t.Errorf("on had %d operations due, off %d: both follow one schedule", on.Operations.Due, off.Operations.Due)
		}
		// How many connections learn of the move depends on how many are used:
		// in virtual time an operation takes none, and one may serve them all.
		if h := on.Handoffs; h.Succeeded == 0 || h.Failed != 0 || h.Succeeded > on.Notices["MOVING"] || off.Notices["MOVING"] != 0 {
			t.Errorf("handoffs %+v, notices on %v, off %v: want handoffs on, nothing off", on.Handoffs, on.Notices, off.Notices)
		}
		if off.Connections.ClosedByServer == 0 {
			t.Error("off: the server closed no connection")
		}
		if on.SCH.Effective != "on" || off.SCH.Effective != "off" || off.SCH.OptedIn != 0 {
			t.Errorf("arms are not what they claim: %+v, %+v", on.SCH, off.SCH)
		}
	})
	t.Logf("took %v of real time", time.Since(started))
}

// With a record that moves before the close, the difference shrinks to what
// retries and redials hide; nothing fails in either arm, and the tool says so.
func TestEarlyRecordLeavesRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, s := newBench(t, "endpoint-rebind", "dns_offset=4.4s").run(t.Context())
		on, off := arm2(t, s, "on"), arm2(t, s, "off")
		if on.Operations.Failed+off.Operations.Failed != 0 || off.Outage.Windows != 0 {
			t.Errorf("on %+v, off %+v: want no failure", on.Operations, off.Operations)
		}
		if off.Connections.Dials == 0 || off.Connections.ClosedByServer == 0 {
			t.Errorf("off: %+v: want its connections closed and dialled anew", off.Connections)
		}
	})
}

// Handoffs do not prevent the disconnects of an in-place upgrade, nor help at
// all when a proxy restarts without notice.
func TestHandoffsDoNotHelpEverywhere(t *testing.T) {
	for _, name := range []string{"in-place", "proxy-restart"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, s := newBench(t, name).run(t.Context())
				on, off := arm2(t, s, "on"), arm2(t, s, "off")
				if on.Outage.Windows == 0 || on.Connections.ClosedByServer == 0 {
					t.Errorf("on: outage %+v, connections %+v: want both", on.Outage, on.Connections)
				}
				if ratio := time.Duration(on.Outage.Longest).Seconds() / time.Duration(off.Outage.Longest).Seconds(); ratio < 0.8 || ratio > 1.25 {
					t.Errorf("longest outage on %v, off %v: want them alike", on.Outage.Longest, off.Outage.Longest)
				}
				if on.Handoffs.Succeeded != 0 {
					t.Errorf("%d handoffs without MOVING", on.Handoffs.Succeeded)
				}
			})
		})
	}
}

// On against on shows no difference in what is counted.
func TestOnAgainstOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "endpoint-rebind")
		b.config.Arms = arms(t, "on", "on+name=again")
		b.config.Describe.Arms = []bundle.Arm{{Name: "on", Requested: "on"}, {Name: "again", Requested: "on"}}
		_, s := b.run(t.Context())
		one, two := arm2(t, s, "on"), arm2(t, s, "again")
		if one.Operations != two.Operations {
			t.Errorf("one %+v, the other %+v", one.Operations, two.Operations)
		}
	})
}

// Several rounds: the endpoint moves on each time, and every operation is
// counted once.
func TestRounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "endpoint-rebind")
		b.config.Rounds, b.config.Speed = 3, 2
		_, s := b.run(t.Context())
		on, off := arm2(t, s, "on"), arm2(t, s, "off")
		if on.Handoffs.Succeeded < 3 || on.Operations.Failed != 0 {
			t.Errorf("on: %+v, %+v: want a handoff or more in each round, and no failure", on.Handoffs, on.Operations)
		}
		if off.Outage.Windows != 3 {
			t.Errorf("off: %d outages in 3 rounds", off.Outage.Windows)
		}
	})
}

// An interrupt in mid-maintenance keeps the law and what was recorded.
func TestInterrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "endpoint-rebind")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(25*time.Second, func() { cancel(errors.New("interrupted")) }) // in the gap: off has an outage
		result, s := b.run(ctx)
		if !result.Interrupted || len(result.Invalid) > 0 {
			t.Errorf("interrupted %v, invalid %q", result.Interrupted, result.Invalid)
		}
		for _, a := range s.Arms {
			if o := a.Operations; o.Due == 0 || o.Due != o.OK+o.Failed+o.Missed {
				t.Errorf("%s: %+v", a.Name, o)
			}
		}
	})
}

// Nothing is left of a run that cannot start.
func TestNothingIsLeftOfARunThatCannotStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "none")
		b.sim.Close()
		b.config.Dir += "/sub"
		if _, err := Run(t.Context(), b.config); err == nil {
			t.Fatal("a run without a server began")
		}
		if _, err := bundle.Open(b.config.Dir); err == nil {
			t.Error("it left a bundle")
		}
	})
}
