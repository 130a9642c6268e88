package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"schload/handoff"
	"schload/handoff/stage"
	"schload/handoff/upgrade"
	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/internal/matrix"
	"schload/internal/report"
	"schload/profiles"
)

// drawnMatrix is a matrix with all that it takes to play it.
type drawnMatrix struct {
	plan     matrix.Plan
	profiles map[string]profiles.Profile // of each cell, but for its speed
}

// draw resolves profiles and upgrades and decides on the pace. All cells are
// checked before the first is played.
func (f *matrixFlags) draw(cmd *cobra.Command) (d drawnMatrix, err error) {
	d.profiles = map[string]profiles.Profile{}
	given := cmd.Flags().Changed
	upgrades, err := f.loadUpgrades(given("upgrades"))
	if err != nil {
		return d, err
	}
	var drafts []matrix.Draft
	var arms []string
	for _, name := range f.profiles {
		p, err := f.profile(name, given)
		if err != nil {
			return d, err
		}
		if err := f.gate.failOn.needsObjectives(len(p.SLO)); err != nil {
			return d, fmt.Errorf("profile %s: %w", name, err)
		}
		for _, a := range p.Arms {
			if !slices.Contains(arms, a.Name) {
				arms = append(arms, a.Name)
			}
		}
		for _, u := range upgrades {
			draft, p, err := draftOf(p, u)
			if err != nil {
				return d, err
			}
			drafts = append(drafts, draft)
			d.profiles[draft.Name()] = p
		}
	}
	versions := bundle.Versions{Schload: buildVersions()["schload"], GoRedis: buildVersions()["go-redis"]}
	d.plan, err = matrix.NewPlan(drafts, versions, arms, matrix.Pace{Quick: f.quick, Rounds: f.run.rounds, Parallel: f.parallel, Processors: runtime.NumCPU()})
	return d, err
}

// check checks what no profile does.
func (f *matrixFlags) check(cmd *cobra.Command) error {
	switch given := cmd.Flags().Changed; {
	case given("parallel") && (f.parallel < 1 || f.parallel > mostParallel):
		return fmt.Errorf("--parallel %d: want 1 to %d; leave the flag out for the default", f.parallel, mostParallel)
	case f.run.rounds < 1:
		return fmt.Errorf("--rounds %d: want 1 or more; leave the flag out for 6", f.run.rounds)
	case len(f.profiles) == 0:
		return errors.New("--profiles is empty: name one, or leave the flag out for the default profile")
	}
	return f.gate.validate(cmd.Flags().Changed)
}

// mostParallel keeps a slip of the finger from opening a thousand simulators.
const mostParallel = 100

// namedUpgrade is an upgrade and what a profile calls it.
type namedUpgrade struct {
	source string
	upgrade.Upgrade
}

func (f *matrixFlags) loadUpgrades(given bool) (list []namedUpgrade, err error) {
	names := f.upgrades
	if !given {
		names = upgrade.Names()
	}
	for _, name := range names {
		u, err := upgrade.Load(name)
		if err != nil {
			return nil, err
		}
		list = append(list, namedUpgrade{name, u})
	}
	if len(list) == 0 {
		return nil, errors.New("--upgrades is empty: name one, or leave the flag out for all")
	}
	return list, nil
}

// profile is a profile with the matrix's flags, not yet checked: that is done
// with each upgrade.
func (f *matrixFlags) profile(name string, given func(string) bool) (profiles.Profile, error) {
	p, err := profiles.Load(name)
	if err != nil {
		return p, err
	}
	switch {
	case p.Saturates():
		return p, fmt.Errorf("profile %s looks for a ceiling and compares nothing: leave it out of a matrix", name)
	case p.WithDefaults().Stage != stage.NameSim:
		return p, fmt.Errorf("profile %s has stage %s: a matrix is played on the simulator", name, p.WithDefaults().Stage)
	}
	if f.quick {
		p = hurried(p)
	}
	p.Rounds = profiles.Rounds(f.run.rounds)
	if p, err = f.run.apply(p, given); err != nil {
		return p, err
	}
	if len(p.Arms) == 0 {
		for _, name := range []string{"on", "off"} {
			a, err := handoff.ParseArm(name)
			if err != nil {
				return p, err
			}
			p.Arms = append(p.Arms, profiles.Arm{Arm: a})
		}
	}
	return p.WithDefaults(), nil
}

