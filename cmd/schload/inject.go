package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"schload/handoff/sim"
	"schload/handoff/stage"
	"schload/handoff/upgrade"
	"schload/profiles"
)

var injectUsage = "have the simulator do so many faults: KIND=COUNT[@FROM][/EVERY][~LASTS], such as stale_read=7 or outage=1@5s~3s; kinds: " +
	strings.Join(sim.FaultKinds(), ", ")

// injectedKeys is how many ledger keys of each type a worker has when faults are
// injected: each is then used often enough for what was done to it to show.
const injectedKeys = 16

// parseInjections reads the values of --inject.
func parseInjections(texts []string) (injections []sim.Injection, err error) {
	for _, text := range texts {
		i, one := sim.ParseInjection(text)
		err = errors.Join(err, one)
		injections = append(injections, i)
	}
	return injections, err
}

// injecting is a simulator that breaks its word once the first round begins.
type injecting struct {
	*sim.Simulator
	waiting []sim.Injection
}

// Prepare orders the faults ahead of the first round.
func (s *injecting) Prepare(ctx context.Context, plan upgrade.Plan) error {
	orders := s.waiting
	s.waiting = nil
	if err := s.Inject(orders...); err != nil {
		return err
	}
	return s.Simulator.Prepare(ctx, plan)
}

// checkInject checks --inject before anything is started.
func (f *runFlags) checkInject(p profiles.Profile) error {
	if len(f.inject) == 0 {
		return nil
	}
	if p.Stage != stage.NameSim {
		return fmt.Errorf("--inject with stage %s: only the simulator does wrong on purpose; use --stage %s", p.Stage, stage.NameSim)
	}
	if p.Sequential() {
		return errors.New("--inject with order sequential: faults are counted, and the arm that comes first would get them all; leave the order out")
	}
	injections, err := parseInjections(f.inject)
	return errors.Join(err, sim.Config{Shards: p.Shards, Inject: injections}.Validate())
}

// inject has the lab's simulator inject the faults that flags ask for. Those of
// data are done to keys of the ledger that one worker has for itself: what is
// done to others nobody looks for.
func (l *lab) inject(p profiles.Profile, texts []string) error {
	s, ok := l.stage.(*sim.Simulator)
	if !ok || len(texts) == 0 {
		return nil
	}
	injections, err := parseInjections(texts)
	if err != nil {
		return usageError(err)
	}
	ledger, err := p.Ledger()
	if err != nil {
		return usageError(err)
	}
	for i := range injections {
		if injections[i].Fault.OfData() && ledger > 0 {
			injections[i].Key, injections[i].Not = "ledger:", ":shared:"
		}
	}
	l.stage = &injecting{s, injections}
	return nil
}
