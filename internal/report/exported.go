package report

import (
	"fmt"
	"io"
	"strings"

	"schload/internal/compare"
)

// notExported stands where exported metrics do not tell.
const notExported = "not exported"

// Exported writes the table of a run that is known by its exported metrics
// alone: see compare.Exported. Every row that they do not tell says so. Extent is
// a line on what the points cover, lacking why there is no more.
func Exported(w io.Writer, s compare.Summary, extent, lacking string) error {
	t := metrics([]compare.Summary{s})
	told := false
	for i, r := range t.rows {
		if !strings.HasPrefix(r.label, " ") {
			told = strings.HasPrefix(r.label, "operations,") || strings.HasPrefix(r.label, "response time") || strings.HasPrefix(r.label, "service time")
		}
		if cut, _, ok := strings.Cut(r.label, " ("); ok && strings.HasSuffix(r.label, " 0 ms)") {
			t.rows[i].label = cut // the run's limits are not exported either
		}
		for j := range r.cells {
			if !told {
				r.cells[j] = notExported
			}
		}
	}
	_, err := fmt.Fprintf(w, "%srun %s, upgrade %s, from exported metrics alone: no verdict, and no word on whether the run is valid\n\n%s\n"+
		"%s: %s; the timeline, and proofs of what arms were, are in the bundle only.\n%s",
		limits(s), s.RunID, s.Upgrade.Name, t, notExported, lacking, extent)
	return err
}

// limits says above a table which limits the harness was beyond, by the metrics.
func limits(s compare.Summary) string {
	if !s.Harness.Saturated {
		return ""
	}
	return fmt.Sprintf("*** run %s is SATURATED: the harness was the bottleneck, these numbers are no verdict; beyond its limit: %s ***\n",
		s.RunID, strings.Join(s.Harness.SaturatedReasons, ", "))
}
