package experiment

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff/sim"
	"schload/handoff/upgrade"
	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/internal/recount"
	"schload/telemetry/mark"
	"schload/telemetry/record"
	"schload/workload"
)

var (
	seeds = flag.Int("seeds", 200, "runs of TestSeeds; 20 with -short")
	seed  = flag.Uint64("seed", 0, "the only seed of TestSeeds")
)

// few is how many seeds a test of several runs plays: one with -short, as under
// the race detector, which makes a run twenty times as long.
func few(n uint64) uint64 {
	if testing.Short() {
		return 1
	}
	return n
}

// The whole of schload over the whole catalog, drawn from a seed: arms, pools,
// rates, pipelines, rounds, speed, parameters, faults and losses. The
// simulator, the unmodified client, engine, recorder and bundle take part;
// whatever was drawn, the laws hold. That all goroutines end is the bubble's to
// prove.
func TestSeeds(t *testing.T) {
	first, n := uint64(1), *seeds
	switch {
	case *seed > 0:
		first, n = *seed, 1
	case testing.Short():
		n = min(n, 20)
	}
	for s := first; s < first+uint64(n); s++ {
		t.Run(fmt.Sprint(s), func(t *testing.T) {
			t.Parallel()
			defer func() {
				if t.Failed() {
					t.Logf("repeat it: go test ./internal/experiment -run TestSeeds -seed %d", s)
				}
			}()
			synctest.Test(t, func(t *testing.T) { newTrial(t, s).hold() })
		})
	}
}

// The same seed offers the same operations at the same instants, whatever
// becomes of them: how many fall due in each pool and phase, and when after
// their warm-up the phases begin. (Which goroutine comes first is not promised,
// and with it neither who fails nor what is dialled, nor how long a turn takes
// to drain before the next one warms up.)
func TestSeedsRepeat(t *testing.T) {
	for s := range few(8) {
		var offers [2]string
		for i := range offers {
			synctest.Test(t, func(t *testing.T) {
				x := newTrial(t, s)
				result, s := x.run(t.Context())
				offers[i] = x.offer(result.Dir, s)
			})
		}
		if offers[0] != offers[1] {
			t.Errorf("seed %d offered\n%s\nand then\n%s", s, offers[0], offers[1])
		}
	}
}

// trial is a bench drawn from a seed.
type trial struct {
	*bench
	seed     uint64
	draw     *rand.Rand
	rounds   int
	speed    float64
	settings []string
	faults   sim.Faults
	messages workload.Kind // of a pool that delivers them; commands: there is none
	audit    bool          // everything is in the ledger, and losses are found one by one
}

func newTrial(t *testing.T, seed uint64) *trial {
	x := &trial{seed: seed, draw: rand.New(rand.NewPCG(seed, 0x5eed))}
	names := upgrade.Names()
	u, err := upgrade.Load(names[x.draw.IntN(len(names))])
	if err != nil {
		t.Fatal(err)
	}
	x.rounds, x.speed = pick(x, 1, 1, 2), pick(x, 1.0, 3, 10, 30)
	if plan, err := u.Plan(seed, 1); err == nil && plan.Length > time.Minute {
		x.speed = max(x.speed, 5) // minutes of virtual time are seconds of reading bundles
	}
	x.drawSettings(u)
	x.faults = sim.Faults{ReadOnly: x.chance(0.1)}
	if u.Database == upgrade.OSSCluster {
		x.faults.Ask, x.faults.ClusterDown = x.chance(0.2), x.chance(0.1)
	}
	x.bench = newBenchWith(t, sim.Config{Faults: x.faults, Seed: seed}, u.Name, x.settings...)
	x.drawRun()
	x.drawMessages()
	x.drawArms()
	x.drawPools()
	x.drawTurns()
	return x
}

// drawTurns has the arms of every fifth run take turns.
func (x *trial) drawTurns() {
	if x.chance(0.2) {
		x.config.Sequential, x.config.Describe.Order = true, bundle.OrderSequential
	}
}

func (x *trial) chance(p float64) bool { return x.draw.Float64() < p }

func pick[T any](x *trial, from ...T) T { return from[x.draw.IntN(len(from))] }

