package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"schload/handoff"
	"schload/handoff/sim"
	"schload/handoff/stage"
	"schload/internal/compare"
	"schload/profiles"
)

// runFlags are the flags of run. A flag that is given beats the profile.
type runFlags struct {
	upgrades []string
	stage    string
	target   string
	cluster  bool
	faults   []string
	inject   []string
	shards   []string
	arms     []string
	rate     string
	workers  int
	conns    int
	arrival  string
	mix      string
	rounds   int // profiles.AutoRounds: the run decides
	order    string
	width    float64
	budget   time.Duration
	speed    float64
	set      []string
	warmup   time.Duration
	baseline time.Duration
	recovery time.Duration
	late     time.Duration
	outage   time.Duration
	seed     uint64
	out      string
	json     bool
	forever  bool
	audit    bool
	ledger   string
	isolate  bool // every arm in a process of its own
	strict   bool // a saturated harness is an error
	gate     gate
	saturate string
	pipeline int

	objective float64
	slo       []string

	upgradeCommand string
	faultInjector  string
	bdb            int
	action         string
	resolver       string
	maxMaintenance time.Duration
	control        string

	exports exportFlags
	workerFlags

	made  []string      // bundles of this process, oldest first
	typed <-chan string // on the terminal, once somebody wanted it
}

