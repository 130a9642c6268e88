package stage

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"schload/handoff/upgrade"
)

// Stage plays upgrades on something that serves the arms.
type Stage interface {
	// Play performs the plan's actions at their offsets from now and returns
	// when its length has passed, or with the context's error.
	Play(ctx context.Context, plan upgrade.Plan) error
}

// Preparer is a Stage that must be brought to where a plan begins: a cluster
// whose slots the round before has moved.
type Preparer interface {
	// Prepare is called ahead of every round, while the load goes on and before
	// anything of the round is counted. It returns when the stage is ready.
	Prepare(ctx context.Context, plan upgrade.Plan) error
}

// Real is a Stage for upgrades that really take place. It plays no
// choreography: the plan it is given names the upgrade and has no actions, and
// Play returns when the upgrade is over.
type Real interface {
	Stage
	// Begin is called in every round once its baseline has lasted as long as it
	// was to, and returns when the upgrade begins. Until then it is baseline.
	Begin(ctx context.Context, round int) error
}

// Turning is a Stage that wants to know for whom it plays.
type Turning interface {
	// Turn is called ahead of a round in which one arm alone meets the upgrade,
	// with that arm's name: in order sequential, in which each arm has a playing
	// of its own.
	Turn(arm string)
}

// Injecting is a Stage that can be told to break what a database promises. A
// run on it, once it was, says whether the harness notices, and nothing of
// Redis.
type Injecting interface {
	Stage
	// Calm is called with true before the ledgers' keys are read back, which
	// must be answered truly, and with false when the load goes on.
	Calm(on bool)
	// Injections returns what was ordered, in words, and how many faults were
	// done so far, by kind. Nothing was ordered: nothing is injected.
	Injections() (ordered []string, done map[string]int)
}

// The names of stages, as flags and profiles spell them.
const (
	NameSim           = "sim"
	NameManual        = "manual"
	NameCommand       = "command"
	NameFaultInjector = "fault-injector"
	NameNone          = "none"
)

// Names are the stages that can be chosen.
var Names = []string{NameSim, NameManual, NameCommand, NameFaultInjector, NameNone}

// CheckName returns an error that lists the choices when name is none of them.
func CheckName(name string) error {
	if slices.Contains(Names, name) {
		return nil
	}
	return fmt.Errorf("unknown stage %q: choose one of %s", name, strings.Join(Names, ", "))
}

// IsReal reports whether the stage of that name is a Real one.
func IsReal(name string) bool {
	return name == NameManual || name == NameCommand || name == NameFaultInjector
}

// None is the stage on which nothing happens: the load runs through its
// baseline and ends. It refuses a plan with actions, which would otherwise be
// reported as played.
type None struct{}

// Play implements Stage.
func (None) Play(ctx context.Context, plan upgrade.Plan) error {
	if len(plan.Actions) > 0 {
		return fmt.Errorf("stage none plays nothing, but upgrade %s has %d actions: use --upgrade none or --stage sim",
			plan.Upgrade.Name, len(plan.Actions))
	}
	return context.Cause(ctx)
}
