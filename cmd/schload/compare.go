package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/internal/report"
)

// compareFlags are the flags of compare.
type compareFlags struct {
	json, strict, together, force bool
	gate                          gate
}

func newCompare() *cobra.Command {
	var f compareFlags
	cmd := &cobra.Command{
		Use:   "compare BUNDLE...|FILE.jsonl",
		Short: "Print the table of one run, or of several side by side, from their bundles alone",
		Long: "Print the table of one run, or of several side by side, from their bundles alone. A directory of bundles, such as runs or\n" +
			"a matrix's cells, stands for those in it. With --json an array of\n" +
			"summaries. The exit code is 4 if one of them is invalid, else 3 if what --fail-on names came true; an incomplete run is said\n" +
			"to be so. Objectives are those that a run was made with.\n\n" +
			"With --together the rounds of all runs are judged as rounds of one experiment. Runs that did not do the same (profile,\n" +
			"upgrade, versions, machine) are refused, unless --force ignores it; it is said what was ignored.\n\n" +
			"FILE.jsonl is OTLP/JSON as --otlp-file or a collector's file exporter writes it. Of it the table shows what metrics alone tell.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.gate.validate(cmd.Flags().Changed); err != nil {
				return usageError(err)
			}
			if slices.ContainsFunc(args, exported) {
				return f.compareExported(cmd.OutOrStdout(), args, cmd.Flags())
			}
			return f.compare(cmd.OutOrStdout(), args)
		},
	}
	cmd.Flags().BoolVar(&f.json, "json", false, "print the summaries as JSON instead of the table")
	cmd.Flags().BoolVar(&f.together, "together", false, "judge the rounds of all runs together; with --json print that alone")
	cmd.Flags().BoolVar(&f.force, "force", false, "with --together, also of runs that did not do the same")
	registerStrict(cmd.Flags(), &f.strict)
	f.gate.register(cmd.Flags())
	return cmd
}

func (f compareFlags) compare(out io.Writer, dirs []string) error {
	if f.force && !f.together {
		return usageError(errors.New("--force without --together: there is nothing to refuse"))
	}
	dirs, err := directories(dirs)
	if err != nil {
		return usageError(err)
	}
	parts, summaries, err := summarize(dirs)
	if err != nil {
		return usageError(err)
	}
	var all compare.Together
	if f.together {
		if all, err = compare.Join(parts, f.force); err != nil {
			return usageError(unlike(err))
		}
	}
	err = errors.Join(f.print(out, summaries, all), f.gate.write(summaries))
	if f.strict {
		err = errors.Join(err, saturated(summaries...))
	}
	if err = errors.Join(err, invalid(summaries)); err != nil {
		return err // what is invalid is not judged
	}
	if f.together {
		return f.gate.failOn.check(summaries, &all)
	}
	return f.gate.failOn.check(summaries, nil)
}

func (f compareFlags) print(out io.Writer, summaries []compare.Summary, all compare.Together) error {
	switch {
	case f.json && f.together:
		return writeJSON(out, all)
	case f.json:
		return writeJSON(out, summaries)
	case f.together:
		return errors.Join(report.Text(out, summaries...), report.Together(out, all))
	}
	return report.Text(out, summaries...)
}

// invalid returns an error if a run's numbers must not be used.
func invalid(summaries []compare.Summary) error {
	for _, s := range summaries {
		if !s.Valid {
			return invalidError(fmt.Errorf("run %s is invalid: %s", s.RunID, strings.Join(s.InvalidReasons, "; ")))
		}
	}
	return nil
}

func writeJSON(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// summarize reads bundles, as many at a time as there are processors. The error
// is that of the first that cannot be read.
func summarize(dirs []string) ([]compare.Part, []compare.Summary, error) {
	parts, summaries, errs := make([]compare.Part, len(dirs)), make([]compare.Summary, len(dirs)), make([]error, len(dirs))
	var all sync.WaitGroup
	turn := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, dir := range dirs {
		turn <- struct{}{}
		all.Go(func() {
			parts[i], errs[i] = judge(dir)
			summaries[i] = parts[i].Summary
			<-turn
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, nil, err
		}
	}
	return parts, summaries, nil
}

func judge(dir string) (compare.Part, error) {
	b, err := bundle.Open(dir)
	if err != nil {
		return compare.Part{}, err
	}
	return compare.Judge(b)
}

// unlike names the way out, where there is one.
func unlike(err error) error {
	if errors.Is(err, compare.ErrUnlike) {
		return fmt.Errorf("%w; --force ignores it", err)
	}
	return err
}
