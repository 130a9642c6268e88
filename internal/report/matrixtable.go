package report

import (
	"fmt"
	"io"
	"strings"

	"schload/internal/compare"
	"schload/internal/markdown"
	"schload/internal/matrix"
)

// MatrixText writes a matrix as a table, with what it says in words.
func MatrixText(w io.Writer, m *matrix.Matrix) error {
	var b strings.Builder
	for _, line := range append(matrixPlayed(m), matrixSays(m)...) {
		b.WriteString(line + "\n")
	}
	t := matrixTable(m)
	b.WriteString("\n" + t.String())
	if t.contains(fewSamples) {
		b.WriteString(fewSamples + " too few samples\n")
	}
	b.WriteString(matrixNote + "\n\n")
	list(&b, "against the documentation", matrixEvidence(m))
	list(&b, "what weakens it", matrixWeakens(m))
	if m.Dir != "" {
		fmt.Fprintf(&b, "matrix: %s\n", m.Dir)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// MatrixMarkdown writes a matrix for a pull request.
func MatrixMarkdown(w io.Writer, m *matrix.Matrix) error {
	var b strings.Builder
	b.WriteString("### schload matrix\n\n")
	for _, line := range append(matrixPlayed(m), matrixSays(m)...) {
		b.WriteString(markdown.Escape(line) + "\n")
	}
	t := matrixLines(m)
	b.WriteString("\n" + t.markdown() + "\n" + matrixNote)
	if t.contains(fewSamples) {
		b.WriteString(" " + markdown.Escape(fewSamples) + ": too few samples.")
	}
	b.WriteByte('\n')
	for _, part := range []struct {
		title string
		lines []string
	}{{"Against the documentation", matrixEvidence(m)}, {"What weakens it", matrixWeakens(m)}} {
		if len(part.lines) == 0 {
			continue
		}
		b.WriteString("\n" + part.title + ":\n\n")
		for _, line := range part.lines {
			b.WriteString("- " + markdown.Escape(line) + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// matrixHead are the columns, of each arm of each cell; n is how many successes
// the percentiles are of.
var matrixHead = []string{"due", "harmed, %", "failed", "late", "missed", "longest outage, s", "dials", "timeouts", "n", "p95, ms", "p99, ms", "lost writes", "documented", "harmed, against the arm off"}

// matrixNote says what the columns are, to whoever sees the table alone.
const matrixNote = "All rounds of a cell together, warm-up left out. Harmed: failed, missed or late. p95 and p99 are response times of the n successes in maintenance. " +
	"Points are of a hundred: the share harmed less that of the arm off, median of paired rounds with its 95 % interval."

// matrixTable has a heading for each cell and a row for each of its arms.
func matrixTable(m *matrix.Matrix) *table {
	t := &table{head: matrixHead, text: 2}
	for i, r := range m.Rows {
		t.add(m.Plan.Spelled(m.Plan.Cells[i]) + cellNote(r))
		for _, a := range r.Arms {
			t.add("  "+a.Name, matrixCells(r, a)...)
		}
	}
	return t
}

// matrixLines has a row for each arm of each cell, for tables that know no
// headings between rows.
func matrixLines(m *matrix.Matrix) *table {
	t := &table{head: append([]string{"arm"}, matrixHead...), text: 2}
	for i, r := range m.Rows {
		name := m.Plan.Spelled(m.Plan.Cells[i]) + cellNote(r)
		if len(r.Arms) == 0 {
			t.add(name, append([]string{""}, blanks(matrixHead)...)...)
		}
		for _, a := range r.Arms {
			t.add(name, append([]string{a.Name}, matrixCells(r, a)...)...)
			name = ""
		}
	}
	return t
}

func blanks(head []string) []string { return make([]string, len(head)) }

// cellNote is what has to be known of a cell beside its name.
func cellNote(r matrix.Row) string {
	notes := []string{"SCH support " + r.SCHSupport}
	if r.Speed != 1 {
		notes = append(notes, "speed "+brevity(r.Speed))
	}
	if r.State != matrix.Done {
		notes = append(notes, strings.ToUpper(string(r.State)))
		notes = append(notes, r.Reasons...)
	}
	if len(r.Saturated) > 0 {
		notes = append(notes, "SATURATED: the harness was the bottleneck")
	}
	return " (" + strings.Join(notes, ", ") + ")"
}

func brevity(x float64) string { return fmt.Sprintf("%g", x) }

func matrixCells(r matrix.Row, a matrix.Arm) []string {
	q := a.Maintenance
	lost := unseen
	if a.LostWrites != nil {
		lost = count(*a.LostWrites)
	}
	return []string{
		count(a.Due), three(100 * a.HarmedRatio()), count(a.Failed), count(a.Late), count(a.Missed), seconds(a.LongestOutage.Duration()), count(a.Dials), count(a.Timeouts),
		count(q.Count), quantile(q.Count, 20, q.P95.Duration()), quantile(q.Count, 100, q.P99.Duration()), lost, matrixDocumented(r, a), matrixVerdict(r, a),
	}
}

// matrixDocumented is what became of the vendor's promise.
func matrixDocumented(r matrix.Row, a matrix.Arm) string {
	var verdicts []string
	for _, x := range r.Expectations {
		if x.Arm == a.Name {
			verdicts = append(verdicts, documented(x))
		}
	}
	return strings.Join(verdicts, "; ")
}

// documented is the verdict on one promise, and for which pools if not for all.
func documented(x compare.Expectation) string {
	if len(x.Pools) == 0 {
		return x.Verdict
	}
	return x.Verdict + " (" + strings.Join(x.Pools, ", ") + ")"
}

// matrixVerdict is "better, -5.31 points (-5.60 to -5.10)".
func matrixVerdict(r matrix.Row, a matrix.Arm) string {
	d, ok := r.Verdict(a.Name)
	switch {
	case ok:
	case len(r.Verdicts) > 0 || a.Raw:
		return ""
	case a.Name != r.Arms[0].Name:
		return ""
	case r.State != matrix.Done:
		return "no verdict: " + string(r.State)
	case len(r.Saturated) > 0:
		return "no verdict: the harness was the bottleneck"
	case r.Rounds < 2:
		return "no verdict: one round"
	default:
		return ""
	}
	if d.Verdict == compare.NotSeen {
		return d.Verdict
	}
	text := d.Verdict + ", " + scaled(d, &d.Estimate) + " points"
	if d.Low != nil && d.High != nil {
		text += " (" + scaled(d, d.Low) + " to " + scaled(d, d.High) + ")"
	}
	if d.RoundsNeeded > 0 {
		text += fmt.Sprintf("; about %d rounds needed", d.RoundsNeeded)
	}
	return text
}