func (f *runFlags) register(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.upgrades, "upgrade", nil, "upgrade to play, see schload upgrades; several make one run each, in order")
	flags.StringVar(&f.stage, "stage", "", "where the upgrade takes place: sim (played), manual (you start and end it), command (a command is it), fault-injector (one is asked for it), none (load only)")
	flags.StringVar(&f.target, "target", "", "redis://[user:password@]host:port to load, with any stage but sim; rediss:// for TLS; env:NAME takes it from a variable, which no process list shows")
	flags.StringVar(&f.resolver, "resolver", "", "HOST:PORT of the name server that is asked for the target's names, such as that of schload sim (default: the system's)")
	flags.BoolVar(&f.cluster, "cluster", false, "the target is an OSS cluster: arms follow its slot map; the target may name several nodes, redis://host:port,host:port")
	flags.StringSliceVar(&f.faults, "fault", nil, "of the simulator: "+strings.Join(sim.FaultNames(), ", ")+"; what they do is not known of real deployments")
	flags.StringSliceVar(&f.inject, "inject", nil, injectUsage+"; from the first round on. Such a run tries the detectors and measures nothing")
	flags.StringSliceVar(&f.shards, "shards", nil, "redis:// URLs of real Redis servers behind the simulator (default: in process)")
	flags.StringSliceVar(&f.arms, "arms", nil, "arms, such as on,off or on-noretry+read_timeout=300ms; see schload run --help")
	flags.StringVar(&f.rate, "rate", "", "operations a second of each arm, in each pool: 1000, 100..5000/30s (ramp), 1000/10s,5000 (steps)")
	flags.IntVar(&f.workers, "workers", 0, "operations in flight at most, of each arm in each pool")
	flags.IntVar(&f.conns, "connections", 0, "connections that each arm opens before the load, on a cluster to each node (default: one for each worker)")
	flags.StringVar(&f.arrival, "arrival", "", "constant, poisson or closed (closed loop: a slow target is offered less)")
	flags.IntVar(&f.pipeline, "pipeline", 0, "commands that a worker sends together, in each pool")
	flags.StringVar(&f.saturate, "saturate", "", "find out what the target carries, compare nothing: closed loop, pipelines of 64 of each worker (pipelines), or those that the client makes of single commands (autopipeline)")
	flags.Lookup("saturate").NoOptDefVal = profiles.Pipelines
	flags.StringVar(&f.mix, "mix", "", "commands and their weights: GET=0.8,SET=0.2")
	flags.Var((*roundsFlag)(&f.rounds), "rounds", "how often the upgrade is played, or auto: until the difference is known closely enough, or --budget is spent; a verdict on differences takes "+strconv.Itoa(compare.FewestRounds)+" at least (default: the profile's, 1)")
	registerOrder(flags, &f.order)
	flags.Float64Var(&f.width, "width", 0, "with --rounds auto, half the interval of 95 % that is narrow enough, as a share of the difference (default 0.2)")
	flags.DurationVar(&f.budget, "budget", 0, "with --rounds auto, no round begins that would end later than this (default 30m)")
	flags.Float64Var(&f.speed, "speed", 0, "compresses the upgrade's time; 1 is its own pace")
	flags.StringArrayVar(&f.set, "set", nil, "parameter of the upgrade, KEY=VALUE, see schload upgrades NAME; may be repeated")
	flags.DurationVar(&f.warmup, "warmup", 0, "load before anything is counted")
	flags.DurationVar(&f.baseline, "baseline", 0, "load before the upgrade, in each round")
	flags.DurationVar(&f.recovery, "recovery", 0, "load after the upgrade, in each round")
	flags.DurationVar(&f.late, "late-after", 0, "a success with a longer response time is late")
	flags.DurationVar(&f.outage, "outage-after", 0, "no success for longer than this, although operations are due, is an outage")
	flags.Float64Var(&f.objective, "objective", 0, "the share of operations that is to succeed in time, such as 0.999; what an upgrade takes of the rest is its part of the error budget")
	flags.StringArrayVar(&f.slo, "slo", nil, "service level objective, such as 'maintenance.failed_ratio < 0.001', in place of the profile's; may be repeated, see schload run --help")
	flags.Uint64Var(&f.seed, "seed", 0, "of everything drawn; the same seed offers the same operations at the same instants")
	flags.BoolVar(&f.audit, "audit", false, "the same as --integrity all: was anything that was acknowledged lost, stale or applied twice?")
	flags.StringVar(&f.ledger, "integrity", "", "which replies are checked against a ledger: sample (a sixteenth of the operations), all or none")
	flags.BoolVar(&f.isolate, "isolate", false, "give each arm a process of its own, so that they share no processor time unnoticed: same instants, same upgrade, one bundle")
	flags.StringVar(&f.out, "out", "", "directory of the bundle (default runs/<run id>)")
	flags.BoolVar(&f.json, "json", false, "print summary.json instead of the table")
	registerStrict(flags, &f.strict)
	f.gate.register(flags)
	flags.BoolVar(&f.forever, "forever", false, "start over after the last upgrade, until interrupted; keeps the last 20 bundles it made")
	flags.StringVar(&f.upgradeCommand, "upgrade-command", "", "with stage command, what upgrades the target, run by sh -c once a round; told SCHLOAD_ROUND, SCHLOAD_TARGET, SCHLOAD_RUN_DIR, and SCHLOAD_ARM with --order sequential")
	flags.StringVar(&f.faultInjector, "fault-injector", "", "with stage fault-injector, its URL, such as http://127.0.0.1:20324")
	flags.IntVar(&f.bdb, "bdb", 0, "with stage fault-injector, the number of the database (default 1)")
	flags.StringVar(&f.action, "action", "", "with stage fault-injector, what it is asked for, TYPE KEY=VALUE ...: 'maintenance_mode node_id=2 enabled=true' (default: what --upgrade is)")
	flags.DurationVar(&f.maxMaintenance, "max-maintenance", 0, "a real upgrade that takes longer is taken for over (manual), ended (command) or given up (fault-injector); default: it is waited for")
	flags.StringVar(&f.control, "control", "", "with stage manual, loopback HOST:PORT that takes POST /start, /end and /mark?text=...; port 0 picks a free one")
	f.exports.register(flags)
	f.workerFlags.register(flags)
}

