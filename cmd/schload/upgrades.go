package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"schload/handoff/upgrade"
)

func newUpgrades() *cobra.Command {
	var set []string
	var source bool
	cmd := &cobra.Command{
		Use:               "upgrades [NAME]",
		Short:             "List the upgrades, or explain one: prose, parameters with their origins, timeline",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) { return upgrade.Names(), 0 },
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return listUpgrades(cmd)
			case source:
				text, err := upgrade.Source(args[0])
				if err == nil {
					_, err = cmd.OutOrStdout().Write(text)
				}
				return usageError(err)
			}
			u, err := upgrade.Load(args[0])
			if err == nil {
				u, err = u.Set(set)
			}
			if err != nil {
				return usageError(err)
			}
			return u.Explain(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&source, "yaml", false, "print the file it is made of, a start for your own: schload run --upgrade mine.yaml")
	cmd.Flags().StringArrayVar(&set, "set", nil, "parameter of the upgrade, KEY=VALUE; may be repeated")
	return cmd
}

func listUpgrades(cmd *cobra.Command) error {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tSCH SUPPORT\tDATABASE\tSUMMARY")
	for _, name := range upgrade.Names() {
		u, err := upgrade.Load(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", u.Name, u.SCH, u.Database, u.Brief())
	}
	return w.Flush()
}