// between draws a duration.
func (x *trial) between(from, to time.Duration) time.Duration {
	return from + time.Duration(x.draw.Int64N(int64(to-from)))
}

// drawSettings plays some parameters over all that their source vouches for.
// Values that do not go together are left at their defaults.
func (x *trial) drawSettings(u upgrade.Upgrade) {
	for _, p := range u.Parameters {
		setting := p.Name + "=" + p.Known
		switch {
		case p.Name == "lost_writes" && x.chance(0.7):
			x.audit = true
			setting = fmt.Sprintf("lost_writes=%d", 1+x.draw.IntN(20))
		case p.Known == "" || x.chance(0.7):
			continue
		}
		if more := append(slices.Clone(x.settings), setting); x.playable(u, more) {
			x.settings = more
		}
	}
}

func (x *trial) playable(u upgrade.Upgrade, settings []string) bool {
	u, err := u.Set(settings)
	for round := 0; err == nil && round < x.rounds; round++ {
		_, err = u.Plan(x.seed+uint64(round), x.speed)
	}
	return err == nil
}

func (x *trial) drawRun() {
	c := &x.config
	c.Seed, c.Rounds, c.Speed = x.seed, x.rounds, x.speed
	c.Warmup, c.Baseline, c.Recovery = x.between(300*time.Millisecond, 2*time.Second), x.between(500*time.Millisecond, 3*time.Second), x.between(time.Second, 5*time.Second)
	c.Interval = pick(x, time.Second, 2*time.Second)
	c.LateAfter, c.OutageAfter = pick(x, 50*time.Millisecond, 100*time.Millisecond), pick(x, 100*time.Millisecond, 500*time.Millisecond, time.Second)
}

// drawArms keeps on and off, whose difference is a law of its own.
func (x *trial) drawArms() {
	names := []string{"on", "off"}
	more := []string{"on-noretry", "off-noretry", "auto", "on-none", "on-tight", "off-relaxed", "off-dns", "on+name=roomy+pool_size=40", "off-noretry+name=hasty+read_timeout=300ms"}
	if x.config.Upgrade.Database != upgrade.OSSCluster {
		more = append(more, "off-resp2")
	}
	if x.config.Upgrade.Database != upgrade.OSSCluster && x.messages == workload.KindCommands {
		more = append(more, "raw")
	}
	if x.chance(0.6) {
		names = append(names, pick(x, more...))
	}
	x.use(names...)
}

// drawPools makes one pool or two. Each connection is loaded: go-redis learns
// of a move on those it uses only (METHODOLOGY.md, Connections).
func (x *trial) drawPools() {
	mixes := []string{"GET=0.8,SET=0.2", "SET", "GET=1,SET=1,INCR=1,EXISTS=1"}
	if !x.audit {
		mixes = append(mixes, "GET=4,SET=2,DEL=1,EXPIRE=1", "HSET=1,HGET=1,LPUSH=1,RPOP=1,SADD=1,ZADD=1,PING=1,ECHO=1")
	}
	x.config.Ledger = pick(x, 0, 1.0/16, 1)
	if x.audit {
		x.config.Ledger = 1
	}
	base := x.config.Pools[0]
	x.config.Pools, x.config.Describe.Pools = nil, nil
	for i := range 1 + x.draw.IntN(2) {
		mix, err := workload.ParseMix(pick(x, mixes...))
		if err != nil {
			x.t.Fatal(err)
		}
		p := base
		p.Name, p.Mix, p.Seed = fmt.Sprintf("pool%d", i), mix, x.seed+uint64(i)
		p.Workers, p.Pipeline = 1+x.draw.IntN(4), pick(x, 1, 1, 1, 4)
		p.Keys.Space, p.Overload = pick(x, 50, 500), pick(x, workload.Queue, workload.Queue, workload.Drop)
		p.Schedule = workload.Schedule{Rate: workload.Constant(float64(20 + x.draw.IntN(60))), Seed: x.seed + uint64(i), Arrival: pick(x, workload.ConstantArrival, workload.PoissonArrival)}
		x.config.Pools = append(x.config.Pools, p)
		x.config.Describe.Pools = append(x.config.Describe.Pools, bundle.Pool{Name: p.Name, Operations: mix.Commands(), Arrival: p.Schedule.Arrival.String()})
	}
	x.addMessages()
}

