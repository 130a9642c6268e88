package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"schload/handoff/stage"
	"schload/internal/bundle"
	"schload/internal/experiment"
	"schload/profiles"
	"schload/workload"
)

// kept is how many bundles a run with --forever leaves.
const kept = 20

// newRunID returns a name that sorts by time and is never made twice.
func newRunID() string {
	return time.Now().UTC().Format("20060102-150405") + "-" + rand.Text()[:4]
}

// describe is what run.json says of the run.
func describe(id string, base time.Time, cluster bool, p profiles.Profile, c experiment.Config) (bundle.Run, error) {
	profile, err := p.JSON()
	if err != nil {
		return bundle.Run{}, err
	}
	run := bundle.Run{
		ID: id, Started: base, Command: os.Args, Profile: profile, Stage: p.Stage, Cluster: cluster, Rounds: max(0, int(p.Rounds)), Seed: p.Seed, Speed: p.Speed,
		LateAfter: bundle.Seconds(c.LateAfter), OutageAfter: bundle.Seconds(c.OutageAfter), Objective: p.Objective, SLO: p.Objectives(),
		Environment: bundle.Environment{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version()},
		Versions:    bundle.Versions{Schload: buildVersions()["schload"], GoRedis: buildVersions()["go-redis"]},
		Secrets:     p.Secrets(),
	}
	run.Saturation = saturation(p)
	for _, a := range c.Arms {
		settings, err := json.Marshal(a)
		if err != nil {
			return run, err
		}
		run.Arms = append(run.Arms, bundle.Arm{Name: a.Name, Requested: a.Mode, Settings: settings})
	}
	for i, pool := range c.Pools {
		settings, err := p.Pools[i].JSON()
		if err != nil {
			return run, err
		}
		described := bundle.Pool{Name: pool.Name, Arrival: pool.Schedule.Arrival.String(), Settings: settings}
		if pool.Kind != workload.KindCommands {
			described.Kind, described.Receivers = pool.Kind.String(), pool.Receivers
		}
		for _, w := range pool.Mix {
			described.Operations = append(described.Operations, w.Command)
		}
		run.Pools = append(run.Pools, described)
	}
	run.Upgrade, err = describeUpgrade(c)
	return run, err
}

// saturation says how the run keeps its target busy, nil if that is not its aim.
func saturation(p profiles.Profile) *bundle.Saturation {
	if !p.Saturates() {
		return nil
	}
	s := &bundle.Saturation{Pipelining: p.Saturate, Workers: p.Workers()}
	differs := func(pool profiles.Pool) bool { return pool.Pipeline != p.Pools[0].Pipeline }
	if p.Saturate == profiles.Pipelines && !slices.ContainsFunc(p.Pools, differs) {
		s.Depth = p.Pools[0].Pipeline
	}
	return s
}

// describeUpgrade writes down the first round's plan, every number drawn. Where
// no choreography is played, nothing rests on its numbers.
func describeUpgrade(c experiment.Config) (bundle.Upgrade, error) {
	u := bundle.Upgrade{Name: c.Upgrade.Name, Title: c.Upgrade.Title, SCHSupport: string(c.Upgrade.SCH), Documented: c.Upgrade.Documented}
	switch s := c.Stage.(type) {
	case stage.None:
		return bundle.Upgrade{Name: c.Upgrade.Name}, nil // nothing is known of what somebody else may do
	case *stage.FaultInjector:
		if u.Simulated = s.Simulated; u.Simulated {
			u.Assumptions = c.Upgrade.Assumptions() // it plays the same catalog
		}
		return u, nil
	case stage.Real:
		return u, nil
	}
	plan, err := c.Upgrade.Plan(c.Seed, c.Speed)
	if err != nil {
		return bundle.Upgrade{}, err
	}
	actions, err := json.Marshal(plan.Actions)
	if err != nil {
		return bundle.Upgrade{}, err
	}
	u.Plan, u.Assumptions = actions, c.Upgrade.Assumptions()
	for i, s := range plan.Settings {
		u.Parameters = append(u.Parameters, bundle.Parameter{
			Name: s.Name, Value: s.Value, Origin: string(s.Origin), Note: c.Upgrade.Parameters[i].Source,
		})
	}
	return u, nil
}

// prune removes the oldest bundles that a run with --forever has made itself,
// so that the newest are left. It touches nothing else.
func (f *runFlags) prune() error {
	for f.forever && len(f.made) > kept {
		if err := os.RemoveAll(f.made[0]); err != nil {
			return fmt.Errorf("old bundle: %w", err)
		}
		f.made = f.made[1:]
	}
	return nil
}
