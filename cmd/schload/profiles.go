package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"schload/profiles"
)

func newProfiles() *cobra.Command {
	return &cobra.Command{
		Use:   "profiles [NAME]",
		Short: "List the run profiles, or print one as a start for your own",
		Args:  cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return profiles.Names(), 0
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return listProfiles(cmd)
			}
			text, err := profiles.Source(args[0])
			if err != nil {
				return usageError(err)
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
}

func listProfiles(cmd *cobra.Command) error {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tUPGRADE\tSUMMARY")
	for _, name := range profiles.Names() {
		p, err := profiles.Load(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", p.Name, p.WithDefaults().Upgrade, p.Summary)
	}
	return w.Flush()
}
