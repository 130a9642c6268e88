package compare

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"schload/internal/bundle"
)

// Together is what the rounds of several runs say that did the same.
type Together struct {
	Runs        []string     `json:"runs"`
	LeftOut     []string     `json:"left_out"` // runs that are no evidence, and why
	Ignored     []string     `json:"ignored"`  // in what the runs differ nevertheless
	Rounds      int          `json:"rounds"`
	Differences []Difference `json:"differences"`
	Warnings    []string     `json:"warnings"`

	// Expectations are the verdicts on the vendor's promise, by what all runs
	// saw; none where a run carries none, or they differ in what was promised.
	Expectations []Expectation `json:"expectations,omitempty"`
}

// ErrUnlike says that runs did not do the same.
var ErrUnlike = errors.New("the runs did not do the same, so their rounds are not rounds of one experiment")

// Join takes the rounds of several runs for those of one experiment and judges
// them together. Runs that did not do the same are refused with ErrUnlike,
// unless force is set: then Ignored says in what they differ. Runs are told
// apart by their seeds, and what they were pointed at is their own affair.
func Join(parts []Part, force bool) (Together, error) {
	t := Together{Runs: []string{}, LeftOut: []string{}, Ignored: []string{}, Differences: []Difference{}, Warnings: []string{}}
	for i, p := range parts {
		if slices.ContainsFunc(parts[:i], func(o Part) bool { return o.Run.ID == p.Run.ID }) {
			return t, fmt.Errorf("run %s is given twice: the same rounds do not count twice", p.Run.ID)
		}
		t.Ignored = append(t.Ignored, unlike(parts[0].Run, p.Run)...)
	}
	if len(t.Ignored) > 0 && !force {
		return t, fmt.Errorf("%w: %s", ErrUnlike, strings.Join(t.Ignored, "; "))
	}
	all := Summary{Valid: true, Complete: true}
	var counted []Part
	for _, p := range parts {
		switch s := p.Summary; {
		case !s.Valid:
			t.LeftOut = append(t.LeftOut, s.RunID+" is invalid")
		case s.Harness.Saturated:
			t.LeftOut = append(t.LeftOut, s.RunID+": the harness was the bottleneck")
		default:
			t.Runs = append(t.Runs, s.RunID)
			all.take(s, t.Rounds)
			t.Rounds += s.wholeRounds()
			counted = append(counted, p)
		}
	}
	all.Differences = all.differences()
	t.Differences = append(t.Differences, all.Differences...)
	t.Expectations = all.promisesOf(counted)
	t.Warnings = append(t.Warnings, repeated(counted)...)
	all.warnDifferences(func(format string, args ...any) { t.Warnings = append(t.Warnings, fmt.Sprintf(format, args...)) })
	return t, nil
}

// promisesOf holds the arms against the promise, if all runs had the same one
// to keep and are evidence of it.
func (s *Summary) promisesOf(parts []Part) []Expectation {
	if len(parts) == 0 || slices.ContainsFunc(parts, func(p Part) bool {
		u := parts[0].Summary.Upgrade
		return len(p.trials) == 0 || p.Summary.Upgrade.Name != u.Name || p.Summary.Upgrade.SCHSupport != u.SCHSupport
	}) {
		return nil
	}
	first := parts[0].Summary
	s.Upgrade, s.Stage, s.Order, s.PhaseSource = first.Upgrade, first.Stage, first.Order, sourceNone
	for _, p := range parts {
		if p.Summary.PhaseSource != sourceNone {
			s.PhaseSource = p.Summary.PhaseSource
		}
	}
	return s.joined(parts)
}

// take adds the rounds of a run, numbered on.
func (s *Summary) take(o Summary, before int) {
	for _, a := range o.Arms {
		i := slices.IndexFunc(s.Arms, func(x Arm) bool { return x.Name == a.Name })
		if i < 0 {
			i = len(s.Arms)
			s.Arms = append(s.Arms, Arm{Name: a.Name, SCH: a.SCH})
		}
		for _, r := range o.whole(a) {
			r.Round += before
			s.Arms[i].Rounds = append(s.Arms[i].Rounds, r)
		}
	}
}

// wholeRounds is the highest number of a round that counts.
func (s *Summary) wholeRounds() (n int) {
	for _, a := range s.Arms {
		for _, r := range s.whole(a) {
			n = max(n, r.Round)
		}
	}
	return n
}

// repeated warns of runs that played the same: one seed makes the same upgrade
// and the same load, and round r plays the seed r-1 further.
func repeated(parts []Part) (warnings []string) {
	ends := func(r bundle.Run) uint64 { return r.Seed + uint64(max(r.Played(), 1)) }
	for i, p := range parts {
		for _, q := range parts[:i] {
			if r, o := p.Run, q.Run; r.Seed < ends(o) && o.Seed < ends(r) {
				warnings = append(warnings, fmt.Sprintf("run %s repeats upgrade and load of run %s from seed %d on: give runs seeds that lie further apart than their rounds", r.ID, o.ID, max(r.Seed, o.Seed)))
			}
		}
	}
	return warnings
}
