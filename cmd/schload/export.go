package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/internal/export"
	"schload/internal/report"
)

// bundleExportFlags are the flags of export.
type bundleExportFlags struct {
	to, out, endpoint, shiftTo string
	headers                    []string
	keepTime                   bool
}

// texts are the formats that are one text; hgrm is several files, otlp may be sent.
var texts = map[string]func(io.Writer, *bundle.Bundle, compare.Summary) error{
	"hlog": export.HLog, "csv": export.CSV, "openmetrics": export.OpenMetrics, "benchstat": export.Benchstat, "parquet": export.Parquet,
}

var exportFormats = []string{"hgrm", "hlog", "csv", "parquet", "openmetrics", "benchstat", "otlp"}

func newExport() *cobra.Command {
	var f bundleExportFlags
	cmd := &cobra.Command{
		Use:   "export BUNDLE --to FORMAT",
		Short: "Write a bundle's numbers in the format of another tool, or send them to an OTLP receiver",
		Long: "Write a bundle's numbers in the format of another tool:\n" +
			"  hgrm         HdrHistogram percentiles, a file for each arm, phase and time in the directory --out\n" +
			"  hlog         an HdrHistogram log, a line for each interval, tagged ARM.PHASE.TIME\n" +
			"  csv          a row for each series\n" +
			"  parquet      the same rows as an Apache Parquet file with typed columns, histograms with their buckets\n" +
			"  openmetrics  the totals as OpenMetrics text\n" +
			"  benchstat    Go's benchmark format, a sample for each round\n" +
			"  otlp         the recorded intervals as OTLP/JSON lines, or sent to --endpoint by HTTP\n" +
			"docs/BUNDLE.md says how exact each is. The exit code is 4 if the run is invalid; what was asked for is written all the same.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd.Flags().Changed); err != nil {
				return usageError(err)
			}
			b, err := bundle.Open(args[0])
			if err != nil {
				return usageError(err)
			}
			s, err := compare.Summarize(b)
			if err != nil {
				return usageError(err)
			}
			for _, text := range b.Warnings {
				fmt.Fprintf(cmd.ErrOrStderr(), "schload: warning: %s\n", text)
			}
			if text := report.Saturated(s); text != "" {
				fmt.Fprintf(cmd.ErrOrStderr(), "schload: saturated: %s\n", text)
			}
			return errors.Join(f.export(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), b, s), invalid([]compare.Summary{s}))
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.to, "to", "", strings.Join(exportFormats, ", "))
	flags.StringVarP(&f.out, "out", "o", "", "the file to write, replaced whole (hgrm: the directory); without it stdout")
	flags.StringVar(&f.endpoint, "endpoint", "", "otlp: send to this receiver, http://host:4318, instead of writing")
	flags.StringArrayVar(&f.headers, "otlp-header", nil, "otlp: header of each request, NAME=VALUE; may be repeated")
	flags.StringVar(&f.shiftTo, "shift-to", "", "otlp: now moves all instants so that the run ends now")
	flags.BoolVar(&f.keepTime, "keep-time", false, "otlp: keep the instants as recorded, the default")
	return cmd
}

func (f *bundleExportFlags) check(given func(string) bool) error {
	switch {
	case f.to == "":
		return fmt.Errorf("--to is missing: it is %s", strings.Join(exportFormats, ", "))
	case !slices.Contains(exportFormats, f.to):
		return fmt.Errorf("--to %q is not known: it is %s", f.to, strings.Join(exportFormats, ", "))
	case given("shift-to") && f.shiftTo != "now":
		return fmt.Errorf("--shift-to %q: it is now, or leave the flag out", f.shiftTo)
	case f.keepTime && given("shift-to"):
		return errors.New("--keep-time and --shift-to exclude each other: give one")
	case given("endpoint") && given("out"):
		return errors.New("--endpoint and --out exclude each other: send or write")
	case f.to == "hgrm" && (f.out == "" || f.out == "-"):
		return errors.New("--to hgrm writes several files: name a directory with --out DIR")
	case f.to == "parquet" && f.out == "":
		return errors.New("--to parquet is no text: name a file with --out FILE, or - for stdout")
	}
	if f.to == "otlp" {
		return nil
	}
	for _, name := range []string{"endpoint", "otlp-header", "shift-to", "keep-time"} {
		if given(name) {
			return fmt.Errorf("--%s is for --to otlp, not %s", name, f.to)
		}
	}
	return nil
}

func (f *bundleExportFlags) export(ctx context.Context, stdout, stderr io.Writer, b *bundle.Bundle, s compare.Summary) error {
	switch f.to {
	case "hgrm":
		names, err := export.HGRM(f.out, b, s)
		if err != nil {
			return usageError(err)
		}
		fmt.Fprintf(stderr, "schload: %d files in %s\n", len(names), f.out)
		return nil
	case "otlp":
		return f.otlp(ctx, stdout, stderr, b)
	}
	return writeTo(stdout, f.out, func(w io.Writer) error { return texts[f.to](w, b, s) })
}

func (f *bundleExportFlags) otlp(ctx context.Context, stdout, stderr io.Writer, b *bundle.Bundle) (err error) {
	var shift export.Shift
	if f.shiftTo != "" {
		if shift, err = export.ShiftTo(b, time.Now()); err != nil {
			return usageError(err)
		}
	}
	if f.endpoint == "" {
		return writeTo(stdout, f.out, func(w io.Writer) error { return export.OTLP(w, b, shift) })
	}
	headers, err := (&exportFlags{headers: f.headers}).header()
	if err != nil {
		return usageError(err)
	}
	to, err := export.NewReceiver(f.endpoint, headers)
	if err != nil {
		return usageError(err)
	}
	sent, err := to.Send(ctx, b, shift)
	if err != nil {
		return err
	}
	fmt.Fprintf(stderr, "schload: %d intervals sent\n", sent)
	return nil
}