// drawMessages decides on a pool that delivers messages. Where losses are
// found one by one there is none, for a lost message is no lost write.
func (x *trial) drawMessages() {
	kinds := []workload.Kind{workload.KindPubSub, workload.KindQueue, workload.KindStream, workload.KindConsumerGroup}
	if x.config.Upgrade.Database == upgrade.OSSCluster {
		kinds = []workload.Kind{workload.KindShardedPubSub}
	}
	if x.chance(0.15) && !x.audit {
		x.messages = pick(x, kinds...)
	}
}

// addMessages makes it.
func (x *trial) addMessages() {
	if x.messages == workload.KindCommands {
		return
	}
	p := workload.Pool{Name: "news", Kind: x.messages, Workers: 2, Seed: x.seed, Schedule: workload.Schedule{Rate: workload.Constant(20), Seed: x.seed}}.WithDefaults()
	x.config.Pools = append(x.config.Pools, p)
	x.config.Describe.Pools = append(x.config.Describe.Pools, bundle.Pool{Name: p.Name, Kind: p.Kind.String(), Receivers: p.Receivers, Operations: p.Mix.Commands()})
}

func (x *trial) String() string {
	c := x.config
	var pools, arms []string
	for _, p := range c.Pools {
		pools = append(pools, fmt.Sprintf("%d workers, pipelines of %d, %v, %v", p.Workers, p.Pipeline, p.Mix.Commands(), p.Overload))
	}
	for _, a := range c.Arms {
		arms = append(arms, a.Name)
	}
	return fmt.Sprintf("%s %v x%v, turns %v, %d rounds, faults %+v, ledger %v, arms %v, pools %v", c.Upgrade.Name, x.settings, c.Speed, c.Sequential, c.Rounds, x.faults, c.Ledger, arms, pools)
}

// hold runs and holds the laws.
func (x *trial) hold() {
	started := time.Now()
	if testing.Verbose() {
		x.t.Log(x)
	}
	result, s := x.run(x.t.Context())
	if len(result.Invalid) > 0 || !s.Valid || !s.Complete {
		x.t.Errorf("valid %v, complete %v: %q %q", s.Valid, s.Complete, result.Invalid, s.InvalidReasons)
	}
	x.conserved(s)
	x.recounted(result.Dir)
	x.helped(s)
	x.kept(result.Dir, s)
	if x.t.Failed() {
		x.t.Logf("%v, %v of virtual time", x, time.Since(started))
		for _, a := range s.Arms {
			x.t.Log(append([]any{a.Name, a.SCH}, describe(a)...)...)
		}
	}
}

// Law: due = ok + failed + missed in each pool and phase of each arm, and the
// arms have the same due.
func (x *trial) conserved(s compare.Summary) {
	for _, a := range s.Arms {
		if a.Operations.Due == 0 {
			x.t.Errorf("arm %s: nothing was due", a.Name)
		}
		for i, p := range a.Pools {
			other := phasesOf(s.Arms[0].Pools[i])
			for j, o := range phasesOf(p) {
				if o.Due != o.OK+o.Failed+o.Missed || o.Due != other[j].Due {
					x.t.Errorf("arm %s, pool %s, phase %d: %+v; arm %s had %d due", a.Name, p.Name, j, o, s.Arms[0].Name, other[j].Due)
				}
			}
		}
	}
}

func phasesOf(p compare.Pool) [3]compare.Operations {
	return [3]compare.Operations{p.Phases.Baseline.Operations, p.Phases.Maintenance.Operations, p.Phases.Recovery.Operations}
}

// Law: the stored summary is what its files give, counted by others, and (of
// every fourth, for it takes long) by the same once more.
func (x *trial) recounted(dir string) {
	if x.seed%4 == 0 {
		x.again(dir)
	}
	differences, err := recount.Differences(dir)
	if err != nil {
		x.t.Fatal(err)
	}
	for _, d := range differences {
		x.t.Error(d)
	}
}

func (x *trial) again(dir string) {
	path := filepath.Join(dir, "summary.json")
	before, err := os.ReadFile(path)
	if err != nil {
		x.t.Fatal(err)
	}
	if _, err := compare.Save(dir); err != nil {
		x.t.Fatal(err)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		x.t.Errorf("a summary computed again is another one: %v", err)
	}
}

