package calibrate

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"schload/handoff"
	"schload/handoff/sim"
	"schload/handoff/stage"
	"schload/handoff/upgrade"
	"schload/internal/bundle"
	"schload/internal/experiment"
	"schload/telemetry/mark"
	"schload/workload"
)

// trial is a whole run, with real clients and the simulator on loopback.
type trial struct {
	name     string
	arms     []string
	upgrade  string // played by the simulator; "" none
	set      []string
	rate     float64
	workers  int
	rounds   int
	warmup   time.Duration
	baseline time.Duration
	recovery time.Duration
	ledger   float64
	keys     int // of each type
	inject   []sim.Injection
	mix      string
	messages float64 // a second, published beside the operations to two subscribers; 0: none
}

// experimented is a trial's bundle, read again.
type experimented struct {
	played
	name     string
	late     time.Duration // the witness's, at p99
	injected sim.Injected  // what the simulator did
}

// newsPool publishes the messages of a trial.
const (
	newsPool    = "news"
	subscribers = 2
)

// try makes a trial.
func (b *bench) try(ctx context.Context, t trial) (experimented, error) {
	e := experimented{name: t.name}
	base, timeline := time.Now(), &experiment.Timeline{}
	s, err := sim.Start(ctx, sim.Config{Base: base, Marks: timeline.Mark, Seed: b.seed, Listen: b.listen})
	if err != nil {
		return e, err
	}
	defer s.Close()
	c, err := b.experiment(t, s, base)
	if err != nil {
		return e, err
	}
	c.Timeline, c.Dir = timeline, b.bundleDir(t.name)
	if err := s.Inject(t.inject...); err != nil {
		return e, err
	}
	w := watch(beat)
	r, err := experiment.Run(ctx, c)
	e.late = w.end().Quantile(0.99)
	if err == nil && r.Interrupted {
		err = context.Cause(ctx)
	}
	if err != nil {
		return e, fmt.Errorf("%s: %w", t.name, err)
	}
	if e.played, err = open(r.Dir); err != nil {
		return e, err
	}
	e.injected = s.Injected()
	b.runs = append(b.runs, e)
	return e, nil
}

// experiment turns a trial into the configuration of a run.
func (b *bench) experiment(t trial, s *sim.Simulator, base time.Time) (experiment.Config, error) {
	c := experiment.Config{
		Base: base, Seed: b.seed, Speed: 1, Rounds: t.rounds, Stage: s, Ledger: t.ledger,
		Warmup: t.warmup, Baseline: t.baseline, Recovery: t.recovery, LateAfter: lateAfter, OutageAfter: outAfter, Pacer: b.pacer,
	}
	name := t.upgrade
	if name == "" {
		name, c.Stage = "none", stage.None{}
	}
	var err error
	if c.Upgrade, err = upgrade.Load(name); err != nil {
		return c, err
	}
	if c.Upgrade, err = c.Upgrade.Set(t.set); err != nil {
		return c, err
	}
	for _, name := range t.arms {
		a, err := handoff.ParseArm(name)
		if err != nil {
			return c, err
		}
		c.Arms = append(c.Arms, a.Resolve(t.workers))
	}
	operations, err := workload.ParseMix(t.mix)
	if err != nil {
		return c, err
	}
	c.Pools = []workload.Pool{workload.Pool{Name: tapePool, Workers: t.workers, Mix: operations, Seed: b.seed,
		Keys: workload.Keys{Space: t.keys}, Schedule: workload.Schedule{Rate: workload.Constant(t.rate), Seed: b.seed}}.WithDefaults()}
	if t.messages > 0 {
		c.Pools = append(c.Pools, workload.Pool{Name: newsPool, Kind: workload.KindPubSub, Workers: t.workers, Receivers: subscribers, Seed: b.seed,
			Schedule: workload.Schedule{Rate: workload.Constant(t.messages), Seed: b.seed}}.WithDefaults())
	}
	c.Open = b.opener(s, len(c.Pools)*t.workers, base)
	c.Describe, err = describe(t.name, base, c)
	return c, err
}

// opener opens arms on a simulator.
func (b *bench) opener(s *sim.Simulator, workers int, base time.Time) func(context.Context, handoff.Arm, mark.Sink) (*handoff.Client, error) {
	return func(ctx context.Context, a handoff.Arm, marks mark.Sink) (*handoff.Client, error) {
		target, err := handoff.ParseTarget("redis://" + s.Addr())
		if err != nil {
			return nil, err
		}
		c := handoff.Config{Arm: a, Target: target, Workers: workers, Base: base, Marks: marks, Resolver: s.Resolver()}
		if b.spoil.open != nil {
			b.spoil.open(s, &c)
		}
		return handoff.Open(ctx, c)
	}
}

// describe is what run.json says. Phases are the harness's doing in all trials,
// hence the stage.
func describe(name string, base time.Time, c experiment.Config) (bundle.Run, error) {
	run := bundle.Run{
		ID: "calibrate-" + name, Started: base, Stage: stage.NameSim, Rounds: c.Rounds, Seed: c.Seed, Speed: c.Speed,
		Upgrade:   bundle.Upgrade{Name: c.Upgrade.Name, Title: c.Upgrade.Title, SCHSupport: string(c.Upgrade.SCH), Documented: c.Upgrade.Documented},
		LateAfter: bundle.Seconds(c.LateAfter), OutageAfter: bundle.Seconds(c.OutageAfter),
	}
	for _, a := range c.Arms {
		settings, err := json.Marshal(a)
		if err != nil {
			return run, err
		}
		run.Arms = append(run.Arms, bundle.Arm{Name: a.Name, Requested: a.Mode, Settings: settings})
	}
	for _, p := range c.Pools {
		described := bundle.Pool{Name: p.Name, Arrival: p.Schedule.Arrival.String(), Receivers: p.Receivers}
		if p.Kind != workload.KindCommands {
			described.Kind = p.Kind.String()
		}
		for _, w := range p.Mix {
			described.Operations = append(described.Operations, w.Command)
		}
		run.Pools = append(run.Pools, described)
	}
	return run, nil
}
