package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/internal/report"
)

func newCompare() *cobra.Command {
	var asJSON, strict bool
	cmd := &cobra.Command{
		Use:   "compare BUNDLE...",
		Short: "Print the table of one run, or of several side by side, from their bundles alone",
		Long: "Print the table of one run, or of several side by side, from their bundles alone; with --json an array of\n" +
			"summaries. The exit code is 4 if one of them is invalid; an incomplete one is said to be so.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			summaries, err := summarize(args)
			if err != nil {
				return usageError(err)
			}
			if asJSON {
				err = writeJSON(cmd.OutOrStdout(), summaries)
			} else {
				err = report.Text(cmd.OutOrStdout(), summaries...)
			}
			if strict {
				err = errors.Join(err, saturated(summaries...))
			}
			return errors.Join(err, invalid(summaries))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the summaries as JSON instead of the table")
	registerStrict(cmd.Flags(), &strict)
	return cmd
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

func summarize(dirs []string) ([]compare.Summary, error) {
	summaries := make([]compare.Summary, len(dirs))
	for i, dir := range dirs {
		b, err := bundle.Open(dir)
		if err != nil {
			return nil, err
		}
		if summaries[i], err = compare.Summarize(b); err != nil {
			return nil, err
		}
	}
	return summaries, nil
}
