package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/internal/matrix"
	"schload/internal/report"
)

// formats are those of a report.
var formats = map[string]func(io.Writer, *bundle.Bundle, compare.Summary) error{
	"html":     report.HTML,
	"markdown": report.Markdown,
	"text":     func(w io.Writer, _ *bundle.Bundle, s compare.Summary) error { return report.Text(w, s) },
}

func newReport() *cobra.Command {
	var format, out string
	cmd := &cobra.Command{
		Use:   "report BUNDLE|MATRIX",
		Short: "Write the report of a run or a matrix: a page to forward, Markdown for a pull request, or text",
		Long: "Write the report of a run from its bundle alone, or of a matrix from its directory. html is one page with charts\n" +
			"that needs neither network nor other files, markdown a summary for a pull request, text what schload run or matrix\n" +
			"prints. The exit code is 4 if the run, or a cell of the matrix, is invalid; the report is written all the same, and\n" +
			"says so.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			write, ok := formats[format]
			of := matrix.Is(args[0])
			if of {
				_, ok = matrixFormats[format]
			}
			if !ok {
				return usageError(fmt.Errorf("--format %q is not known: it is html, markdown or text, of a matrix also csv or json", format))
			}
			if format == "html" && out == "" && isTerminal(cmd.OutOrStdout()) {
				return usageError(errors.New("a page is not for a terminal: name a file with -o report.html, or use --format text"))
			}
			if of {
				return reportMatrix(cmd.OutOrStdout(), args[0], format, out)
			}
			b, err := bundle.Open(args[0])
			if err != nil {
				return usageError(err)
			}
			s, err := compare.Summarize(b)
			if err != nil {
				return usageError(err)
			}
			err = writeTo(cmd.OutOrStdout(), out, func(w io.Writer) error { return write(w, b, s) })
			return errors.Join(err, invalid([]compare.Summary{s}))
		},
	}
	names := slices.Sorted(maps.Keys(formats))
	cmd.Flags().StringVar(&format, "format", "html", strings.Join(names, ", ")+"; of a matrix also csv, json")
	cmd.Flags().StringVarP(&out, "output", "o", "", "the file to write, replaced whole; without it stdout")
	return cmd
}

// reportMatrix writes the report of a matrix, computed again from its bundles.
func reportMatrix(stdout io.Writer, dir, format, out string) error {
	m, err := matrix.Open(dir)
	if err != nil {
		return usageError(err)
	}
	m.Read()
	err = writeTo(stdout, out, func(w io.Writer) error { return matrixFormats[format](w, m) })
	return errors.Join(err, badCells(m))
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func writeTo(stdout io.Writer, file string, write func(io.Writer) error) error {
	if file == "" || file == "-" {
		return write(stdout)
	}
	if err := bundle.CheckOutput(file); err != nil {
		return usageError(err)
	}
	return bundle.WriteWhole(file, write)
}

// keepReport leaves the page in the bundle. A run does not fail for want of it.
func keepReport(stderr io.Writer, dir string, s compare.Summary) {
	if s.RunID == "" {
		return // the bundle cannot be read, which is said elsewhere
	}
	b, err := bundle.Open(dir)
	if err == nil {
		err = b.WriteReport(func(w io.Writer) error { return report.HTML(w, b, s) })
	}
	if err != nil {
		fmt.Fprintf(stderr, "schload: warning: the bundle holds no page: %v\n", err)
	}
}
