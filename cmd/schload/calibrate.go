package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"schload/internal/bundle"
	"schload/internal/calibrate"
)

func newCalibrate() *cobra.Command {
	var c calibrate.Config
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "calibrate",
		Short: "Test the instrument itself on this machine, in about a minute, and print a certificate",
		Long: "Give the engine, the recorder, the bundle and the ledger what is known beforehand, and hold what they find against it.\n" +
			"It needs nothing but this machine: targets are in memory or on loopback. Checks: " + strings.Join(calibrate.Names(), ", ") + ".\n\n" +
			"PASS: found what was known. FAIL: the instrument is wrong on this machine. NOISY: the machine was too busy to tell, so\n" +
			"that check neither passed nor failed: the exit code is 0, and calibrating again on a quieter machine may tell.\n\n" +
			"Exit codes: 0 no check failed (PASS or NOISY), 1 a check failed, 2 usage, 130 interrupted.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := buildVersions()
			c.Versions = bundle.Versions{Schload: v["schload"], GoRedis: v["go-redis"]}
			c.Began = func(done string) { fmt.Fprintln(cmd.ErrOrStderr(), "calibrate:", done) }
			if err := c.Validate(); err != nil {
				return usageError(err)
			}
			certificate, err := calibrate.Run(cmd.Context(), c)
			if err != nil {
				return err
			}
			if asJSON {
				err = writeJSON(cmd.OutOrStdout(), certificate)
			} else {
				err = certificate.Text(cmd.OutOrStdout())
			}
			return errors.Join(err, uncertified(certificate))
		},
	}
	cmd.Flags().Uint64Var(&c.Seed, "seed", 1, "of everything drawn")
	cmd.Flags().StringSliceVar(&c.Only, "only", nil, "make these checks alone: "+strings.Join(calibrate.Names(), ", "))
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the certificate as JSON")
	return cmd
}

// uncertified returns an error if a check failed.
func uncertified(c calibrate.Certificate) error {
	var failed []string
	for _, l := range c.Lines {
		if l.Verdict == calibrate.Fail {
			failed = append(failed, l.Name)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return fmt.Errorf("the instrument failed on this machine: %s", strings.Join(failed, ", "))
}