// apply writes the flags that were given into the profile.
func (f *runFlags) apply(p profiles.Profile, given func(name string) bool) (profiles.Profile, error) {
	if err := errors.Join(f.refuseZeros(given), f.refuseEmpty(given)); err != nil {
		return p, err
	}
	if err := f.readTarget(); err != nil {
		return p, err
	}
	over := func(name string, set func()) {
		if given(name) {
			set()
		}
	}
	if given("saturate") {
		p = f.leavePace(p)
	}
	before := p.WithDefaults().Stage
	over("stage", func() { p.Stage = f.stage })
	over("target", func() { p.Target = f.target })
	over("cluster", func() { p.Cluster = f.cluster })
	over("fault", func() { p.Faults = f.faults })
	over("shards", func() { p.Shards = f.shards })
	over("connections", func() { p.Connections = f.conns })
	over("rounds", func() { p.Rounds = profiles.Rounds(f.rounds) })
	over("order", func() { p.Order = f.order })
	over("width", func() { p.Width = f.width })
	over("budget", func() { p.Budget = profiles.Duration(f.budget) })
	over("speed", func() { p.Speed = f.speed })
	over("seed", func() { p.Seed = f.seed })
	over("warmup", func() { p.Warmup = profiles.Duration(f.warmup) })
	over("baseline", func() { p.Baseline = profiles.Duration(f.baseline) })
	over("recovery", func() { p.Recovery = profiles.Duration(f.recovery) })
	over("late-after", func() { p.LateAfter = profiles.Duration(f.late) })
	over("objective", func() { p.Objective = f.objective })
	if given("slo") {
		if err := p.SetSLO(f.slo); err != nil {
			return p, err
		}
	}
	over("outage-after", func() { p.OutageAfter = profiles.Duration(f.outage) })
	over("integrity", func() { p.Integrity = f.ledger })
	if f.audit {
		p.Integrity = "all"
	}
	over("upgrade-command", func() { p.UpgradeCommand = f.upgradeCommand })
	over("resolver", func() { p.Resolver = f.resolver })
	over("fault-injector", func() { p.FaultInjector = f.faultInjector })
	over("bdb", func() { p.BDB = f.bdb })
	over("action", func() { p.Action = f.action })
	over("max-maintenance", func() { p.MaxMaintenance = profiles.Duration(f.maxMaintenance) })
	if given("target") && !given("stage") && !stage.IsReal(p.Stage) {
		p.Stage = stage.NameNone
	}
	if p.Stage == stage.NameNone && !given("upgrade") {
		p.Upgrade, p.Set = "none", nil
	}
	if stage.IsReal(p.Stage) && p.Stage != before {
		p = leaveSimulator(p, given)
	}
	p = f.applyPools(p, over)
	if err := f.applyArms(&p); err != nil {
		return p, err
	}
	return p, f.applySet(&p)
}

// leaveSimulator takes out of a profile what is the simulator's, when a flag
// has it run elsewhere. What was given by flags stays, to be refused.
func leaveSimulator(p profiles.Profile, given func(name string) bool) profiles.Profile {
	p.Set = nil
	if !given("upgrade") {
		p.Upgrade = ""
	}
	if !given("speed") {
		p.Speed = 0
	}
	return p
}

// leavePace takes out of a profile what a saturating run has no use for. What
// was given by flags stays, to be refused.
func (f *runFlags) leavePace(p profiles.Profile) profiles.Profile {
	p.Saturate = f.saturate
	p.Upgrade, p.Set, p.Arms, p.Integrity = "", nil, nil, ""
	p.SLO = nil
	p.Pools = append([]profiles.Pool(nil), p.Pools...)
	for i := range p.Pools {
		pool := &p.Pools[i]
		pool.Workers, pool.Pipeline, pool.Rate, pool.Arrival, pool.Think = 0, 0, "", "", 0
	}
	return p
}

// checkControl checks the one thing about a manual stage that no profile holds.
func (f *runFlags) checkControl(p profiles.Profile) error {
	if f.control != "" && p.Stage != stage.NameManual {
		return fmt.Errorf("--control %s with stage %s: there is nothing to control; use --stage manual", f.control, p.Stage)
	}
	return onLoopback("--control", f.control, "start and end the upgrade")
}