// hurried is a profile at the rate and with the phases of a quick matrix.
func hurried(p profiles.Profile) profiles.Profile {
	p.Warmup, p.Baseline, p.Recovery = profiles.Duration(time.Second), profiles.Duration(2*time.Second), profiles.Duration(3*time.Second)
	p = p.WithDefaults()
	for i := range p.Pools {
		if p.Pools[i].Rate != "" {
			p.Pools[i].Rate = "100"
		}
	}
	return p
}

// draftOf is a cell before its pace is known, and the profile that it plays.
func draftOf(p profiles.Profile, u namedUpgrade) (matrix.Draft, profiles.Profile, error) {
	if p.Upgrade != u.source {
		p.Upgrade, p.Set = u.source, nil // those were another one's numbers
	}
	if err := p.Validate(); err != nil {
		return matrix.Draft{}, p, fmt.Errorf("profile %s with upgrade %s: %w", p.Name, u.source, err)
	}
	loaded, err := p.LoadUpgrade()
	if err != nil {
		return matrix.Draft{}, p, err
	}
	return matrix.Draft{
		Cell:    matrix.Cell{Profile: p.Name, Upgrade: loaded.Name, Title: loaded.Title, SCHSupport: string(loaded.SCH)},
		Upgrade: loaded, Seed: p.Seed, Speed: p.Speed, Thresholds: thresholds(p),
		Turns:  turns(p),
		Warmup: time.Duration(p.Warmup), Baseline: time.Duration(p.Baseline), Recovery: time.Duration(p.Recovery),
		Resolve: func(speed float64) ([]byte, error) {
			p := p
			p.Speed = speed
			text, err := p.JSON()
			if err != nil {
				return nil, err
			}
			return matrix.Settings(text)
		},
	}, p, nil
}

// turns is how often a round is played: once for all arms, or once for each.
func turns(p profiles.Profile) int {
	if p.Sequential() {
		return len(p.Arms)
	}
	return 1
}

// thresholds are the lengths at which something becomes something else, to the
// arms and to what is said of them.
func thresholds(p profiles.Profile) map[string]time.Duration {
	list := map[string]time.Duration{"late-after": time.Duration(p.LateAfter), "outage-after": time.Duration(p.OutageAfter)}
	for _, arm := range p.Arms {
		a := arm.Resolve(p.Opened())
		limits := map[string]time.Duration{"read_timeout": a.ReadTimeout, "dial_timeout": a.DialTimeout, "pool_timeout": a.PoolTimeout}
		if a.Mode != handoff.Off {
			limits["relaxed_timeout"] = a.RelaxedTimeout
		}
		for name, t := range limits {
			if t > 0 {
				list[name+" of "+arm.Name] = t
			}
		}
	}
	return list
}

// play plays a cell as run does, without a table of its own.
func (d drawnMatrix) play(ctx context.Context, c matrix.Cell, dir string, progress func(matrix.Progress)) error {
	p := d.profiles[c.Name()]
	p.Speed = c.Speed
	f := runFlags{out: dir, upgrades: []string{p.Upgrade}}
	view := &liveView{out: io.Discard, tell: func(x report.Progress) {
		progress(matrix.Progress{Phase: x.Phase, Round: x.Round, Rounds: x.Rounds, Elapsed: x.Elapsed, Total: x.Total})
	}}
	result, err := f.measure(ctx, p, io.Discard, view)
	if result.Dir == "" {
		return err
	}
	s, perr := compare.Save(result.Dir)
	keepReport(io.Discard, result.Dir, s)
	return errors.Join(err, perr)
}
