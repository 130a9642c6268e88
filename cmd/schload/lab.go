package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"schload/handoff"
	"schload/handoff/sim"
	"schload/handoff/stage"
	"schload/handoff/upgrade"
	"schload/profiles"
	"schload/telemetry/mark"
)

// lab is what a run's arms connect to, and the stage that plays upgrades on it.
type lab struct {
	stage    stage.Stage
	target   handoff.Target
	seed     func() (handoff.Target, error) // where clients begin that are opened now; nil: at target
	cluster  bool                           // the target is an OSS cluster
	gather   bool                           // the client makes the pipelines
	tls      handoff.TLS
	resolver *net.Resolver // nil: the system's
	note     string        // what the user should know about it, may be empty
	close    func() error

	simulator *simulator // where other processes find it; nil: the profile's target is loaded
}

// openLab starts the simulator, or finds the target of a run without one, on
// which nothing is played yet.
func openLab(ctx context.Context, p profiles.Profile, base time.Time, marks mark.Sink) (lab, error) {
	if p.Stage != stage.NameSim {
		target, err := handoff.ParseTarget(p.Target)
		if err != nil {
			return lab{}, usageError(err)
		}
		resolver, err := nameServer(ctx, p.Resolver)
		return lab{stage: stage.None{}, target: target, cluster: p.Cluster, gather: p.Saturate == profiles.AutoPipeline, tls: p.TLS, resolver: resolver, close: func() error { return nil }}, usageError(err)
	}
	u, err := p.LoadUpgrade()
	if err != nil {
		return lab{}, usageError(err)
	}
	cluster := u.Database == upgrade.OSSCluster || p.Cluster
	faults, err := sim.ParseFaults(p.Faults)
	if err != nil {
		return lab{}, usageError(err)
	}
	database := sim.Config{OSSCluster: cluster, Faults: faults, Shards: p.Shards, Base: base, Marks: marks, Seed: p.Seed}
	if cluster {
		database.Nodes = roundNodes(len(p.Shards))
	}
	s, err := sim.Start(ctx, database)
	if err != nil {
		return lab{}, usageError(err)
	}
	seed := func() (handoff.Target, error) { return handoff.ParseTarget("redis://" + s.Seed()) }
	target, err := seed()
	if err != nil {
		s.Close()
		return lab{}, err
	}
	l := lab{stage: s, target: target, seed: seed, cluster: cluster, gather: p.Saturate == profiles.AutoPipeline, resolver: s.Resolver(), note: s.Fallback(), close: s.Close}
	l.simulator = &simulator{Target: "redis://" + s.Seed(), DNS: s.DNS()}
	if p.Saturates() {
		l.stage = stage.None{}
	}
	return l, nil
}

// roundNodes is how many nodes a database with the OSS Cluster API has in a run:
// two without slots. A node that joins is then another one than left the round
// before, as it is in reality. Clients keep connections to a node for a minute
// after it left, and would meet them in the next round (docs/FINDINGS.md, 7).
func roundNodes(shards int) int {
	const usual, most = 3, 32 // shards, if none are given; nodes of a simulator
	return min(max(usual, shards)+2, most)
}

// server is the address that clients are given; a cluster has none of its own.
func (l lab) server() string {
	if l.cluster {
		return ""
	}
	return l.target.Addr()
}

// client opens an arm on the lab.
func (l lab) client(workers int, base time.Time) func(context.Context, handoff.Arm, mark.Sink) (*handoff.Client, error) {
	return func(ctx context.Context, a handoff.Arm, marks mark.Sink) (*handoff.Client, error) {
		target := l.target
		if l.seed != nil {
			var err error
			if target, err = l.seed(); err != nil {
				return nil, err
			}
		}
		c, err := handoff.Open(ctx, handoff.Config{
			Arm: a, Target: target, Cluster: l.cluster, TLS: l.tls, Workers: workers, Base: base, Marks: marks, Resolver: l.resolver,
			AutoPipeline: l.gather,
		})
		if err != nil {
			return nil, usageError(fmt.Errorf("%w", err))
		}
		return c, nil
	}
}
