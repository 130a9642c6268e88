package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/internal/report"
)

// gate is what CI wants of runs: conditions that fail them, and a JUnit file.
type gate struct {
	failOn failOn
	junit  string
	seen   []compare.Summary // of a command that makes several runs, the newest last
}

func (g *gate) register(flags *pflag.FlagSet) {
	g.failOn.register(flags)
	flags.StringVar(&g.junit, "junit", "", "also write the verdicts to this file as JUnit XML, replaced whole: a suite for each run")
}

// validate reports flags that cannot be meant.
func (g *gate) validate(given func(name string) bool) error {
	if given("junit") && g.junit == "" {
		return errors.New("--junit needs a file to write")
	}
	if g.junit != "" {
		if err := bundle.CheckOutput(g.junit); err != nil {
			return fmt.Errorf("--junit: %w", err)
		}
	}
	return g.failOn.validate()
}

// add takes one more run of a command that makes several: the JUnit file has
// all of them, the newest where there is no end of them.
func (g *gate) add(s compare.Summary) error {
	if s.RunID == "" {
		return nil // the bundle cannot be read, which is said elsewhere
	}
	if g.seen = append(g.seen, s); len(g.seen) > kept {
		g.seen = g.seen[1:]
	}
	return g.write(g.seen)
}

// write writes the JUnit file, if one is wanted.
func (g *gate) write(runs []compare.Summary) error {
	if g.junit == "" {
		return nil
	}
	if err := bundle.WriteWhole(g.junit, func(w io.Writer) error { return report.JUnit(w, runs) }); err != nil {
		return fmt.Errorf("--junit: %w", err)
	}
	return nil
}

// severity orders errors of several runs: one that could not be made is worse
// than one that is invalid, and that is worse than one that shows what is
// not wanted.
func severity(err error) int {
	switch exitCode(err) {
	case 0:
		return 0
	case codeNotMet:
		return 1
	case codeInvalid:
		return 2
	}
	return 3
}
