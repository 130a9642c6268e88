package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"schload/internal/compare"
)

// Served is a run as a Prometheus server has it.
type Served struct {
	Summary compare.Summary // by compare.Exported
	To      time.Time       // its last samples
	Source  string          // the server, as it may be shown
}

// Prometheus writes the table of runs that are known by what a Prometheus server
// has of them, side by side. Every row that it does not tell says so.
func Prometheus(w io.Writer, runs []Served) error {
	var summaries []compare.Summary
	var b strings.Builder
	for _, r := range runs {
		summaries = append(summaries, r.Summary)
		b.WriteString(limits(r.Summary))
		fmt.Fprintf(&b, "run %s, upgrade %s, from a Prometheus server alone: no verdict, and no word on whether the run is valid\n", r.Summary.RunID, r.Summary.Upgrade.Name)
	}
	contrast(&b, summaries)
	t := metrics(summaries)
	told := false
	for i, r := range t.rows {
		if !strings.HasPrefix(r.label, " ") {
			told = strings.HasPrefix(r.label, "operations,") || strings.HasPrefix(r.label, "response time") || strings.HasPrefix(r.label, "service time")
		}
		switch cut, _, ok := strings.Cut(r.label, " ("); {
		case ok && strings.HasSuffix(r.label, " 0 ms)"):
			t.rows[i].label = cut // the run's limits are not exported either
		case told && strings.HasSuffix(r.label, " max"):
			t.rows[i].label += ", at most" // no native histogram has its extremes
		}
		for j := range r.cells {
			if !told {
				r.cells[j] = notExported
			}
		}
	}
	fmt.Fprintf(&b, "\n%s\n%s: marks, rounds and proofs are in the bundle only; what is counted without its phase cannot be told from warm-up.\n", t, notExported)
	if t.contains(fewSamples) {
		fmt.Fprintf(&b, "%s too few samples\n", fewSamples)
	}
	fmt.Fprintf(&b, "at most: the longest lies in the bucket that ends there, 1.1 %% wide; a quantile in the outermost buckets may be as far off\n")
	for _, r := range runs {
		fmt.Fprintf(&b, "covered: run %s from its beginning to %s, its last samples there; whether it went on, they do not tell\nserver: %s\n",
			r.Summary.RunID, r.To.Format(time.RFC3339Nano), r.Source)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
