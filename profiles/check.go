package profiles

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"schload/handoff"
	"schload/handoff/stage"
	"schload/handoff/upgrade"
	"schload/workload"
)

// longestPhase bounds each phase: a longer one is a slip of the unit.
const longestPhase = 7 * 24 * time.Hour

// Validate reports everything that is wrong with a profile whose defaults are
// written out, joined.
func (p Profile) Validate() error {
	var wrong []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	wrong = append(wrong, stage.CheckName(p.Stage))
	sim, none := p.Stage == stage.NameSim, p.Stage == stage.NameNone
	check(!sim || p.Target == "", "target with stage sim: the simulator is its own target; use stage none, manual, command or fault-injector")
	check(!sim || p.TLS == handoff.TLS{}, "tls with stage sim: the simulator speaks in the clear; use stage none, manual, command or fault-injector")
	check(sim || p.Target != "", "stage %s without target: say which Redis to load, redis://host:port", p.Stage)
	check(sim || len(p.Faults) == 0, "faults with stage %s: faults are the simulator's; use stage sim", p.Stage)
	check(sim || len(p.Shards) == 0, "shards with stage %s: shards stand behind the simulator; use stage sim", p.Stage)
	check(!none || p.Upgrade == "none", "upgrade %q with stage none: nothing would play it; use stage sim or upgrade none", p.Upgrade)
	check(!sim || p.Resolver == "", "resolver with stage sim: the simulator has a name server of its own; leave it out")
	wrong = append(wrong, p.checkReal(), p.checkFaultInjector(), p.checkResolver())
	check(p.Speed > 0 && p.Speed <= 100, "speed %g: want more than 0, at most 100 (1 is the upgrade's own pace)", p.Speed)
	check(p.Connections == 0 || p.Connections >= p.Workers() && p.Connections <= mostConnections,
		"connections %d: want one for each of the %d workers or more, at most %d", p.Connections, p.Workers(), mostConnections)
	check(p.Connections == 0 || p.Saturate != AutoPipeline, "connections %d with saturate autopipeline: the client opens the few that it needs; leave it out", p.Connections)
	p.checkRounds(check)
	for _, d := range []struct {
		name  string
		value Duration
	}{{"warmup", p.Warmup}, {"baseline", p.Baseline}, {"recovery", p.Recovery}, {"late_after", p.LateAfter}, {"outage_after", p.OutageAfter}} {
		v := time.Duration(d.value)
		check(v > 0 && v <= longestPhase, "%s %v: want more than 0, at most %v", d.name, v, longestPhase)
	}
	check(p.Objective > 0 && p.Objective < 1, "objective %g: want more than 0, less than 1 (0.999: one operation of a thousand may fail, be missed or late)", p.Objective)
	_, err := p.Ledger()
	wrong = append(wrong, err)
	u, err := p.LoadUpgrade()
	check(err != nil || p.Stage != "sim" || !p.Cluster || p.Saturates() || u.Database == upgrade.OSSCluster,
		"cluster with stage sim: the upgrade says what the simulator is, and %s is for an endpoint; choose one for a cluster, see schload upgrades", p.Upgrade)
	wrong = append(wrong, err, p.checkOrder(), p.checkArms(), p.checkSLO(), p.checkPools(), p.checkSaturate(), p.checkCanaries(), p.checkCommands(), p.checkMemory())
	return errors.Join(wrong...)
}

// checkReal checks what belongs to upgrades that really take place, and what
// does not: a choreography and its pace are the simulator's.
func (p Profile) checkReal() error {
	var wrong []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	real, command := stage.IsReal(p.Stage), p.Stage == stage.NameCommand
	for _, name := range slices.Sorted(maps.Keys(p.Set)) {
		check(!real, "set %s with stage %s: the parameters of upgrades are the simulator's; a real upgrade takes what it takes, leave it out", name, p.Stage)
	}
	check(!real || p.Speed == 1, "speed %g with stage %s: only the simulator's time can be compressed; leave it out", p.Speed, p.Stage)
	check(!command || p.UpgradeCommand != "", "stage command without upgrade-command: give the command that upgrades the target")
	check(command || p.UpgradeCommand == "", "upgrade-command with stage %s: nothing would run it; use stage command", p.Stage)
	check(real || p.MaxMaintenance == 0, "max-maintenance with stage %s: it is for upgrades that really take place; use stage manual, command or fault-injector", p.Stage)
	v := time.Duration(p.MaxMaintenance)
	check(v >= 0 && v <= longestPhase, "max-maintenance %v: want more than 0, at most %v", v, longestPhase)
	if u, err := p.LoadUpgrade(); real && err == nil {
		check(u.Database != upgrade.OSSCluster || p.Cluster, "upgrade %s is one of an OSS cluster, but the target is taken for an endpoint: add --cluster (in a profile, cluster: true)", u.Name)
	}
	return errors.Join(wrong...)
}

func (p Profile) checkArms() error {
	var wrong []error
	seen := map[string]bool{}
	for _, a := range p.Arms {
		wrong = append(wrong, a.Validate())
		if seen[a.Name] {
			wrong = append(wrong, fmt.Errorf("arm %q is there twice: give one of them another name", a.Name))
		}
		seen[a.Name] = true
	}
	return errors.Join(wrong...)
}

