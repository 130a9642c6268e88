package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"schload/internal/bundle"
	"schload/internal/compare"
)

// Text writes the report of one run, or of several side by side: banners, the
// table, what it says in words, what weakens it, and where it comes from.
func Text(w io.Writer, runs ...compare.Summary) error {
	if len(runs) == 0 {
		return nil
	}
	var b strings.Builder
	for _, s := range runs {
		run := ""
		if len(runs) > 1 {
			run = "run " + s.RunID + " is "
		}
		banners(&b, s, run)
	}
	for _, s := range runs {
		b.WriteString(title(s) + "\n")
		for _, line := range judgement(s) {
			b.WriteString(line + "\n")
		}
	}
	contrast(&b, runs)
	t := metrics(runs)
	b.WriteString("\n" + t.String())
	if t.contains(fewSamples) {
		b.WriteString(fewSamples + " too few samples\n")
	}
	for _, s := range runs {
		b.WriteByte('\n')
		if len(runs) > 1 {
			b.WriteString("run " + s.RunID + "\n")
		}
		remarks(&b, s)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func banners(b *strings.Builder, s compare.Summary, run string) {
	b.WriteString(saturationBanner(s, run))
	if !s.Valid {
		fmt.Fprintf(b, "*** %sINVALID: these numbers prove nothing ***\n", run)
		for _, r := range s.InvalidReasons {
			fmt.Fprintf(b, "    %s\n", r)
		}
	}
	if !s.Complete {
		fmt.Fprintf(b, "*** %sINCOMPLETE: the run was cut off or interrupted, its numbers end where it did ***\n", run)
	}
	if s.Harness.Saturated && !s.Saturating() {
		fmt.Fprintf(b, "*** %sSATURATED: the harness was the bottleneck, these numbers are no verdict ***\n", run)
		for _, r := range s.Harness.SaturatedReasons {
			fmt.Fprintf(b, "    %s\n", r)
		}
	}
	if len(s.Injections) > 0 {
		fmt.Fprintf(b, "*** %sINJECTED: the simulator was told to do wrong, these numbers are no measurement of Redis ***\n", run)
		fmt.Fprintf(b, "    ordered: %s; done: %s\n", strings.Join(s.Injections, ", "), injected(s.Injected))
	}
	if !s.Valid || !s.Complete || s.Harness.Saturated || s.Saturating() || len(s.Injections) > 0 {
		b.WriteByte('\n')
	}
}

// injected spells how many faults were done.
func injected(done map[string]int) string {
	var words []string
	for _, fault := range slices.Sorted(maps.Keys(done)) {
		words = append(words, fmt.Sprintf("%d %s", done[fault], strings.ReplaceAll(fault, "_", " ")))
	}
	if len(words) == 0 {
		return "nobody knows, the run was cut off"
	}
	return strings.Join(words, ", ")
}

func title(s compare.Summary) string {
	upgrade := s.Upgrade.Name
	if s.Upgrade.Title != "" {
		upgrade += " (" + s.Upgrade.Title + ")"
	}
	parts := []string{"run " + s.RunID, "upgrade " + upgrade}
	if s.Upgrade.SCHSupport != "" {
		parts = append(parts, "SCH support "+s.Upgrade.SCHSupport)
	}
	if s.Stage != "" {
		parts = append(parts, "stage "+s.Stage)
	}
	if s.Cluster {
		parts = append(parts, "cluster clients")
	}
	if s.Saturating() {
		parts = append(parts, SaturationWord)
	}
	if s.ClosedLoop {
		parts = append(parts, "CLOSED LOOP")
	}
	parts = append(parts, plural(uint64(max(s.Rounds, 0)), "round"))
	if s.RoundsEnded != "" {
		parts[len(parts)-1] += " (auto, ended by " + endedBy(s) + ")"
	}
	if byTurns(s) {
		parts = append(parts, "ARMS BY TURNS")
	}
	return strings.Join(append(parts, phases(s)...), ", ")
}

// byTurns says whether the arms met an upgrade each.
func byTurns(s compare.Summary) bool { return s.Order == bundle.OrderSequential }

// endedBy is what made a run that decides itself play no more rounds.
func endedBy(s compare.Summary) string {
	word, _, _ := strings.Cut(s.RoundsEnded, ":")
	return word
}

// phases says what decided on the phases, and where it was not the stage since
// when, in seconds, there was maintenance.
func phases(s compare.Summary) []string {
	switch {
	case s.PhaseSource == "":
		return nil
	case s.PhaseSource == "none":
		return []string{"all baseline"}
	case !found(s):
		return []string{"phases from " + s.PhaseSource}
	}
	var spans []string
	for _, m := range s.Maintenance {
		spans = append(spans, clock(m.From.Duration())+" to "+clock(m.To.Duration()))
	}
	return []string{"phases from " + s.PhaseSource + ": maintenance " + strings.Join(spans, " and ")}
}

func remarks(b *strings.Builder, s compare.Summary) {
	for _, line := range words(s) {
		b.WriteString(line + "\n")
	}
	b.WriteString(differences(s.Differences))
	list(b, "reasons for the verdict against the documentation", restsOn(s))
	list(b, "warnings", s.Warnings)
	list(b, "assumptions of the upgrade", s.Upgrade.Assumptions)
	b.WriteString(harness(s))
	if s.Dir != "" {
		fmt.Fprintf(b, "bundle: %s\n", s.Dir)
	}
}

func list(b *strings.Builder, heading string, items []string) {
	if len(items) == 0 {
		return
	}
	b.WriteString(heading + ":\n")
	for _, item := range items {
		b.WriteString("  - " + item + "\n")
	}
}
