package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/internal/merge"
	"schload/internal/report"
)

// mergeFlags are the flags of merge.
type mergeFlags struct {
	out         string
	force, json bool
}

func newMerge() *cobra.Command {
	var f mergeFlags
	cmd := &cobra.Command{
		Use:   "merge BUNDLE... --out DIR",
		Short: "Add the bundles of several workers of one run into one, exactly",
		Long: "Add the bundles of several workers of one run (schload run --worker) into one, exactly: histograms bucket by bucket,\n" +
			"counters as sums, marks in the order of their instants. The merged bundle is read by compare and report like any other.\n\n" +
			"Instants are put on one axis by the workers' wall clocks; how far their bases lie apart is printed and recorded. An arm\n" +
			"of the whole was out when no worker had a success; docs/METHODOLOGY.md says how that and the gauges are computed.\n" +
			"Bundles of runs that did not do the same are refused, unless --force ignores it; then it is said what was ignored. A\n" +
			"worker that is missing or did not end properly is named. The exit code is 4 if the merged run is invalid.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.out == "" {
				return usageError(errors.New("--out is missing: name the directory of the merged bundle"))
			}
			return f.merge(cmd, args)
		},
	}
	cmd.Flags().StringVar(&f.out, "out", "", "the directory of the merged bundle; it must not exist")
	cmd.Flags().BoolVar(&f.force, "force", false, "merge bundles that are not of one run, and leave out what cannot be read")
	cmd.Flags().BoolVar(&f.json, "json", false, "print the merged summary as JSON instead of the table")
	return cmd
}

func (f mergeFlags) merge(cmd *cobra.Command, dirs []string) error {
	ctx := cmd.Context()
	m, err := merge.Merge(ctx, dirs, f.out, merge.Options{Force: f.force})
	if ctx.Err() != nil && err != nil {
		return interrupted(ctx, err)
	}
	if errors.Is(err, merge.ErrUnlike) {
		err = fmt.Errorf("%w; --force ignores it", err)
	}
	switch {
	case errors.Is(err, merge.ErrWrite):
		return err
	case err != nil:
		return usageError(err)
	}
	stderr := cmd.ErrOrStderr()
	printWorkers(stderr, m)
	summary, err := compare.Save(f.out)
	if err != nil {
		return err
	}
	keepReport(stderr, f.out, summary)
	if f.json {
		err = writeJSON(cmd.OutOrStdout(), summary)
	} else {
		err = report.Text(cmd.OutOrStdout(), summary)
	}
	return errors.Join(err, invalid([]compare.Summary{summary}))
}

// printWorkers says what was added, and how far the workers' clocks' bases lie
// apart.
func printWorkers(out io.Writer, m bundle.Merge) {
	for _, w := range m.Workers {
		switch {
		case w.Missing != "":
			fmt.Fprintf(out, "worker %s: missing: %s\n", w.Name, w.Missing)
		case !w.Complete:
			fmt.Fprintf(out, "worker %s: base +%v, %d intervals up to %v, incomplete\n", w.Name, w.Offset.Duration(), w.Intervals, w.To.Duration())
		default:
			fmt.Fprintf(out, "worker %s: base +%v, %d intervals up to %v\n", w.Name, w.Offset.Duration(), w.Intervals, w.To.Duration())
		}
	}
	for _, text := range m.Ignored {
		fmt.Fprintf(out, "ignored: %s\n", text)
	}
}
