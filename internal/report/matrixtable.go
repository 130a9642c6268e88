package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"schload/internal/compare"
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
	b.WriteByte('\n')
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
		b.WriteString(markdown(line) + "\n")
	}
	b.WriteString("\n" + matrixLines(m).markdown())
	if weak := matrixWeakens(m); len(weak) > 0 {
		b.WriteString("\nWhat weakens it:\n\n")
		for _, line := range weak {
			b.WriteString("- " + markdown(line) + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// matrixHead are the columns, of each arm of each cell.
var matrixHead = []string{"due", "harmed, %", "failed", "late", "missed", "longest outage, s", "dials", "timeouts", "p95, ms", "p99, ms", "lost writes", "documented", "harmed, against the arm off"}

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
		quantile(q.Count, 20, q.P95.Duration()), quantile(q.Count, 100, q.P99.Duration()), lost, matrixDocumented(r, a), matrixVerdict(r, a),
	}
}

// matrixDocumented is what became of the vendor's promise.
func matrixDocumented(r matrix.Row, a matrix.Arm) string {
	var verdicts []string
	for _, x := range r.Expectations {
		if x.Arm != a.Name {
			continue
		}
		text := x.Verdict
		if len(x.Pools) > 0 {
			text += " (" + strings.Join(x.Pools, ", ") + ")"
		}
		verdicts = append(verdicts, text)
	}
	return strings.Join(verdicts, "; ")
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

// matrixPlayed says what was done and how fast.
func matrixPlayed(m *matrix.Matrix) []string {
	p := m.Plan
	text := fmt.Sprintf("%s, %s each, arms %s", plural(uint64(len(p.Cells)), "cell"), plural(uint64(max(0, p.Rounds)), "round"), strings.Join(p.Arms, ", "))
	if p.Parallel > 1 {
		text += fmt.Sprintf(", %d cells at a time", p.Parallel)
	}
	lines := []string{text + "; schload " + p.Versions.Schload + ", go-redis " + p.Versions.GoRedis + "."}
	if !p.Compressed() {
		return append(lines, "Every upgrade was played at its own pace.")
	}
	var names []string
	for _, c := range p.Cells {
		if c.Speed != 1 {
			names = append(names, p.Spelled(c)+" "+brevity(c.Speed)+" times")
		}
	}
	rest := ""
	if n := len(p.Cells) - len(names); n > 0 {
		rest = fmt.Sprintf("; the other %d at their own pace", n)
	}
	return append(lines, "Quickened, the server's side only: "+strings.Join(names, ", ")+rest+".")
}

// matrixSays is the matrix in a few sentences.
func matrixSays(m *matrix.Matrix) (lines []string) {
	said := map[string][]string{}
	var order []string
	for i, r := range m.Rows {
		name := m.Plan.Spelled(m.Plan.Cells[i])
		for _, d := range r.Verdicts {
			key := d.Arm + " against " + d.Against + " was " + verdictWords[d.Verdict]
			if said[key] == nil {
				order = append(order, key)
			}
			said[key] = append(said[key], name)
		}
	}
	slices.Sort(order)
	for _, key := range order {
		lines = append(lines, "Of the operations harmed, "+key+" in "+counted(said[key])+".")
	}
	lines = append(lines, matrixPromises(m)...)
	for _, state := range []matrix.State{matrix.Invalid, matrix.Failed, matrix.Incomplete, matrix.Pending} {
		if names := inState(m, state); len(names) > 0 {
			lines = append(lines, stateWords[state]+counted(names)+".")
		}
	}
	return lines
}

// matrixPromises says where the vendor's promise was kept, and where it was not.
func matrixPromises(m *matrix.Matrix) (lines []string) {
	kept := map[string][]string{}
	for i, r := range m.Rows {
		for _, x := range r.Expectations {
			key := fmt.Sprintf(promiseWords[x.Verdict], x.Arm)
			kept[key] = append(kept[key], m.Plan.Spelled(m.Plan.Cells[i]))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(kept)) {
		lines = append(lines, key+" in "+counted(slices.Compact(kept[key]))+".")
	}
	return lines
}

var promiseWords = map[string]string{
	compare.AsDocumented: "Against what is documented: %s did as promised", compare.BetterThan: "Against what is documented: %s did better",
	compare.WorseThan: "Against what is documented: %s did worse", compare.NoEvidence: "Against what is documented: %s without evidence either way",
	compare.NoPromise: "Against what is documented: nothing is promised for %s",
}

var verdictWords = map[string]string{
	compare.VerdictBetter: "better, with evidence,", compare.VerdictWorse: "worse, with evidence,",
	compare.NoEvidence: "not shown to differ", compare.NotSeen: "no different",
}

var stateWords = map[matrix.State]string{
	matrix.Invalid: "Invalid, no conclusion: ", matrix.Failed: "Could not be played: ",
	matrix.Incomplete: "Cut off, no conclusion: ", matrix.Pending: "Not played yet: ",
}

// counted is "2 cells: a, b".
func counted(names []string) string {
	return plural(uint64(len(names)), "cell") + ": " + strings.Join(names, ", ")
}

// matrixWeakens is what weakens a matrix as a whole, and cells by their pace or
// for want of a machine. What else single cells warn of is counted.
func matrixWeakens(m *matrix.Matrix) (lines []string) {
	var order []string
	where := map[string][]string{}
	add := func(text, cell string) {
		if where[text] == nil {
			order = append(order, text)
		}
		where[text] = append(where[text], cell)
	}
	warnings := 0
	for i, r := range m.Rows {
		name := m.Plan.Spelled(m.Plan.Cells[i])
		for _, text := range m.Plan.Cells[i].Bends {
			add("quickened, "+text, name)
		}
		for _, text := range r.Saturated {
			add("no verdict, the harness was the bottleneck: "+text, name)
		}
		warnings += len(r.Warnings)
	}
	for _, text := range order {
		lines = append(lines, strings.Join(where[text], ", ")+": "+text)
	}
	if m.Plan.Rounds < fewestRounds {
		lines = append(lines, fmt.Sprintf("%s cannot show a difference: it takes %d, even if all of them agree", plural(uint64(max(0, m.Plan.Rounds)), "round"), fewestRounds))
	}
	if m.Plan.Parallel > 1 {
		lines = append(lines, fmt.Sprintf("%d cells were played at a time, in one process: times are those of a shared machine, and what one cell does to it others can feel; the arms of a cell share it", m.Plan.Parallel))
	}
	if warnings > 0 {
		lines = append(lines, plural(uint64(warnings), "warning")+" of single cells, which matrix.html and the cells' own reports show")
	}
	return lines
}

// fewestRounds can show a difference in the primary metric: 2/2^6 is below 0.05.
const fewestRounds = 6

// MatrixBoard is the state of a matrix on a few lines, for a terminal.
func MatrixBoard(b matrix.Board) string {
	text := fmt.Sprintf("%d of %d cells", b.Done, b.Cells)
	if b.Kept > 0 {
		text += fmt.Sprintf(" (%d kept)", b.Kept)
	}
	text += "  " + clock(b.Elapsed) + ", about " + clock(b.Left) + " left\n"
	t := &table{head: []string{"round", "phase", "elapsed", "left"}}
	for _, x := range b.Running {
		t.add("  "+x.Cell, fmt.Sprintf("%d of %d", x.Round, x.Rounds), x.Phase, clock(x.Elapsed), clock(max(time.Duration(0), x.Total-x.Elapsed)))
	}
	if len(t.rows) == 0 {
		return text
	}
	return text + t.String()
}

func inState(m *matrix.Matrix, state matrix.State) (names []string) {
	for i, r := range m.Rows {
		if r.State == state {
			names = append(names, m.Plan.Spelled(m.Plan.Cells[i]))
		}
	}
	return names
}