// Law: where the documentation promises full support, on fails and misses no
// more than off, and is out for no longer. Left out are faults of the simulator,
// which nobody promised anything about, and pools that drop: whether a worker is
// free after a stall that came to both is chance. Outages may differ by what
// lies between two operations.
func (x *trial) helped(s compare.Summary) {
	drops := slices.ContainsFunc(x.config.Pools, func(p workload.Pool) bool { return p.Overload == workload.Drop })
	if x.config.Upgrade.SCH != upgrade.Full || x.faults != (sim.Faults{}) || drops {
		return
	}
	on, off := arm2(x.t, s, "on"), arm2(x.t, s, "off")
	if missing(on) > missing(off) {
		x.t.Errorf("on lost %d operations, off %d", missing(on), missing(off))
	}
	if more := on.Outage.Longest - off.Outage.Longest; time.Duration(more) > 250*time.Millisecond {
		x.t.Errorf("on was out for %v, off for %v", time.Duration(on.Outage.Longest), time.Duration(off.Outage.Longest))
	}
}

// Law: nothing is found that was not lost, and all that was; no reply is wrong,
// and none crossed where no connection was handed over.
func (x *trial) kept(dir string, s compare.Summary) {
	found := uint64(0)
	for _, a := range s.Arms {
		i := a.Integrity
		if found += i.LostAcknowledgedWrites; i.LostAcknowledgedWrites > 0 {
			i.Linearizable.Violations = 0 // the history of a key that lost a write has no order
		}
		i.LostAcknowledgedWrites = 0
		if i.Violated() || a.WrongReplies > 0 || a.CrossedReplies > 0 && a.Handoffs.Started == 0 {
			x.t.Errorf("arm %s: %+v, %d wrong replies, %d crossed", a.Name, i, a.WrongReplies, a.CrossedReplies)
		}
		if x.config.Ledger > 0 && i.Checked() == 0 && slices.ContainsFunc(x.config.Pools, judgeable) {
			x.t.Errorf("arm %s: the ledger saw nothing", a.Name)
		}
		if a.CrossedReplies > 0 {
			x.t.Logf("arm %s: %d crossed replies (docs/FINDINGS.md)", a.Name, a.CrossedReplies)
		}
	}
	if lost := x.lost(dir); found != lost {
		x.t.Errorf("%d acknowledged writes were lost, %d found", lost, found)
	}
}

// judgeable says whether a ledger can judge a pool's operations.
func judgeable(p workload.Pool) bool { return slices.Contains(p.Mix.Commands(), "SET") }

// lost is how many writes the simulator says it lost.
func (x *trial) lost(dir string) (sum uint64) {
	b, err := bundle.Open(dir)
	if err != nil {
		x.t.Fatal(err)
	}
	for m, err := range b.Marks() {
		if err != nil {
			x.t.Fatal(err)
		}
		var n uint64
		if m.Kind == mark.Step && m.Name == string(upgrade.Lose) {
			if _, err := fmt.Sscanf(m.Detail, "the replica had not got the last %d writes", &n); err != nil {
				x.t.Errorf("mark %+v: %v", m, err)
			}
			sum += n
		}
	}
	return sum
}

// offer says what was offered, and when.
func (x *trial) offer(dir string, s compare.Summary) string {
	var lines []string
	for _, a := range s.Arms {
		for _, p := range a.Pools {
			due := phasesOf(p)
			lines = append(lines, fmt.Sprintf("%s %s: %d, %d, %d", a.Name, p.Name, due[0].Due, due[1].Due, due[2].Due))
		}
	}
	var warmup time.Duration
	for _, m := range phases(x.t, dir) {
		if m.Name == record.Warmup.String() {
			warmup = time.Duration(m.At)
		}
		lines = append(lines, fmt.Sprintf("%s %v after its warm-up", m.Name, time.Duration(m.At)-warmup))
	}
	return strings.Join(lines, "\n")
}

// missing is how many operations did not succeed.
func missing(a compare.Arm) uint64 { return a.Operations.Failed + a.Operations.Missed }
