package report

import (
	"fmt"
	"io"
	"strings"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/internal/explain"
)

// Markdown writes a run in a few lines and a table, for a pull request.
func Markdown(w io.Writer, kept *bundle.Bundle, s compare.Summary) error {
	run := kept.Run
	findings, err := explain.Explain(kept, s)
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n\n", markdown(s.Upgrade.Name+": "+run.ID))
	for _, x := range bannersOf(s) {
		fmt.Fprintf(&b, "> **%s** %s\n", x.Name, x.Text)
		for _, r := range x.Reasons {
			fmt.Fprintf(&b, "> - %s\n", markdown(r))
		}
		b.WriteByte('\n')
	}
	told := tell(run, s)
	for _, lines := range [][]string{told.Played, told.Felt, told.Means} {
		if len(lines) > 0 {
			b.WriteString(markdown(strings.Join(lines, " ")) + "\n\n")
		}
	}
	for _, line := range judgement(s) {
		b.WriteString("- " + markdown(line) + "\n")
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
			b.WriteString("- " + markdown(line) + "\n")
		}
	}
	if len(told.Weakens) > 0 {
		b.WriteString("\nWhat weakens it:\n\n")
		for _, line := range told.Weakens {
			b.WriteString("- " + markdown(line) + "\n")
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
			b.WriteString(markdown(f.Arm) + ": ")
		}
		b.WriteString(markdown(f.Title) + " (" + f.ID + ", " + string(f.Severity) + ")")
		if f.Fix != "" {
			b.WriteString(". " + markdown(f.Fix))
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
			b.WriteString("| " + markdown(c) + " ")
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

// markdown escapes what Markdown, or the HTML in it, would take for markup.
func markdown(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case strings.ContainsRune("\\`*_[]|~#!", r):
			b.WriteString("\\" + string(r))
		case r < ' ':
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