// refuseZeros refuses a zero that was given: in a profile zero means the
// default, and a flag must not silently become one.
func (f *runFlags) refuseZeros(given func(name string) bool) error {
	for _, zero := range []struct {
		name string
		is   bool
	}{
		{"warmup", f.warmup == 0}, {"baseline", f.baseline == 0}, {"recovery", f.recovery == 0}, {"late-after", f.late == 0}, {"outage-after", f.outage == 0}, {"objective", f.objective == 0},
		{"rounds", f.rounds == 0}, {"speed", f.speed == 0}, {"width", f.width == 0}, {"budget", f.budget == 0}, {"max-maintenance", f.maxMaintenance == 0}, {"seed", f.seed == 0}, {"workers", f.workers == 0},
		{"pipeline", f.pipeline == 0}, {"connections", f.conns == 0}, {"bdb", f.bdb == 0},
	} {
		if zero.is && given(zero.name) {
			return fmt.Errorf("--%s 0: want more than 0; leave the flag out for the profile's value", zero.name)
		}
	}
	return nil
}

// refuseEmpty refuses an empty text that was given, for the same reason.
func (f *runFlags) refuseEmpty(given func(name string) bool) error {
	for _, empty := range []struct {
		name string
		is   bool
	}{
		{"upgrade", len(f.upgrades) == 0}, {"stage", f.stage == ""}, {"target", f.target == ""}, {"shards", len(f.shards) == 0},
		{"arms", len(f.arms) == 0}, {"order", f.order == ""}, {"rate", f.rate == ""}, {"arrival", f.arrival == ""}, {"mix", f.mix == ""}, {"saturate", f.saturate == ""}, {"integrity", f.ledger == ""}, {"out", f.out == ""},
		{"upgrade-command", strings.TrimSpace(f.upgradeCommand) == ""}, {"control", f.control == ""}, {"fault-injector", f.faultInjector == ""}, {"action", strings.TrimSpace(f.action) == ""}, {"resolver", f.resolver == ""},
	} {
		if empty.is && given(empty.name) {
			return fmt.Errorf("--%s is empty: give a value, or leave the flag out", empty.name)
		}
	}
	return nil
}

func (f *runFlags) applyPools(p profiles.Profile, over func(string, func())) profiles.Profile {
	if len(p.Pools) == 0 {
		p.Pools = []profiles.Pool{{}}
	}
	p.Pools = append([]profiles.Pool(nil), p.Pools...)
	for i := range p.Pools {
		pool := &p.Pools[i]
		over("workers", func() { pool.Workers = f.workers })
		over("arrival", func() { pool.Arrival = f.arrival })
		if !pool.Messages() { // those have a command of their own
			over("mix", func() { pool.Mix = f.mix })
		}
		over("pipeline", func() { pool.Pipeline = f.pipeline })
		if pool.Arrival == "closed" {
			pool.Rate = ""
		}
		over("rate", func() { pool.Rate = f.rate })
	}
	return p
}

func (f *runFlags) applyArms(p *profiles.Profile) error {
	if len(f.arms) == 0 {
		return nil
	}
	p.Arms = nil
	for _, name := range f.arms {
		a, err := handoff.ParseArm(strings.TrimSpace(name))
		if err != nil {
			return err
		}
		p.Arms = append(p.Arms, profiles.Arm{Arm: a})
	}
	return nil
}

func (f *runFlags) applySet(p *profiles.Profile) error {
	if len(f.set) == 0 {
		return nil
	}
	set := map[string]string{}
	for k, v := range p.Set {
		set[k] = v
	}
	for _, assignment := range f.set {
		k, v, ok := strings.Cut(assignment, "=")
		if !ok {
			return fmt.Errorf("--set %q: want KEY=VALUE, such as dns_offset=4.4s", assignment)
		}
		set[strings.TrimSpace(k)] = strings.TrimSpace(v)
	}
	p.Set = set
	return nil
}
