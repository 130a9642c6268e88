package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"schload/internal/matrix"
	"schload/internal/report"
)

// matrixFlags are the flags of matrix. Those of run that it shares are run's.
type matrixFlags struct {
	run      runFlags
	profiles []string
	upgrades []string
	quick    bool
	parallel int
	format   string
	dry      bool
	again    bool // play cells again in which the harness was the bottleneck
	gate     gate
}

func newMatrix() *cobra.Command {
	var f matrixFlags
	cmd := &cobra.Command{
		Use:   "matrix",
		Short: "Play every upgrade with every arm, several rounds each, and print one table",
		Long: "Play profiles x upgrades, each with all arms and several rounds, and print one table with a verdict for each.\n" +
			"Every cell is a run with its own bundle, in DIR/cells; DIR holds the table as matrix.json, .csv, .md and .html.\n" +
			"Interrupted or killed, it continues where it stopped when it is started again with the same flags and --out DIR:\n" +
			"finished cells are checked and kept, all others are played again.\n\n" +
			"--quick takes about 10 minutes for all upgrades: 100 operations a second, short baselines, several cells side by\n" +
			"side, and only upgrades that are longer than that quickened. Without it, cells are played one after the other.\n" +
			"--dry-run says what would be played, how fast, and how long it would take.\n\n" +
			"Exit codes: 0 ok, 1 failed, 2 usage or bad input, 3 --fail-on, 4 a cell is invalid or could not be played (the others are\n" +
			"there all the same), 130 interrupted.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.matrix(cmd) },
	}
	f.register(cmd)
	return cmd
}

func (f *matrixFlags) register(cmd *cobra.Command) {
	flags, r := cmd.Flags(), &f.run
	flags.StringSliceVar(&f.profiles, "profiles", []string{"default"}, "profiles, by name or file")
	flags.StringSliceVar(&f.upgrades, "upgrades", nil, "upgrades, by name or file (default: all of schload upgrades)")
	flags.StringSliceVar(&r.arms, "arms", nil, "arms, such as on,off,off-relaxed (default: the profile's, else on,off); each arm more takes rounds more to be judged")
	flags.IntVar(&r.rounds, "rounds", 6, "how often each upgrade is played; fewer than 6 show no difference")
	registerOrder(flags, &r.order)
	flags.BoolVar(&f.quick, "quick", false, "about 10 minutes for all upgrades")
	flags.IntVar(&f.parallel, "parallel", 0, "cells at a time (default: one, or what --quick needs)")
	flags.StringVar(&r.rate, "rate", "", "operations a second of each arm (default: the profile's, with --quick 100)")
	flags.Float64Var(&r.speed, "speed", 0, "compresses the upgrades' time (default: the profile's, else 1)")
	flags.Uint64Var(&r.seed, "seed", 0, "of everything drawn")
	flags.DurationVar(&r.warmup, "warmup", 0, "load before anything is counted (with --quick 1s)")
	flags.DurationVar(&r.baseline, "baseline", 0, "load before the upgrade, in each round (with --quick 2s)")
	flags.DurationVar(&r.recovery, "recovery", 0, "load after the upgrade, in each round (with --quick 3s)")
	flags.DurationVar(&r.late, "late-after", 0, "a success with a longer response time is late")
	flags.DurationVar(&r.outage, "outage-after", 0, "no success for longer than this, although operations are due, is an outage")
	flags.StringVar(&r.out, "out", "", "directory of the matrix (default runs/matrix-<id>); one that was begun is finished")
	flags.StringVar(&f.format, "format", "text", "what is printed: "+strings.Join(matrixFormatNames(), ", "))
	flags.BoolVar(&f.again, "retry-saturated", false, "of a matrix that was begun, also play cells again in which the harness was the bottleneck")
	f.gate.register(flags)
	flags.BoolVar(&f.dry, "dry-run", false, "print what would be played, and play nothing")
}

func (f *matrixFlags) matrix(cmd *cobra.Command) error {
	write, ok := matrixFormats[f.format]
	if !ok {
		return usageError(fmt.Errorf("--format %q is not known: it is one of %s", f.format, strings.Join(matrixFormatNames(), ", ")))
	}
	if err := f.check(cmd); err != nil {
		return usageError(err)
	}
	drawn, err := f.draw(cmd)
	if err != nil {
		return usageError(err)
	}
	if f.dry {
		return report.MatrixPlan(cmd.OutOrStdout(), drawn.plan)
	}
	dir := f.run.out
	if dir == "" {
		dir = filepath.Join("runs", "matrix-"+newRunID())
	}
	m, err := matrix.Begin(dir, drawn.plan, time.Now().UTC().Truncate(time.Second))
	if err != nil {
		return usageError(err)
	}
	view := newMatrixView(cmd.ErrOrStderr())
	view.say(fmt.Sprintf("%d cells in %s, about %v", len(m.Plan.Cells), dir, m.Plan.Expected.Duration().Round(time.Second)))
	player := matrix.Player{Run: drawn.play, Strict: f.again, Changed: view.show, Event: view.say}
	err = player.Play(cmd.Context(), m)
	view.end()
	err = errors.Join(f.results(cmd.OutOrStdout(), m, write), matrixOutcome(cmd.Context(), m, err))
	if err == nil {
		err = f.gate.failOn.check(m.Summaries(), nil)
	}
	return err
}

// results leaves the table in the matrix's directory in every format, and
// prints it in one.
func (f *matrixFlags) results(stdout io.Writer, m *matrix.Matrix, write func(io.Writer, *matrix.Matrix) error) error {
	return errors.Join(keepTables(m), f.gate.write(m.Summaries()), write(stdout, m))
}

// matrixOutcome chooses the error, and with it the exit code.
func matrixOutcome(ctx context.Context, m *matrix.Matrix, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("%w: start it again with --out %s to go on", cause, m.Dir)
	}
	if err != nil {
		return err
	}
	return badCells(m)
}

// badCells returns an error if cells were played and say nothing.
func badCells(m *matrix.Matrix) error {
	var bad []string
	for _, r := range m.Bad() {
		bad = append(bad, fmt.Sprintf("%s with profile %s is %s: %s", r.Upgrade, r.Profile, r.State, strings.Join(r.Reasons, "; ")))
	}
	if len(bad) > 0 {
		return invalidError(fmt.Errorf("%d of %d cells say nothing: %s", len(bad), len(m.Rows), strings.Join(bad, " | ")))
	}
	return nil
}

func matrixFormatNames() (names []string) {
	for name := range matrixFormats {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
