package report

import (
	"fmt"
	"io"
	"strings"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/internal/explain"
	"schload/internal/markdown"
)

// Markdown writes a run in a few lines and a table, for a pull request.
func Markdown(w io.Writer, kept *bundle.Bundle, s compare.Summary) error {
	run := kept.Run
	findings, err := explain.Explain(kept, s)
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n\n", markdown.Escape(s.Upgrade.Name+": "+run.ID))
	for _, x := range bannersOf(s) {
		fmt.Fprintf(&b, "> **%s** %s\n", x.Name, x.Text)
		for _, r := range x.Reasons {
			fmt.Fprintf(&b, "> - %s\n", markdown.Escape(r))
		}
		b.WriteByte('\n')
	}
	told := tell(run, s)
	for _, lines := range [][]string{told.Played, told.Felt, told.Means} {
		if len(lines) > 0 {
			b.WriteString(markdown.Escape(strings.Join(lines, " ")) + "\n\n")
		}
	}
	for _, line := range judgement(s) {
		b.WriteString("- " + markdown.Escape(line) + "\n")
	}
	if len(judgement(s)) > 0 {
		b.WriteByte('\n')
	}
	b.WriteString(keyNumbers(s).markdown())
	if t := differenceTable(s.Differences); len(t.rows) > 0 {
		b.WriteString("\n" + t.markdown())
	}
	if lines := restsOn(s); len(lines) > 0 {
		b.WriteString("\nBehind the verdict on the documentation:\n\n")
		for _, line := range lines {
			b.WriteString("- " + markdown.Escape(line) + "\n")
		}
	}
	if len(told.Weakens) > 0 {
		b.WriteString("\nWhat weakens it:\n\n")
		for _, line := range told.Weakens {
			b.WriteString("- " + markdown.Escape(line) + "\n")
		}
	}
	b.WriteString(explained(findings))
	_, err = io.WriteString(w, b.String())
	return err
}

// explained is a line for each finding; what it rests on, schload explain says.
func explained(findings []explain.Finding) string {
	if len(findings) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\nWhat explains it (schload explain has the evidence):\n\n")
	for _, f := range findings {
		b.WriteString("- ")
		if f.Arm != "" {
			b.WriteString(markdown.Escape(f.Arm) + ": ")
		}
		b.WriteString(markdown.Escape(f.Title) + " (" + f.ID + ", " + string(f.Severity) + ")")
		if f.Fix != "" {
			b.WriteString(". " + markdown.Escape(f.Fix))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// markdown writes the table as one of GitHub's.
func (t *table) markdown() string {
	var b strings.Builder
	line := func(cells ...string) {
		for _, c := range cells {
			b.WriteString("| " + markdown.Escape(c) + " ")
		}
		b.WriteString("|\n")
	}
	line(append([]string{""}, t.head...)...)
	b.WriteString("|---" + strings.Repeat("|---:", len(t.head)) + "|\n")
	for _, r := range t.rows {
		line(append([]string{strings.TrimSpace(r.label)}, r.cells...)...)
	}
	return b.String()
}