// poolName keeps names usable as labels.
var poolName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,100}$`)

func (p Profile) checkPools() error {
	wrong := []error{p.checkMessages()}
	seen := map[string]bool{}
	for i, pool := range p.Pools {
		if !poolName.MatchString(pool.Name) {
			wrong = append(wrong, fmt.Errorf("pool name %q: want 1 to 100 letters, digits, hyphens, underscores or dots", pool.Name))
		}
		if seen[pool.Name] {
			wrong = append(wrong, fmt.Errorf("pool %q is there twice: give one of them another name", pool.Name))
		}
		seen[pool.Name] = true
		w, err := pool.workload(p.Seed + uint64(i))
		if err == nil {
			err = w.Validate()
		}
		wrong = append(wrong, err)
	}
	return errors.Join(wrong...)
}

// checkMessages checks who could receive messages.
func (p Profile) checkMessages() error {
	var wrong []error
	for _, pool := range p.Pools {
		for _, a := range p.Arms {
			if pool.Messages() && a.Mode == handoff.Raw {
				wrong = append(wrong, fmt.Errorf("arm %q: bare connections receive no messages: leave the arm out, or pool %q of kind %s", a.Name, pool.Name, pool.Kind))
			}
		}
	}
	return errors.Join(wrong...)
}

// Workload returns the pools as the load engine takes them. Every arm gets the
// same: the seeds depend on the profile's seed and the pool's place only.
func (p Profile) Workload() ([]workload.Pool, error) {
	pools := make([]workload.Pool, len(p.Pools))
	for i, pool := range p.Pools {
		w, err := pool.workload(p.Seed + uint64(i))
		if err != nil {
			return nil, err
		}
		pools[i] = w.WithDefaults()
	}
	return pools, nil
}

// Workers is the number of operations an arm's client has in flight at most,
// those in which receivers of messages wait included; canaries have clients of
// their own.
func (p Profile) Workers() int {
	n := 0
	for i, pool := range p.Pools {
		w, err := pool.workload(uint64(i))
		if err != nil {
			continue // Validate says so
		}
		n += w.WithDefaults().Connections()
	}
	return n
}

// mostConnections of an arm: no more than there are ports to dial from.
const mostConnections = 28_000

// Opened is the number of connections that each arm opens before the load.
func (p Profile) Opened() int { return max(p.Workers(), p.Connections) }

func (p Pool) workload(seed uint64) (workload.Pool, error) {
	w := workload.Pool{
		Name: p.Name, Workers: p.Workers, Pipeline: p.Pipeline, StartDeadline: time.Duration(p.StartDeadline), Seed: seed,
		Receivers: p.Receivers, Block: time.Duration(p.Block),
		Keys:     workload.Keys{Space: p.Keys.Space, Exponent: p.Keys.Exponent, Prefix: p.Keys.Prefix, Batch: p.Keys.Batch},
		Schedule: workload.Schedule{Seed: seed, Think: time.Duration(p.Think)},
	}
	var wrong []error
	if p.Kind != "" {
		wrong = append(wrong, w.Kind.UnmarshalText([]byte(p.Kind)))
	}
	wrong = append(wrong, w.Schedule.Arrival.UnmarshalText([]byte(p.Arrival)), w.Overload.UnmarshalText([]byte(p.Overload)))
	if p.Rate != "" {
		rate, err := workload.ParseRate(p.Rate)
		w.Schedule.Rate = rate
		wrong = append(wrong, err)
	}
	if p.Keys.Distribution != "" {
		wrong = append(wrong, w.Keys.Distribution.UnmarshalText([]byte(p.Keys.Distribution)))
	}
	mix, err := p.mix(w.Kind)
	w.Mix = mix
	values, sizes := p.Values.workload()
	w.Values = values
	if err := errors.Join(append(wrong, err, sizes)...); err != nil {
		return w, fmt.Errorf("pool %q: %w", p.Name, err)
	}
	return w, nil
}

// Messages says whether the pool delivers messages.
func (p Pool) Messages() bool { return p.kind().Messages() }

// kind returns the kind of the pool, that of commands for one that is none.
func (p Pool) kind() (k workload.Kind) {
	_ = k.UnmarshalText([]byte(p.Kind))
	return k
}

// mix reads the mix. Pools that deliver messages have none.
func (p Pool) mix(kind workload.Kind) (workload.Mix, error) {
	switch {
	case !kind.Messages():
		return workload.ParseMix(p.Mix)
	case p.Mix != "":
		return nil, fmt.Errorf("mix %s: pools of kind %s send messages and nothing else; leave the mix out", p.Mix, kind)
	}
	return nil, nil
}

func (v Values) workload() (workload.Values, error) {
	switch {
	case v.Size != 0 && (v.Min != 0 || v.Max != 0):
		return workload.Values{}, fmt.Errorf("values: give size, or min and max, not both")
	case v.Size != 0:
		return workload.Values{Size: v.Size}, nil
	case v.Max < v.Min:
		return workload.Values{}, fmt.Errorf("values: min %d is above max %d", v.Min, v.Max)
	}
	return workload.Values{Size: v.Min, Max: v.Max}, nil
}
