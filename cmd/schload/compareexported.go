package main

import (
	"errors"
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

// exported says whether a path is a file of exports: a file, and not one in a
// bundle, by which that may be named.
func exported(path string) bool {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return false
	}
	_, err = os.Stat(filepath.Join(filepath.Dir(path), "run.json"))
	return err != nil
}

// openAll opens the bundles that the paths name, and behind them the runs that
// files of exports hold. Runs of which there are metrics alone are returned
// apart.
func openAll(paths []string) (bundles []*bundle.Bundle, alone []bundle.Export, err error) {
	var dirs, files []string
	for _, path := range paths {
		if exported(path) {
			files = append(files, path)
		} else {
			dirs = append(dirs, path)
		}
	}
	if dirs, err = directories(dirs); err != nil {
		return nil, nil, err
	}
	for _, dir := range dirs {
		b, err := bundle.Open(dir)
		if err != nil {
			return nil, nil, err
		}
		bundles = append(bundles, b)
	}
	if len(files) == 0 {
		return bundles, nil, nil
	}
	exports, err := bundle.ReadExports(files)
	if err != nil {
		return nil, nil, err
	}
	for _, x := range exports {
		if x.Whole == nil {
			alone = append(alone, x)
			continue
		}
		bundles = append(bundles, x.Whole)
	}
	return bundles, alone, nil
}

// compareAlone prints what metrics alone tell, run by run. What judges, or needs
// more than metrics tell, is refused.
func compareAlone(out io.Writer, runs []bundle.Export, flags *pflag.FlagSet) (err error) {
	flags.Visit(func(given *pflag.Flag) {
		if err == nil {
			err = fmt.Errorf("--%s needs bundles, or runs that were exported whole (--export-marks): of run %s there is the table of its metrics alone: %s",
				given.Name, runs[0].RunID, runs[0].Lacking)
		}
	})
	if err != nil {
		return usageError(err)
	}
	var summaries []compare.Summary
	var exports []bundle.Exported
	for _, x := range runs {
		s, err := compare.Exported(x.Alone)
		if err != nil {
			return usageError(fmt.Errorf("run %s: %w", x.RunID, err))
		}
		summaries, exports = append(summaries, s), append(exports, x.Alone)
	}
	compare.ContrastExported(exports, summaries)
	err = report.Contrast(out, summaries)
	for i, s := range summaries {
		err = errors.Join(err, report.Exported(out, s, extent(runs[i]), runs[i].Lacking))
	}
	return err
}

// extent says what the points cover.
func extent(x bundle.Export) string {
	to := x.Alone.To.Format(time.RFC3339Nano)
	if x.Alone.Deltas {
		return fmt.Sprintf("covered: %s to %s; whether the run began earlier or went on, deltas do not tell\n", x.Alone.From.Format(time.RFC3339Nano), to)
	}
	return fmt.Sprintf("covered: from the run's beginning to %s; whether the run went on, metrics do not tell\n", to)
}
