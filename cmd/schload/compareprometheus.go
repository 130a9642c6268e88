package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/internal/prometheus"
	"schload/internal/report"
)

// comparePrometheus prints what a Prometheus server has of runs, side by side.
// What judges, or needs more than metrics tell, is refused.
func comparePrometheus(ctx context.Context, out io.Writer, paths []string, flags *pflag.FlagSet) (err error) {
	flags.Visit(func(given *pflag.Flag) {
		if err == nil {
			err = usageError(fmt.Errorf("--%s needs a bundle: %s is a Prometheus server, of which there is the table alone", given.Name, shown(paths)))
		}
	})
	if err != nil {
		return err
	}
	var sources []prometheus.Source
	for _, path := range paths {
		if !prometheus.Is(path) {
			return usageError(fmt.Errorf("%s is no Prometheus server, the others are: compare bundles with bundles, servers with servers", path))
		}
		list, err := prometheus.Parse(path)
		if err != nil {
			return usageError(err)
		}
		sources = append(sources, list...)
	}
	credentials, err := prometheus.FromEnvironment(os.Getenv)
	if err != nil {
		return usageError(err)
	}
	var runs []report.Served
	var exports []bundle.Exported
	var summaries []compare.Summary
	for _, s := range sources {
		if slices.ContainsFunc(runs, func(r report.Served) bool { return r.Source == s.Server && r.Summary.RunID == s.Run }) {
			return usageError(fmt.Errorf("run %s of %s is named twice", s.Run, s.Server))
		}
		e, err := prometheus.Read(ctx, s, credentials, time.Now())
		if ctx.Err() != nil {
			return interrupted(ctx, err)
		}
		if errors.Is(err, prometheus.ErrServer) {
			return err
		}
		if err != nil {
			return usageError(err)
		}
		summary, err := compare.Exported(e)
		if err != nil {
			return usageError(fmt.Errorf("%s: %w", s, err))
		}
		exports, summaries = append(exports, e), append(summaries, summary)
		runs = append(runs, report.Served{Summary: summary, To: e.To, Source: s.Server})
	}
	compare.ContrastExported(exports, summaries)
	for i := range runs {
		runs[i].Summary = summaries[i]
	}
	return report.Prometheus(out, runs)
}

// shown is the first of the paths that is a server, without what may be secret.
func shown(paths []string) string {
	for _, path := range paths {
		if list, err := prometheus.Parse(path); err == nil && prometheus.Is(path) {
			return list[0].Server
		}
	}
	return "one of the sources"
}
