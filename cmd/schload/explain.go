package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/internal/explain"
)

// explainFormats are those of schload explain.
var explainFormats = map[string]func(io.Writer, compare.Summary, []explain.Finding) error{
	"text": explain.Text, "markdown": explain.Markdown, "json": explain.JSON,
}

func newExplain() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "explain BUNDLE",
		Short: "Say why a run came out as it did, from its evidence, and what to do about it",
		Long: "Say in words why a run came out as it did: what kept handoffs from happening, why commands timed out all the\n" +
			"same, why connections were closed, with the figures, instants and connections it rests on, the cause, the fix and\n" +
			"where it is documented (docs/EXPLAIN.md lists all of them). Findings are no failure: the exit code is 0 whatever\n" +
			"they are, and 2 if the bundle cannot be read.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			write, ok := explainFormats[format]
			if !ok {
				return usageError(fmt.Errorf("--format %q is not known: it is text, markdown or json", format))
			}
			b, err := bundle.Open(args[0])
			if err != nil {
				return usageError(err)
			}
			s, err := compare.Summarize(b)
			if err != nil {
				return usageError(err)
			}
			list, err := explain.Explain(b, s)
			if err != nil {
				return usageError(err)
			}
			return write(cmd.OutOrStdout(), s, list)
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "text, markdown or json")
	return cmd
}
