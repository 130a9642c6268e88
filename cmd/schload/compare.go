package main

import (
	"encoding/json"
	"io"

	"github.com/spf13/cobra"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/internal/report"
)

func newCompare() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "compare BUNDLE...",
		Short: "Print the table of one run, or of several side by side, from their bundles alone",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			summaries, err := summarize(args)
			if err != nil {
				return usageError(err)
			}
			if !asJSON {
				return report.Text(cmd.OutOrStdout(), summaries...)
			}
			return writeJSON(cmd.OutOrStdout(), summaries)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the summaries as JSON instead of the table")
	return cmd
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
