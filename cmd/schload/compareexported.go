package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/internal/report"
)

// exported says whether a path is a file of exported metrics: a file, and not
// one in a bundle, by which that may be named.
func exported(path string) bool {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return false
	}
	_, err = os.Stat(filepath.Join(filepath.Dir(path), "run.json"))
	return err != nil
}

// compareExported prints what one file of exported metrics tells. What judges,
// or needs more than metrics tell, is refused.
func (f compareFlags) compareExported(out io.Writer, paths []string, flags *pflag.FlagSet) (err error) {
	if len(paths) > 1 {
		return usageError(fmt.Errorf("%d paths, one of them a file of exported metrics: give such a file alone", len(paths)))
	}
	flags.Visit(func(given *pflag.Flag) {
		if err == nil {
			err = usageError(fmt.Errorf("--%s needs a bundle: %s is a file of exported metrics, of which there is the table alone", given.Name, paths[0]))
		}
	})
	if err != nil {
		return err
	}
	e, err := bundle.ReadExported(paths[0])
	if err != nil {
		return usageError(err)
	}
	s, err := compare.Exported(e)
	if err != nil {
		return usageError(fmt.Errorf("%s: %w", paths[0], err))
	}
	extent := fmt.Sprintf("covered: from the run's beginning to %s; whether the run went on, exports do not tell\n", e.To.Format(time.RFC3339Nano))
	if e.Deltas {
		extent = fmt.Sprintf("covered: %s to %s; whether the run began earlier or went on, deltas do not tell\n", e.From.Format(time.RFC3339Nano), e.To.Format(time.RFC3339Nano))
	}
	return report.Exported(out, s, extent, paths[0])
}
