package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"schload/internal/compare"
	"schload/internal/matrix"
)

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
	lines = append(lines, matrixFamily(m)...)
	lines = append(lines, matrixPromises(m)...)
	for _, state := range []matrix.State{matrix.Invalid, matrix.Failed, matrix.Incomplete, matrix.Pending} {
		if names := inState(m, state); len(names) > 0 {
			lines = append(lines, stateWords[state]+counted(names)+".")
		}
	}
	return lines
}

// matrixFamily says which differences with evidence remain when those of all
// cells are taken for one family.
func matrixFamily(m *matrix.Matrix) []string {
	var doubtful []string
	of, found := 0, 0
	for i, r := range m.Rows {
		for _, d := range r.Verdicts {
			of++
			if d.Verdict != compare.VerdictBetter && d.Verdict != compare.VerdictWorse {
				continue
			}
			found++
			if r.QValues[d.Arm] > matrix.Discovery {
				doubtful = append(doubtful, d.Arm+" in "+m.Plan.Spelled(m.Plan.Cells[i]))
			}
		}
	}
	if found == 0 || of < 2 {
		return nil
	}
	text := fmt.Sprintf("Corrected for all %d comparisons of the matrix (false discovery rate %g %%), %d of the %d with evidence remain", of, 100*matrix.Discovery, found-len(doubtful), found)
	if len(doubtful) > 0 {
		text += "; more rounds would tell: " + strings.Join(doubtful, ", ")
	}
	return []string{text + "."}
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

// matrixEvidence is a line for each verdict on a promise: the most decisive
// reason for it. All reasons are on the page.
func matrixEvidence(m *matrix.Matrix) (lines []string) {
	for i, r := range m.Rows {
		for _, x := range r.Expectations {
			if x.Verdict != compare.NoPromise {
				lines = append(lines, m.Plan.Spelled(m.Plan.Cells[i])+", "+subject(x)+": "+x.Verdict+needs(x)+"; "+sentence(x.Reasons))
			}
		}
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
	if m.Plan.Rounds < compare.FewestRounds {
		lines = append(lines, fmt.Sprintf("%s cannot show a difference: it takes %d, even if all of them agree; play it with --rounds %[2]d or more", plural(uint64(max(0, m.Plan.Rounds)), "round"), compare.FewestRounds))
	}
	if m.Plan.Parallel > 1 {
		lines = append(lines, fmt.Sprintf("%d cells were played at a time, in one process: times are those of a shared machine, and what one cell does to it others can feel; the arms of a cell share it", m.Plan.Parallel))
	}
	if warnings > 0 {
		lines = append(lines, plural(uint64(warnings), "warning")+" of single cells, which matrix.html and the cells' own reports show")
	}
	return lines
}

func inState(m *matrix.Matrix, state matrix.State) (names []string) {
	for i, r := range m.Rows {
		if r.State == state {
			names = append(names, m.Plan.Spelled(m.Plan.Cells[i]))
		}
	}
	return names
}
