package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"schload/internal/compare"
	"schload/internal/report"
)

func registerStrict(flags *pflag.FlagSet, strict *bool) {
	flags.BoolVar(strict, "fail-on-saturated", false, "exit with 4 when the harness itself was the bottleneck, so that the run is no verdict")
}

// saturated returns an error if the harness of a run could not measure.
func saturated(summaries ...compare.Summary) error {
	for _, s := range summaries {
		if text := report.Saturated(s); text != "" {
			return invalidError(fmt.Errorf("run %s is saturated: %s", s.RunID, text))
		}
	}
	return nil
}
