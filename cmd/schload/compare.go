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
	"github.com/spf13/pflag"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/internal/prometheus"
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
		Use:   "compare BUNDLE|FILE.jsonl|prometheus://HOST:PORT?run=ID...",
		Short: "Print the table of one run, or of several side by side, from their bundles alone",
		Long: "Print the table of one run, or of several side by side, from their bundles alone. A directory of bundles, such as runs or\n" +
			"a matrix's cells, stands for those in it. In what several runs differ is said above the table. With --json an array of\n" +
			"summaries. The exit code is 4 if one of them is invalid, else 3 if what --fail-on names came true; an incomplete run is said\n" +
			"to be so. Objectives are those that a run was made with.\n\n" +
			"With --together the rounds of all runs are judged as rounds of one experiment. Runs that did not do the same (profile,\n" +
			"upgrade, versions, machine) are refused, unless --force ignores it; it is said what was ignored.\n\n" +
			"FILE.jsonl is OTLP/JSON as --otlp-file or a collector's file exporter writes it, one run or several in one file or several. Of runs\n" +
			"with --export-marks it is what their bundles have, number by number; of others the table shows what metrics alone tell.\n\n" +
			"prometheus://HOST:PORT?run=ID (HTTPS: prometheuss://) is a run on a Prometheus server, exported to it with native histograms; several\n" +
			"runs (&run=ID, or further servers) stand side by side. since=48h says how far back it is looked for (15 days), timeout=1m how long a\n" +
			"query may take (30s). SCHLOAD_PROMETHEUS_TOKEN, or SCHLOAD_PROMETHEUS_USER and SCHLOAD_PROMETHEUS_PASSWORD, are the credentials.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.gate.validate(cmd.Flags().Changed); err != nil {
				return usageError(err)
			}
			if slices.ContainsFunc(args, prometheus.Is) {
				return comparePrometheus(cmd.Context(), cmd.OutOrStdout(), args, cmd.Flags())
			}
			return f.compare(cmd.OutOrStdout(), args, cmd.Flags())
		},
	}
	cmd.Flags().BoolVar(&f.json, "json", false, "print the summaries as JSON instead of the table")
	cmd.Flags().BoolVar(&f.together, "together", false, "judge the rounds of all runs together; with --json print that alone")
	cmd.Flags().BoolVar(&f.force, "force", false, "with --together, also of runs that did not do the same")
	registerStrict(cmd.Flags(), &f.strict)
	f.gate.register(cmd.Flags())
	return cmd
}

func (f compareFlags) compare(out io.Writer, paths []string, flags *pflag.FlagSet) error {
	if f.force && !f.together {
		return usageError(errors.New("--force without --together: there is nothing to refuse"))
	}
	bundles, alone, err := openAll(paths)
	if err != nil {
		return usageError(err)
	}
	if len(alone) > 0 {
		if len(bundles) > 0 {
			return usageError(fmt.Errorf("run %s is known by its metrics alone (%s): give its file without others", alone[0].RunID, alone[0].Lacking))
		}
		return compareAlone(out, alone, flags)
	}
	parts, summaries, err := summarizeAll(bundles)
	if err != nil {
		return usageError(err)
	}
	compare.Contrast(parts, summaries)
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

// summarize reads bundles by their directories.
func summarize(dirs []string) ([]compare.Part, []compare.Summary, error) {
	var bundles []*bundle.Bundle
	for _, dir := range dirs {
		b, err := bundle.Open(dir)
		if err != nil {
			return nil, nil, err
		}
		bundles = append(bundles, b)
	}
	return summarizeAll(bundles)
}

// summarizeAll computes the summaries, as many at a time as there are processors.
// The error is that of the first that cannot be read.
func summarizeAll(bundles []*bundle.Bundle) ([]compare.Part, []compare.Summary, error) {
	parts, summaries, errs := make([]compare.Part, len(bundles)), make([]compare.Summary, len(bundles)), make([]error, len(bundles))
	var all sync.WaitGroup
	turn := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, b := range bundles {
		turn <- struct{}{}
		all.Go(func() {
			parts[i], errs[i] = compare.Judge(b)
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

// unlike names the way out, where there is one.
func unlike(err error) error {
	if errors.Is(err, compare.ErrUnlike) {
		return fmt.Errorf("%w; --force ignores it", err)
	}
	return err
}
