package main

import (
	"context"
	"time"

	"schload/handoff/stage"
	"schload/profiles"
)

// askingOthers is the stage of a profile whose upgrades a fault injector does,
// which is there and knows what to do.
func askingOthers(ctx context.Context, p profiles.Profile, s scene) (*stage.FaultInjector, error) {
	url, err := stage.ParseFaultInjector(p.FaultInjector)
	if err != nil {
		return nil, err
	}
	f := &stage.FaultInjector{Base: s.base, Marks: s.marks, Say: s.view.say, URL: url, Longest: time.Duration(p.MaxMaintenance)}
	if err := f.Greet(ctx); err != nil {
		return nil, err
	}
	if p.Action != "" {
		f.Action, err = stage.ParseAction(p.Action)
	} else {
		f.Action, err = stage.Plays(p.Upgrade, p.BDB, f.Simulated)
	}
	return f, err
}
